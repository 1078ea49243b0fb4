"""Which record of oxend and which of the contract are the same life of a node.

Joining is by BLS key, else by Ed25519 key, one life at a time: keys alone do not say it, because the same keys may be
registered again while their old life is still on oxend's exit list.
"""

from collections.abc import Iterable

from msgspec import Struct

from sent_graphql.models.contracts import ContractNode, ContractsView
from sent_graphql.models.oxend import OxendNode, OxendView, PendingRegistration, RemovedNode
from sent_graphql.pollers.lives import Lives, registered_alias


class NodeRecord(Struct, frozen=True, kw_only=True):
    """All that both sides say of one life now. At most one of `registered`, `removed`, `pending` is there."""

    registered: OxendNode | None = None
    removed: RemovedNode | None = None
    pending: PendingRegistration | None = None
    held: ContractNode | None = None

    @property
    def oxend(self) -> OxendNode | RemovedNode | PendingRegistration | None:
        """What oxend says of it, whichever list it is on."""
        return self.registered or self.removed or self.pending

    @property
    def pubkey(self) -> str:
        """The node's Ed25519 key."""
        if self.held is not None:
            return self.held.pubkey
        assert self.oxend is not None
        return self.oxend.pubkey


def match(oxend: OxendView, contracts: ContractsView, lives: Lives) -> list[NodeRecord]:
    """Every life that either side knows now, each once."""
    held = _HeldNodes(contracts.nodes.values())
    records = [NodeRecord(registered=node, held=held.take(node, lives)) for node in oxend.nodes]
    registered = {node.pubkey for node in oxend.nodes}
    pending = [node for node in oxend.pending_registrations if node.pubkey not in registered]
    records += [NodeRecord(pending=node, held=held.take(node)) for node in pending]
    records += [
        NodeRecord(removed=node, held=held.take(node, lives, before=oxend.timestamp_of(node.height)))
        for node in oxend.exit_list
    ]
    records += [NodeRecord(held=node) for node in held.left()]
    return records


class _HeldNodes:
    """The contract's nodes that no record of oxend has claimed yet."""

    def __init__(self, nodes: Iterable[ContractNode]) -> None:
        self._by_id = {node.contract_id: node for node in nodes}
        self._by_bls = {node.pubkey_bls: node for node in self._by_id.values()}
        self._by_pubkey = {node.pubkey: node for node in self._by_id.values()}

    def take(
        self,
        node: OxendNode | RemovedNode | PendingRegistration,
        lives: Lives | None = None,
        *,
        before: int | None = None,
    ) -> ContractNode | None:
        """Claims the contract's record of the same life as `node`, if it is there.

        A life whose contract id is remembered claims that id alone. Otherwise the keys decide, and for a node that
        has been removed also the time: what was added after the removal (`before`, unix seconds) is a new life.
        """
        found = self._by_bls.get(node.pubkey_bls) if node.pubkey_bls is not None else None
        found = found or self._by_pubkey.get(node.pubkey)
        if found is None or found.contract_id not in self._by_id:
            return None
        remembered = None
        if lives is not None and not isinstance(node, PendingRegistration):
            remembered = lives.contract_id(registered_alias(node.pubkey, node.registration_height))
        if remembered is not None:
            if remembered != found.contract_id:
                return None
        elif before is not None and found.added_at > before:
            return None
        return self._by_id.pop(found.contract_id)

    def left(self) -> Iterable[ContractNode]:
        return self._by_id.values()
