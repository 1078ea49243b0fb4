"""A network that moves once per update in ways that concern every one of its questions; the same in every process."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from sent_graphql.models.contracts import ContractAddresses, Recipient
from sent_graphql.models.global_id import global_id
from sent_graphql.models.keys import eth_address
from sent_graphql.models.network import (
    ClaimLimit,
    Contributor,
    Network,
    NetworkType,
    NodeCounts,
    ServiceNode,
    ServiceNodeState,
    SourceName,
)
from sent_graphql.models.snapshot import NetworkState, Snapshot, SourceStatus
from sent_graphql.resolvers.context import RequestContext, ResolverOptions

NODES: Final = 2_000
OPERATORS: Final = 100
"""Wallets that operate a twentieth of the nodes each."""

WATCHED: Final = 6
"""Operators whose nodes, wallet and first node are questions of their own."""

CHANGED_PER_OPERATOR: Final = 3
"""Nodes of each watched operator that an update changes, besides a hundredth of all nodes."""

STAKE: Final = 25_000 * 10**9
BEGINNING: Final = datetime(2025, 5, 21, tzinfo=UTC)
HEIGHT: Final = 2_000_000

META: Final = "subscription { meta { version createdAt stale sources { name healthy height lastSuccessAt } } }"
NETWORK: Final = """subscription { network {
  version hardFork blockHeight blockHash blockTimestamp l2Height stakingRequirement rewardRate totalStaked paused
  claimLimit { perCycle remaining resetsAt } nodeCounts { total running decommissioned awaitingExit leaving }
} }"""
WALLET: Final = """subscription ($address: Address!) { wallet(address: $address) {
  address totalStaked rewards { accrued credited claimed claimable pending } stakes { amount state isOperator }
} }"""
NODE: Final = """subscription ($pubkey: Ed25519PublicKey!) { serviceNode(by: { pubkey: $pubkey }) {
  id contractId pubkey pubkeyBls state operator operatorFee totalContributed lastRewardBlockHeight lastUptimeProof
  earnedDowntimeBlocks swarmId serviceNodeVersion publicIp contributors { address beneficiary amount isOperator }
} }"""
NODES_OF_OPERATOR: Final = """subscription ($operator: Address!) {
  serviceNodes(filter: { operator: $operator, states: [RUNNING] }) {
    version previousVersion removed
    upserted { id contractId pubkey state lastRewardBlockHeight lastUptimeProof earnedDowntimeBlocks publicIp }
  }
}"""


@dataclass(frozen=True, slots=True)
class Question:
    """What one group of subscribers asks. `version_of` reads off an answer's only field which update it shows."""

    query: str
    variables: Mapping[str, str]
    version_of: Callable[[Any], int]

    @property
    def is_list(self) -> bool:
        """Its answers are changes."""
        return self.query is NODES_OF_OPERATOR


def questions() -> list[Question]:
    """Twenty: the newest snapshot, the network, and six each of a wallet, a node and an operator's nodes."""
    asked = [
        Question(META, {}, lambda meta: int(meta["version"])),
        Question(NETWORK, {}, lambda network: int(network["blockHeight"]) - HEIGHT),
    ]
    for operator in range(WATCHED):
        address = {"address": _address(operator)}
        asked.append(Question(WALLET, address, lambda wallet: int(wallet["rewards"]["accrued"]) % STAKE))
        pubkey = {"pubkey": _pubkey(operator)}
        asked.append(Question(NODE, pubkey, lambda node: int(node["lastRewardBlockHeight"]) - HEIGHT))
        own = {"operator": _address(operator)}
        asked.append(Question(NODES_OF_OPERATOR, own, lambda changes: int(changes["version"])))
    return asked


def make_context(snapshot: Snapshot) -> RequestContext:
    """What resolvers are given."""
    return RequestContext(snapshot, ResolverOptions("mainnet", default_page_size=100, max_page_size=2_500))


