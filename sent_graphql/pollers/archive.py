"""The archive: every node that has left, as it was seen last or as the contract's events tell of it.

It grows with history, so nothing is done to all of it unless something in it changes: in most blocks nobody leaves,
and the next archive is the same object.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, structs

from sent_graphql.models.contracts import ContractsView, NodeExit, NodeRegistration
from sent_graphql.models.global_id import global_id, parse_global_id
from sent_graphql.models.network import ServiceNode
from sent_graphql.models.node_index import NO_NODES, NodeIndex
from sent_graphql.pollers.exits import past_node, unseen_node
from sent_graphql.pollers.lives import Life, held_alias, registered_alias
from sent_graphql.pollers.matching import SHIFTED_BLOCKS
from sent_graphql.pollers.told_ids import ToldIds


class Archive(Struct, frozen=True, kw_only=True):
    """Lives that have ended. A life that comes back (a reorganisation of either side) leaves it."""

    records: Mapping[str, ServiceNode] = {}
    """What has been seen of them last, by global id. Those that nobody saw are missing."""
    nodes: NodeIndex = NO_NODES
    """All of them, as they are shown."""
    lives: Mapping[str, Life] = {}
    """Under every alias that they may come back by."""
    registrations: Mapping[int, NodeRegistration] = {}
    exits: Mapping[int, NodeExit] = {}
    """What `nodes` were made from."""

    def remembering(self, records: Iterable[ServiceNode]) -> "Archive":
        """With what earlier runs have kept; what is in it already is newer. It is shown from the next step on."""
        known = {alias for node in self.records.values() for alias in _aliases(node)}
        added = {node.id: node for node in records if known.isdisjoint(_aliases(node))}
        return structs.replace(
            self,
            records={**added, **self.records},
            lives={**self.lives, **_lives(added.values())},
            registrations={},
            exits={},
        )

    def next(
        self,
        before: Iterable[ServiceNode],
        present: NodeIndex,
        aliases: Mapping[str, Life],
        contracts: ContractsView,
        told: ToldIds,
    ) -> "Archive":
        """The archive after a step from the nodes `before` to those at `present`, whose lives go by `aliases`."""
        departed = [
            node for node in before if node.id not in present.by_id and _has_ended(node, present, aliases, contracts)
        ]
        returned = self._returned(present, aliases)
        if not departed and not returned and self._rests_on(contracts):
            return self
        kept = [node for node in self.records.values() if node.id not in returned]
        records = {node.id: _with_told_id(node, told) for node in (*kept, *departed)}
        nodes = (*self._seen(records, contracts), *self._unseen(records, present, contracts))
        unchanged = nodes == self.nodes.nodes
        return structs.replace(
            self,
            records=records,
            nodes=self.nodes if unchanged else NodeIndex(nodes),
            lives=self.lives if unchanged else _lives(nodes),
            registrations=contracts.registrations,
            exits=contracts.exits,
        )

    def _returned(self, present: NodeIndex, aliases: Mapping[str, Life]) -> set[str]:
        """Ids of those that are there again, under whatever name. Costs what is present, not what is past."""
        by_contract_id = self.nodes.by_contract_id
        return {
            *(self.records.keys() & present.by_id.keys()),
            *(by_contract_id[number].id for number in by_contract_id.keys() & present.by_contract_id.keys()),
            *(global_id("ServiceNode", self.lives[alias].id) for alias in self.lives.keys() & aliases.keys()),
        }

    def _rests_on(self, contracts: ContractsView) -> bool:
        return self.registrations is contracts.registrations and self.exits is contracts.exits

    def _seen(self, records: Mapping[str, ServiceNode], contracts: ContractsView) -> Iterator[ServiceNode]:
        for record in records.values():
            shown = self.nodes.by_id.get(record.id)
            known = self.records.get(record.id) is record
            if shown is None or not known or self._differs(record.contract_id, contracts):
                shown = past_node(record, *_told_of(record.contract_id, contracts.registrations, contracts.exits))
            yield shown

    def _unseen(
        self, records: Mapping[str, ServiceNode], present: NodeIndex, contracts: ContractsView
    ) -> Iterator[ServiceNode]:
        """Those that came and went while nobody looked."""
        elsewhere = {record.contract_id for record in records.values()} | present.by_contract_id.keys()
        for contract_id, event in contracts.exits.items():
            registration = contracts.registrations.get(contract_id)
            if registration is None or contract_id in elsewhere:
                continue
            shown = self.nodes.by_contract_id.get(contract_id)
            if shown is None or shown.id in self.records or self._differs(contract_id, contracts):
                shown = unseen_node(registration, event)
            yield shown

    def _differs(self, contract_id: int | None, contracts: ContractsView) -> bool:
        """Whether events tell another thing of that life than they did."""
        mine = _told_of(contract_id, self.registrations, self.exits)
        now = _told_of(contract_id, contracts.registrations, contracts.exits)
        return any(one is not other for one, other in zip(mine, now, strict=True))


EMPTY_ARCHIVE = Archive()


def _has_ended(node: ServiceNode, present: NodeIndex, aliases: Mapping[str, Life], contracts: ContractsView) -> bool:
    """Whether what is no longer there was a node at all, and is not there under another id."""
    if node.contract_id in present.by_contract_id or any(alias in aliases for alias in _aliases(node)):
        return False
    if node.contract_id in contracts.exits:
        return True
    if node.registration_height is None:
        # A registration that oxend never confirmed, taken back by a reorganisation of the L2.
        return False
    again = present.by_pubkey.get(node.pubkey)
    if again is None or again.registration_height is None:
        return True
    # One that a reorganisation of oxend has moved to another block is the same registration.
    return abs(again.registration_height - node.registration_height) > SHIFTED_BLOCKS


def _with_told_id(record: ServiceNode, told: ToldIds) -> ServiceNode:
    if record.contract_id is not None or record.registration_height is None:
        return record
    contract_id = told.of(record.pubkey, record.registration_height)
    return record if contract_id is None else structs.replace(record, contract_id=contract_id)


def _told_of(
    contract_id: int | None, registrations: Mapping[int, NodeRegistration], exits: Mapping[int, NodeExit]
) -> tuple[NodeRegistration | None, NodeExit | None]:
    if contract_id is None:
        return None, None
    return registrations.get(contract_id), exits.get(contract_id)


def _aliases(node: ServiceNode) -> list[str]:
    """What a node that has left may come back as."""
    names = []
    if node.contract_id is not None:
        names.append(held_alias(node.pubkey, node.contract_id))
    if node.registration_height is not None:
        names.append(registered_alias(node.pubkey, node.registration_height))
    return names


def _lives(nodes: Iterable[ServiceNode]) -> dict[str, Life]:
    lives = {}
    for node in nodes:
        life = Life(parse_global_id(node.id)[1], node.contract_id, node.registration_height)
        lives.update(dict.fromkeys(_aliases(node), life))
    return lives
