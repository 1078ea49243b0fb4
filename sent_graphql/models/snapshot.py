"""The one object that a request reads: versioned, immutable, with every index built once."""

from collections import ChainMap
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from sent_graphql.models.contracts import Recipient, ScanProgress
from sent_graphql.models.network import ContributionContract, Network, ServiceNode, ServiceNodeState, SourceName
from sent_graphql.models.node_index import NO_NODES, Derived, NodeIndex, grouped, left_later
from sent_graphql.models.wallets import Rewards, Wallet

_NO_RECIPIENT = Recipient(credited=0, claimed=0)


class SourceStatus(Struct, frozen=True, kw_only=True):
    """How one source fares. `last_error` is short and free of secrets."""

    name: SourceName
    healthy: bool
    last_success_at: datetime | None = None
    height: int | None = None
    last_error: str | None = None
    scan: ScanProgress | None = None


class NetworkState(Derived):
    """Both sides joined, with the indexes that make every look-up cost what its answer costs.

    `nodes` are those that either side knows now, `past` those known from history alone: an index of its own, the same
    object in every state until somebody leaves. Look-ups of one node (`node_by_…`) find both. Never changed after it
    is made. What is made of it on demand is taken from the state before, where that is `previous`, as far as nothing of
    it has changed.
    """

    def __init__(
        self,
        *,
        network: Network,
        nodes: Iterable[ServiceNode] | NodeIndex,
        contribution_contracts: Iterable[ContributionContract],
        accrued: Mapping[str, int],
        recipients: Mapping[str, Recipient],
        past: NodeIndex = NO_NODES,
        previous: "NetworkState | None" = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.present = nodes if isinstance(nodes, NodeIndex) else NodeIndex(nodes)
        self.past = past
        self.nodes = self.present.nodes
        self.contribution_contracts = tuple(contribution_contracts)
        self.accrued = accrued
        self.recipients = recipients
        self.node_by_id: Mapping[str, ServiceNode] = ChainMap(self.present.by_id, past.by_id)
        self.node_by_contract_id: Mapping[int, ServiceNode] = ChainMap(self.present.by_contract_id, past.by_contract_id)
        self.node_by_pubkey = _by_key(self.present.by_pubkey, past.by_pubkey)
        self.node_by_bls = _by_key(self.present.by_bls, past.by_bls)
        self.contract_by_address = {contract.address: contract for contract in self.contribution_contracts}
        self.contracts_by_operator = grouped(self.contribution_contracts, lambda contract: {contract.operator})
        self.contracts_by_contributor = grouped(
            self.contribution_contracts, lambda contract: {c.address for c in contract.contributors}
        )
        self._wallets: dict[str, Wallet] = {}
        self._former_wallets = previous.wallets_asked_for() if previous is not None else {}

    def wallet(self, address: str) -> Wallet:
        """The wallet at a canonical address; an unknown one has nothing.

        Those of stakers are remembered, for lists of contributors name them often, and are the same objects in the next
        state. Others are not: there is no end of addresses that users can type.
        """
        wallet = self._wallets.get(address)
        if wallet is None:
            wallet = self._made_wallet(address)
            if wallet.nodes or wallet.contracts:
                self._wallets[address] = wallet
        return wallet

    def wallets_asked_for(self) -> Mapping[str, Wallet]:
        """The stakers' wallets that this state was asked for; as long as it was asked for none, those of the last."""
        return self._wallets or self._former_wallets

    def _made_wallet(self, address: str) -> Wallet:
        recipient = self.recipients.get(address, _NO_RECIPIENT)
        made = Wallet(
            address=address,
            nodes=self.present.by_contributor.get(address, ()),
            contracts=self.contracts_by_contributor.get(address, ()),
            rewards=Rewards(
                accrued=self.accrued.get(address, 0), credited=recipient.credited, claimed=recipient.claimed
            ),
        )
        former = self._former_wallets.get(address)
        return former if former is not None and former == made else made


class Snapshot(Struct, frozen=True, kw_only=True):
    """What answers a request. Versions only grow, also over restarts; equal versions mean equal data."""

    version: int
    created_at: datetime | None
    stale: bool
    sources: tuple[SourceStatus, ...]
    state: NetworkState | None
    """Null before both sides have spoken for the first time."""


def _by_key(present: dict[str, ServiceNode], past: dict[str, ServiceNode]) -> Mapping[str, ServiceNode]:
    """The living node of each key, else the one that left last: oxend may keep one that left on its list for long."""
    outlived = [
        key
        for key, node in present.items()
        if node.state is ServiceNodeState.EXITED and key in past and left_later(past[key], node)
    ]
    return ChainMap({key: past[key] for key in outlived}, present, past)
