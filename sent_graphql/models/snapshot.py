"""The one object that a request reads: versioned, immutable, with every index built once."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar, cast

from msgspec import Struct, structs

from sent_graphql.models.contracts import ContributionStatus, Recipient, ScanProgress
from sent_graphql.models.global_id import global_id
from sent_graphql.models.network import (
    ContributionContract,
    Contributor,
    Network,
    Rewards,
    ServiceNode,
    ServiceNodeState,
    SourceName,
    Stake,
    Wallet,
)

T = TypeVar("T")

_NO_RECIPIENT = Recipient(credited=0, claimed=0)


class SourceStatus(Struct, frozen=True, kw_only=True):
    """How one source fares. `last_error` is short and free of secrets."""

    name: SourceName
    healthy: bool
    last_success_at: datetime | None = None
    height: int | None = None
    last_error: str | None = None
    scan: ScanProgress | None = None


class NetworkState:
    """Both sides joined, with the indexes that make every look-up cost what its answer costs.

    Never changed after it is made; `derived` only remembers what is a pure function of it.
    """

    def __init__(
        self,
        *,
        network: Network,
        nodes: Iterable[ServiceNode],
        contribution_contracts: Iterable[ContributionContract],
        accrued: Mapping[str, int],
        recipients: Mapping[str, Recipient],
    ) -> None:
        self.network = network
        self.nodes = tuple(nodes)
        self.contribution_contracts = tuple(contribution_contracts)
        self.accrued = accrued
        self.recipients = recipients
        self._derived: dict[object, object] = {}
        self.node_by_id = {node.id: node for node in self.nodes}
        self.node_by_contract_id = {n.contract_id: n for n in self.nodes if n.contract_id is not None}
        self.node_by_pubkey = _latest_lives(self.nodes, lambda node: node.pubkey)
        self.node_by_bls = _latest_lives(self.nodes, lambda node: node.pubkey_bls)
        self.nodes_by_operator = _grouped(self.nodes, lambda node: {node.operator})
        self.nodes_by_contributor = _grouped(self.nodes, lambda node: {c.address for c in node.contributors})
        self.contract_by_address = {contract.address: contract for contract in self.contribution_contracts}
        self.contracts_by_operator = _grouped(self.contribution_contracts, lambda contract: {contract.operator})
        self.contracts_by_contributor = _grouped(
            self.contribution_contracts, lambda contract: {c.address for c in contract.contributors}
        )
        self.stakes_by_wallet = _stakes(self.nodes, self.contribution_contracts)

    def derived(self, key: object, make: Callable[[], T]) -> T:
        """What `make` gives, made once for this state and remembered under `key`."""
        if key not in self._derived:
            self._derived[key] = make()
        return cast("T", self._derived[key])

    def wallet(self, address: str) -> Wallet:
        """The wallet at a canonical address; an unknown one has nothing."""
        recipient = self.recipients.get(address, _NO_RECIPIENT)
        return Wallet(
            id=global_id("Wallet", address),
            address=address,
            stakes=self.stakes_by_wallet.get(address, ()),
            rewards=Rewards(
                accrued=self.accrued.get(address, 0),
                credited=recipient.credited,
                claimed=recipient.claimed,
            ),
        )


class Snapshot(Struct, frozen=True, kw_only=True):
    """What answers a request. Versions only grow, also over restarts; equal versions mean equal data."""

    version: int
    created_at: datetime | None
    stale: bool
    sources: tuple[SourceStatus, ...]
    state: NetworkState | None
    """Null before both sides have spoken for the first time."""


def _latest_lives(nodes: Iterable[ServiceNode], key: Callable[[ServiceNode], str | None]) -> dict[str, ServiceNode]:
    """The living node of each key, else the one that left last."""
    latest: dict[str, ServiceNode] = {}
    for node in nodes:
        name = key(node)
        if name is None:
            continue
        rival = latest.get(name)
        if rival is None or _recency(node) > _recency(rival):
            latest[name] = node
    return latest


def _recency(node: ServiceNode) -> tuple[bool, int, int, int]:
    return (
        node.state is not ServiceNodeState.EXITED,
        node.state_height or 0,
        node.contract_id or 0,
        node.registration_height or 0,
    )


def _grouped(items: Iterable[T], keys: Callable[[T], Iterable[str]]) -> dict[str, tuple[T, ...]]:
    groups: dict[str, list[T]] = {}
    for item in items:
        for key in keys(item):
            groups.setdefault(key, []).append(item)
    return {key: tuple(group) for key, group in groups.items()}


def _stakes(nodes: Iterable[ServiceNode], contracts: Iterable[ContributionContract]) -> dict[str, tuple[Stake, ...]]:
    """Present stakes by staker: in nodes that still hold the money, then in contracts that gather it."""
    stakes: dict[str, list[Stake]] = {}
    for node in nodes:
        if node.state is ServiceNodeState.EXITED:
            continue
        for contributor in _once_each(node.contributors):
            stakes.setdefault(contributor.address, []).append(
                _stake(contributor, node.id, state=node.state, service_node_id=node.id)
            )
    for contract in contracts:
        if contract.status is ContributionStatus.FINALIZED:
            continue
        for contributor in _once_each(contract.contributors):
            stakes.setdefault(contributor.address, []).append(
                _stake(contributor, contract.id, contribution_contract_address=contract.address)
            )
    return {address: tuple(held) for address, held in stakes.items()}


def _once_each(contributors: Iterable[Contributor]) -> Iterable[Contributor]:
    """Contributors by address: who is listed twice has one stake, of both amounts."""
    once: dict[str, Contributor] = {}
    for contributor in contributors:
        known = once.get(contributor.address)
        amount = contributor.amount + (known.amount if known is not None else 0)
        once[contributor.address] = contributor if known is None else structs.replace(known, amount=amount)
    return once.values()


def _stake(
    contributor: Contributor,
    holder_id: str,
    *,
    state: ServiceNodeState | None = None,
    service_node_id: str | None = None,
    contribution_contract_address: str | None = None,
) -> Stake:
    return Stake(
        id=global_id("Stake", f"{holder_id}:{contributor.address}"),
        address=contributor.address,
        beneficiary=contributor.beneficiary,
        amount=contributor.amount,
        is_operator=contributor.is_operator,
        exited=False,
        state=state,
        service_node_id=service_node_id,
        contribution_contract_address=contribution_contract_address,
    )