class Scenario:
    """The network's snapshots, one after the other. Versions begin with 1."""

    def __init__(self) -> None:
        self._random = random.Random(1)
        self._nodes = [_node(number) for number in range(NODES)]
        self._version = 1

    def present(self) -> Snapshot:
        """The snapshot of this moment."""
        moment = BEGINNING + timedelta(seconds=self._version)
        sources = tuple(
            SourceStatus(name=name, healthy=True, last_success_at=moment, height=HEIGHT + self._version)
            for name in (SourceName.OXEND, SourceName.CONTRACTS)
        )
        return Snapshot(version=self._version, created_at=moment, stale=False, sources=sources, state=self._state())

    def next(self) -> Snapshot:
        """The next one."""
        self._move()
        return self.present()

    def after(self, updates: int) -> Snapshot:
        """The one that many updates on, without those in between."""
        for _ in range(updates):
            self._move()
        return self.present()

    def _move(self) -> None:
        self._version += 1
        for operator in range(WATCHED):
            self._touch(operator)  # the node that is watched by itself
            others = range(operator + OPERATORS, NODES, OPERATORS)
            for number in self._random.sample(others, CHANGED_PER_OPERATOR - 1):
                self._touch(number)
            self._toggle(self._random.choice(others))
        for number in self._random.sample(range(WATCHED, NODES), NODES // 100):
            self._touch(number)

    def _touch(self, number: int) -> None:
        self._nodes[number] = replace(
            self._nodes[number],
            last_reward_block_height=HEIGHT + self._version,
            last_uptime_proof=BEGINNING + timedelta(seconds=self._version),
        )

    def _toggle(self, number: int) -> None:
        """Takes a node out of service or back: it leaves or joins the lists of running ones."""
        node = self._nodes[number]
        running = node.state is ServiceNodeState.RUNNING
        state = ServiceNodeState.DECOMMISSIONED if running else ServiceNodeState.RUNNING
        self._nodes[number] = replace(node, state=state)

    def _state(self) -> NetworkState:
        wallets = {_address(operator): operator for operator in range(OPERATORS)}
        return NetworkState(
            network=_network(self._version),
            nodes=self._nodes,
            contribution_contracts=(),
            accrued={address: (operator + 1) * STAKE + self._version for address, operator in wallets.items()},
            recipients={address: Recipient(credited=STAKE // 2, claimed=STAKE // 4) for address in wallets},
        )


def _address(operator: int) -> str:
    return eth_address(f"{0xA0 << 152 | operator:040x}")


def _pubkey(number: int) -> str:
    return f"{number:04x}".ljust(64, "e")


def _node(number: int) -> ServiceNode:
    address = _address(number % OPERATORS)
    stake = Contributor(address=address, beneficiary=address, amount=STAKE, reserved=STAKE, is_operator=True)
    return ServiceNode(
        id=global_id("ServiceNode", f"node-{number}"),
        contract_id=number,
        pubkey=_pubkey(number),
        pubkey_bls=f"{number:04x}".ljust(128, "b"),
        state=ServiceNodeState.RUNNING,
        leaving=False,
        operator=address,
        operator_fee=1_000,
        contributors=(stake,),
        staking_requirement=STAKE,
        total_contributed=STAKE,
        registration_height=1_000 + number,
        requested_unlock_height=None,
        requested_unlock_at=None,
        deregistration_unlock_height=None,
        liquidation_height=None,
        liquidatable=False,
        last_reward_block_height=HEIGHT + 1,
        last_uptime_proof=BEGINNING,
        earned_downtime_blocks=100,
        decommission_count=0,
        decommission_reasons=(),
        last_decommission_reasons=(),
        state_height=1_000 + number,
        payable=True,
        swarm_id="00000000000000ff",
        service_node_version="11.0.6",
        storage_server_version="2.8.0",
        lokinet_version="0.9.14",
        public_ip="203.0.113.7",
        added_at=BEGINNING,
        leave_requested_at=None,
        contribution_contract_address=None,
        known_to=(SourceName.OXEND, SourceName.CONTRACTS),
    )


def _network(version: int) -> Network:
    return Network(
        id=global_id("Network", "mainnet"),
        net_type=NetworkType.MAINNET,
        version="11.0.6",
        hard_fork=21,
        block_height=HEIGHT + version,
        block_hash=f"{version:064x}",
        block_timestamp=BEGINNING + timedelta(seconds=version),
        target_block_seconds=120,
        staking_requirement=STAKE,
        min_operator_contribution=STAKE // 4,
        max_contributors=10,
        unlock_duration_seconds=1_296_000,
        deregistration_lock_duration_seconds=2_592_000,
        chain_id=42_161,
        l2_height=300_000_000 + version,
        contracts=ContractAddresses(service_node_rewards=_address(0xE0)),
        reward_rate=5 * 10**9,
        token_supply=None,
        total_staked=NODES * STAKE,
        paused=False,
        claim_limit=ClaimLimit(per_cycle=10, cycle_seconds=43_200, remaining=4, resets_at=BEGINNING),
        node_counts=NodeCounts(
            total=NODES, registering=0, running=NODES, decommissioned=0, awaiting_exit=0, deregistered=0, leaving=0
        ),
    )
