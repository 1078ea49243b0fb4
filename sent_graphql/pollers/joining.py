"""One life joined: which one a record tells of, what is shown of it, and what the join may use again.

Between two blocks nearly all nodes are told of in the same words. What both sides say of a running node decides what is
shown of it, so the same words need not be joined again; whether they are the same is a matter of identity, because the
sources hand out the same objects for what has not changed.
"""

from msgspec import Struct

from sent_graphql.models.contracts import ContractsView, NodeRegistration
from sent_graphql.models.global_id import global_id
from sent_graphql.models.network import Contributor, ServiceNode
from sent_graphql.models.node_index import NodeIndex
from sent_graphql.models.oxend import OxendView
from sent_graphql.pollers.archive import Archive, aliases_of
from sent_graphql.pollers.lives import Life, Lives, held_alias, held_id, pending_alias, registered_alias
from sent_graphql.pollers.matching import NodeRecord
from sent_graphql.pollers.nodes import Background, differences, service_node
from sent_graphql.pollers.told_ids import ToldIds


class Joined(Struct, frozen=True, gc=False):
    """A record of either side or both, and what became of it."""

    record: NodeRecord
    life: Life
    registration: NodeRegistration | None
    node: ServiceNode
    aliases: tuple[str, ...]
    """What the life goes by while it is present; what both sides call it comes first."""
    names: tuple[str, ...]
    """What the node would be called once it has left."""
    differences: tuple[str, ...]
    """Fields on which both sides contradict each other."""
    lasts: bool
    """Whether the node is the same as long as both sides say the same: nothing in it moves with the blocks."""

    def contributors_for(self, record: NodeRecord) -> tuple[Contributor, ...] | None:
        """The node's contributors, where those of `record` are the same; null where they have to be made."""
        now, then = record.registered, self.record.registered
        same = now is not None and then is not None and now.contributors is then.contributors
        return self.node.contributors if same and record.held is self.record.held else None


class Joining:
    """Joins records of two views, one after the other."""

    def __init__(
        self,
        oxend: OxendView,
        contracts: ContractsView,
        lives: Lives,
        *,
        before: NodeIndex,
        archive: Archive,
        lock_seconds: int,
    ) -> None:
        """`lives`, those at present `before` and `archive` are the last assembly's."""
        self.told = ToldIds(oxend, contracts, lives)
        self._oxend = oxend
        self._contracts = contracts
        self._lives = lives
        self._before = before
        self._archive = archive
        self._lock_seconds = lock_seconds

    def joined(self, record: NodeRecord, last: Joined | None) -> Joined:
        """The life that `record` tells of; `last`, which lasts, itself where the same would be made of it."""
        if last is not None and self._holds(last, record):
            return last
        life = self._life(record)
        contributors = None if last is None else last.contributors_for(record)
        node = service_node(record, life, self._background(life, contributors), self._oxend, self._lock_seconds)
        shown = self._before.by_id.get(node.id)
        aliases, names = tuple(_present_aliases(record, life)), tuple(aliases_of(node))
        return Joined(
            record=record,
            life=life,
            registration=self._registration(life),
            node=shown if shown is not None and shown == node else node,
            aliases=aliases,
            names=aliases if names == aliases else names,
            differences=tuple(differences(record)),
            lasts=record.registered is not None and record.held is not None and not node.leaving,
        )

    def _holds(self, last: Joined, record: NodeRecord) -> bool:
        return (
            record.registered is last.record.registered
            and record.held is last.record.held
            and self._lives.by_alias.get(last.aliases[0]) is last.life
            and self._registration(last.life) is last.registration
            and last.node.pubkey_bls not in self._oxend.pending_unlocks
        )

    def _registration(self, life: Life) -> NodeRegistration | None:
        return None if life.contract_id is None else self._contracts.registrations.get(life.contract_id)

    def _background(self, life: Life, contributors: tuple[Contributor, ...] | None) -> Background:
        node_id = global_id("ServiceNode", life.id)
        return Background(
            registration=self._registration(life),
            exit=None if life.contract_id is None else self._contracts.exits.get(life.contract_id),
            last=self._before.by_id.get(node_id) or self._archive.records.get(node_id),
            contributors=contributors,
        )

    def _life(self, record: NodeRecord) -> Life:
        """The remembered life of this record, or a new one named after what is known of it first."""
        known = self._known(record)
        contract_id = self._contract_id(record, known)
        if known is None and contract_id is not None:
            known = self._lives.find([held_alias(record.pubkey, contract_id)])
        confirmed = record.registered or record.removed
        height = confirmed.registration_height if confirmed else known.registration_height if known else None
        life = Life(known.id if known else _new_life_id(record, contract_id), contract_id, height)
        return known if known == life else life

    def _contract_id(self, record: NodeRecord, known: Life | None) -> int | None:
        """The contract's number for the life: as it is now, as it is remembered, as events tell."""
        if record.held is not None:
            return record.held.contract_id
        told = self.told
        remembered = known.contract_id if known is not None else None
        if remembered is not None and not told.is_anothers(remembered, record.pubkey):
            return remembered
        return told.of(record.pubkey, record.removed.registration_height) if record.removed is not None else None

    def _known(self, record: NodeRecord) -> Life | None:
        """The life that the record is remembered as, by the surest name first."""
        known = self._lives.find(_aliases(record))
        if known is not None or not (record.registered or record.pending):
            return known
        # Keys alone name a registration that oxend has not confirmed: one that has left the contract since was another.
        pending = self._lives.find([pending_alias(record.pubkey)])
        return None if pending is not None and pending.contract_id in self._contracts.exits else pending


def _new_life_id(record: NodeRecord, contract_id: int | None) -> str:
    if contract_id is not None:
        return held_id(record.pubkey, contract_id)
    if record.pending is not None:
        return f"{record.pubkey}.p{record.pending.l2_height}"
    confirmed = record.registered or record.removed
    assert confirmed is not None
    return f"{record.pubkey}.h{confirmed.registration_height}"


def _aliases(record: NodeRecord) -> list[str]:
    """What a life is remembered under for as long as it is there, and afterwards."""
    aliases = []
    if record.held is not None:
        aliases.append(held_alias(record.held.pubkey, record.held.contract_id))
    confirmed = record.registered or record.removed
    if confirmed is not None:
        aliases.append(registered_alias(confirmed.pubkey, confirmed.registration_height))
    return aliases


def _present_aliases(record: NodeRecord, life: Life) -> list[str]:
    """The same, with the number that it had on the contract, and what it goes by until oxend has confirmed it."""
    aliases = _aliases(record)
    if record.held is None and life.contract_id is not None:
        aliases.append(held_alias(record.pubkey, life.contract_id))
    if record.pending is not None:
        aliases.append(pending_alias(record.pending.pubkey))
    return aliases
