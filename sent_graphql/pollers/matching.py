"""Which record of oxend and which of the contract are the same life of a node.

Joining is by BLS key, else by Ed25519 key, one life at a time: keys alone do not say it, because the same keys may be
registered again while their old life is still on oxend's exit list.
"""

from collections.abc import Iterable

from msgspec import Struct

from sent_graphql.models.contracts import ContractNode, ContractsView
from sent_graphql.models.oxend import OxendNode, OxendView, PendingRegistration, RemovedNode
from sent_graphql.pollers.lives import SHIFTED_BLOCKS, Lives, held_alias, registered_alias


class NodeRecord(Struct, frozen=True, kw_only=True, gc=False):
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
    """Every life that either side knows now, each once.

    The contract holds keys once, so where oxend names them twice, who chooses first has the node: a registration that
    the contracts' view has seen, an old life that is remembered by its contract id, a running node; and only then what
    goes by the time of its removal, or is newer than the contracts' view.
    """
    held = _HeldNodes(contracts, lives)
    left = {node.pubkey for node in oxend.exit_list}
    present = {(node.pubkey, node.registration_height) for node in oxend.nodes if node.pubkey in left}
    removed = [node for node in oxend.exit_list if (node.pubkey, node.registration_height) not in present]
    expected = {node.pubkey for node in oxend.pending_registrations}
    registered = {node.pubkey for node in oxend.nodes if node.pubkey in expected}
    seen = contracts.block_number
    pending = [node for node in oxend.pending_registrations if node.pubkey not in registered]

    def are_removed(nodes: Iterable[RemovedNode]) -> list[NodeRecord]:
        return [NodeRecord(removed=node, held=held.of_removed(node, oxend.timestamp_of(node.height))) for node in nodes]

    return [
        *[NodeRecord(pending=node, held=held.of_pending(node)) for node in pending if node.l2_height <= seen],
        *are_removed(node for node in removed if held.remembers(node)),
        *[NodeRecord(registered=node, held=held.of_registered(node)) for node in oxend.nodes],
        *are_removed(node for node in removed if not held.remembers(node)),
        *[NodeRecord(pending=node, held=held.of_unseen(node)) for node in pending if node.l2_height > seen],
        *[NodeRecord(held=node) for node in held.left()],
    ]


class _HeldNodes:
    """The contract's nodes that no record of oxend has claimed yet.

    Keys find the candidate; a life whose contract id is remembered claims that id alone.
    """

    def __init__(self, contracts: ContractsView, lives: Lives) -> None:
        self._lives = lives
        self._contracts = contracts
        self._by_id = dict(contracts.nodes)
        self._by_bls = {node.pubkey_bls: node for node in self._by_id.values()}
        self._by_pubkey = {node.pubkey: node for node in self._by_id.values()}

    def remembers(self, node: RemovedNode) -> bool:
        """Whether the contract id of that life is known."""
        return self._remembered_id(node) is not None

    def of_removed(self, node: RemovedNode, ended_at: int) -> ContractNode | None:
        """What the contract still holds of a node that left at `ended_at` (unix seconds): what came later is new."""
        found = self._candidate(node)
        if found is None:
            return None
        remembered = self._remembered_id(node)
        mine = found.added_at <= ended_at if remembered is None else remembered == found.contract_id
        return self._take(found) if mine else None

    def of_registered(self, node: OxendNode) -> ContractNode | None:
        """What the contract holds of a running node; never what is remembered as an earlier life of its keys."""
        found = self._candidate(node)
        if found is None:
            return None
        remembered = self._remembered_id(node)
        mine = not self._registered_before(found, node) if remembered is None else remembered == found.contract_id
        return self._take(found) if mine else None

    def of_pending(self, node: PendingRegistration) -> ContractNode | None:
        """What the contract holds of a node that oxend is about to confirm."""
        found = self._candidate(node)
        return self._take(found) if found is not None else None

    def of_unseen(self, node: PendingRegistration) -> ContractNode | None:
        """The same where the contracts' view is older: never what oxend has confirmed already, an earlier life."""
        found = self._candidate(node)
        if found is None:
            return None
        life = self._lives.find([held_alias(found.pubkey, found.contract_id)])
        return self._take(found) if life is None or life.registration_height is None else None

    def left(self) -> Iterable[ContractNode]:
        return self._by_id.values()

    def _candidate(self, node: OxendNode | RemovedNode | PendingRegistration) -> ContractNode | None:
        found = self._by_bls.get(node.pubkey_bls) if node.pubkey_bls is not None else None
        found = found or self._by_pubkey.get(node.pubkey)
        return found if found is not None and found.contract_id in self._by_id else None

    def _remembered_id(self, node: OxendNode | RemovedNode) -> int | None:
        life = self._lives.find([registered_alias(node.pubkey, node.registration_height)])
        if life is None or life.contract_id is None:
            return None
        # An id that is gone without having left was taken back by a reorganisation of the L2.
        return life.contract_id if self._is_known(life.contract_id, node.pubkey) else None

    def _is_known(self, contract_id: int, pubkey: str) -> bool:
        """Whether the contract holds, or has held, the key under that id."""
        held = self._contracts.nodes.get(contract_id)
        if held is not None:
            return held.pubkey == pubkey
        registration = self._contracts.registrations.get(contract_id)
        return contract_id in self._contracts.exits and (registration is None or registration.pubkey == pubkey)

    def _registered_before(self, found: ContractNode, node: OxendNode) -> bool:
        life = self._lives.find([held_alias(found.pubkey, found.contract_id)])
        if life is None or life.registration_height is None:
            return False
        return node.registration_height - life.registration_height > SHIFTED_BLOCKS

    def _take(self, found: ContractNode) -> ContractNode:
        return self._by_id.pop(found.contract_id)
