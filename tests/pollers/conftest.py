"""Views made by hand: one running node on both sides unless a test says otherwise."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from sent_graphql.models.contracts import (
    ContractAddresses,
    ContractNode,
    ContractParameters,
    ContractsView,
    Contribution,
    ContributionContractState,
    ContributionStatus,
    NodeExit,
    NodeRegistration,
    Recipient,
    ScanProgress,
    Stake,
)
from sent_graphql.models.keys import eth_address
from sent_graphql.models.network import NetworkType, ServiceNode
from sent_graphql.models.oxend import OxendContribution, OxendNode, OxendView, PendingRegistration, RemovedNode
from sent_graphql.models.units import ATOMIC_PER_TOKEN
from sent_graphql.pollers.archive import EMPTY_ARCHIVE
from sent_graphql.pollers.assembly import NOBODY_KNOWN, Assembly, assemble
from sent_graphql.pollers.lives import NO_LIVES
from sent_graphql.pollers.states import OFF_OXENDS_LIST
from sent_graphql.settings import NetworkSettings

REQUIREMENT = 20_000 * ATOMIC_PER_TOKEN
TOP_TIMESTAMP = 1_700_000_000
TOP_HEIGHT = 10_000
BLOCK_SECONDS = 120


def address(number: int) -> str:
    """The canonical address with all bytes equal to `number`."""
    return eth_address(f"{number:02x}" * 20)


def pubkey(number: int) -> str:
    """An Ed25519 key."""
    return f"{number:064x}"


def bls(number: int) -> str:
    """A BLS key."""
    return f"{number:0128x}"


def contributions(*amounts: int) -> tuple[OxendContribution, ...]:
    """oxend's list of contributors 1, 2, …"""
    return tuple(OxendContribution(address(n), address(n), amount, amount) for n, amount in enumerate(amounts, start=1))


def stakes(*amounts: int) -> tuple[Stake, ...]:
    """The contract's list of contributors 1, 2, …"""
    return tuple(Stake(address(n), address(n), amount) for n, amount in enumerate(amounts, start=1))


def oxend_node(number: int = 1, **changes: Any) -> OxendNode:
    """A running node of oxend."""
    node = OxendNode(
        pubkey=pubkey(number),
        pubkey_bls=bls(number),
        active=True,
        operator=address(1),
        operator_fee=1_000,
        contributors=contributions(REQUIREMENT),
        staking_requirement=REQUIREMENT,
        total_contributed=REQUIREMENT,
        registration_height=9_000,
        requested_unlock_height=None,
        last_reward_block_height=9_990,
        last_uptime_proof=TOP_TIMESTAMP - 600,
        earned_downtime_blocks=1_000,
        decommission_count=0,
        last_decommission_reasons=(),
        state_height=9_000,
        payable=True,
        swarm_id="00000000000000a1",
        service_node_version="11.0.6",
        storage_server_version="2.8.0",
        lokinet_version="0.9.11",
        public_ip="203.0.113.7",
    )
    return structs.replace(node, **changes)


def removed_node(number: int = 1, **changes: Any) -> RemovedNode:
    """An entry of oxend's exit list: left at 9_900."""
    node = RemovedNode(
        pubkey=pubkey(number),
        pubkey_bls=bls(number),
        kind="exit",
        height=9_900,
        liquidation_height=9_960,
        operator=address(1),
        operator_fee=1_000,
        contributors=contributions(REQUIREMENT),
        staking_requirement=REQUIREMENT,
        total_contributed=REQUIREMENT,
        registration_height=9_000,
        requested_unlock_height=9_899,
        last_reward_block_height=9_890,
        decommission_count=0,
        last_decommission_reasons=(),
    )
    return structs.replace(node, **changes)


def pending(number: int = 1, **changes: Any) -> PendingRegistration:
    """A registration that oxend is about to confirm."""
    node = PendingRegistration(
        pubkey=pubkey(number),
        pubkey_bls=bls(number),
        fee=500,
        contributors=contributions(REQUIREMENT),
        height=9_999,
        l2_height=777,
    )
    return structs.replace(node, **changes)


def contract_node(contract_id: int = 1, number: int = 1, **changes: Any) -> ContractNode:
    """A node of the rewards contract, added long before the top block."""
    node = ContractNode(
        contract_id=contract_id,
        pubkey=pubkey(number),
        pubkey_bls=bls(number),
        operator=address(1),
        added_at=TOP_TIMESTAMP - 1_100 * BLOCK_SECONDS,
        leave_requested_at=None,
        deposit=REQUIREMENT,
        contributors=stakes(REQUIREMENT),
    )
    return structs.replace(node, **changes)


def registration(contract_id: int = 1, number: int = 1, **changes: Any) -> NodeRegistration:
    """The event of a registration."""
    event = NodeRegistration(
        contract_id=contract_id,
        pubkey=pubkey(number),
        pubkey_bls=bls(number),
        operator=address(1),
        fee=1_234,
        contributors=stakes(REQUIREMENT),
        block_number=500,
        contribution_contract=None,
    )
    return structs.replace(event, **changes)


def contribution_state(number: int = 0xC0, **changes: Any) -> ContributionContractState:
    """An open contribution contract: the operator is in, one place reserved."""
    state = ContributionContractState(
        address=address(number),
        status=ContributionStatus.OPEN_FOR_PUBLIC_CONTRIBUTION,
        operator=address(1),
        pubkey=pubkey(number),
        pubkey_bls=bls(number),
        fee=250,
        contributions=(
            Contribution(
                address=address(1),
                beneficiary=address(1),
                amount=REQUIREMENT // 4,
                contributed_at=TOP_TIMESTAMP - 1_000,
            ),
        ),
        reservations=(),
        total_contributed=REQUIREMENT // 4,
        total_reserved=0,
        staking_requirement=REQUIREMENT,
        max_contributors=10,
        minimum_contribution=REQUIREMENT // 12,
        manual_finalize=False,
        created_at_block=400,
    )
    return structs.replace(state, **changes)


def oxend_view(nodes: Iterable[OxendNode] = (), **changes: Any) -> OxendView:
    """oxend's side at TOP_HEIGHT."""
    view = OxendView(
        nettype="stagenet",
        version="11",
        hard_fork=21,
        chain_height=TOP_HEIGHT + 1,
        block_height=TOP_HEIGHT,
        block_hash="ab" * 32,
        block_timestamp=TOP_TIMESTAMP,
        target_block_seconds=BLOCK_SECONDS,
        staking_requirement=REQUIREMENT,
        max_contributors=10,
        min_operator_contribution=REQUIREMENT // 4,
        nodes=tuple(nodes),
        exit_list=(),
        pending_registrations=(),
        pending_unlocks=frozenset(),
        accrued={},
    )
    return structs.replace(view, **changes)


def node_exit(contract_id: int, **changes: Any) -> NodeExit:
    """The end of a node, with its whole deposit."""
    defaults: dict[str, Any] = {
        "contract_id": contract_id,
        "block_number": 900,
        "timestamp": TOP_TIMESTAMP - 100,
        "transaction_hash": "0x" + "fe" * 32,
        "returned_amount": REQUIREMENT,
        "liquidated": False,
    }
    return NodeExit(**(defaults | changes))


def contracts_view(nodes: Iterable[ContractNode] = (), **changes: Any) -> ContractsView:
    """The contracts' side at L2 block 1000."""
    view = ContractsView(
        chain_id=421_614,
        block_number=1_000,
        block_hash="0x" + "cd" * 32,
        block_timestamp=TOP_TIMESTAMP,
        addresses=ContractAddresses(service_node_rewards=address(0xEE)),
        parameters=ContractParameters(
            staking_requirement=REQUIREMENT,
            max_contributors=10,
            paused=False,
            claim_threshold=1_000_000 * ATOMIC_PER_TOKEN,
            claim_cycle_seconds=43_200,
            current_claim_cycle=TOP_TIMESTAMP // 43_200,
            current_claim_total=5 * ATOMIC_PER_TOKEN,
            bls_non_signer_threshold=0,
            aggregate_pubkey="00" * 64,
            signature_expiry=600,
            reward_rate=None,
        ),
        nodes={node.contract_id: node for node in nodes},
        contribution_contracts={},
        registrations={},
        exits={},
        recipients={},
        scan=ScanProgress(from_block=0, scanned_to=1_000, target=1_000, complete=True),
    )
    return structs.replace(view, **changes)


CONSTANTS = NetworkSettings(
    name="stagenet",
    nettype=NetworkType.STAGENET,
    chain_id=421_614,
    block_seconds=BLOCK_SECONDS,
    unlock_seconds=86_400,
    deregistration_lock_seconds=172_800,
)


@pytest.fixture
def make() -> SimpleNamespace:
    """The factories above, by name."""
    return SimpleNamespace(
        address=address,
        pubkey=pubkey,
        bls=bls,
        contributions=contributions,
        stakes=stakes,
        oxend_node=oxend_node,
        removed_node=removed_node,
        exit=node_exit,
        pending=pending,
        contract_node=contract_node,
        registration=registration,
        contribution_state=contribution_state,
        oxend_view=oxend_view,
        contracts_view=contracts_view,
        recipient=Recipient,
        constants=CONSTANTS,
        requirement=REQUIREMENT,
        top_timestamp=TOP_TIMESTAMP,
        top_height=TOP_HEIGHT,
        block_seconds=BLOCK_SECONDS,
    )


def shown(assembly: Assembly) -> tuple[object, ...]:
    """What came of it."""
    state, archive = assembly.state, assembly.archive
    return state.nodes, archive.nodes.nodes, archive.records, archive.lives, assembly.lives, assembly.differences


class Joiner:
    """Assembles step after step, remembering lives, archive and state as the service does."""

    def __init__(self, make: SimpleNamespace) -> None:
        self.make = make
        self.last: Assembly | None = None
        self.archive = EMPTY_ARCHIVE
        self._lives = NO_LIVES
        self._views: tuple[OxendView, ContractsView] | None = None

    def __call__(self, oxend: OxendView | None = None, contracts: ContractsView | None = None) -> Assembly:
        self._views = (oxend or self.make.oxend_view(), contracts or self.make.contracts_view())
        last = (*self._views, self.make.constants, self._lives, self.last.state if self.last else None, self.archive)
        anew = assemble(*last)
        self.last = assemble(*last, self.last.known if self.last else NOBODY_KNOWN)
        assert shown(self.last) == shown(anew), "what is used again is what would be made anew"
        self.archive, self._lives = self.last.archive, self.last.lives
        return self.last

    def remember(self, records: Iterable[ServiceNode]) -> None:
        """Takes in nodes that have left in an earlier run."""
        self.archive = self.archive.remembering(records)

    def anew(self) -> "Joiner":
        """One that remembers nothing."""
        return Joiner(self.make)

    def restarted(self) -> "Joiner":
        """One that remembers what a kept snapshot and the database do."""
        again = Joiner(self.make)
        if self.last is not None and self._views is not None:
            again._lives = self.last.lives
            again.remember(node for node in self.last.state.nodes if node.state in OFF_OXENDS_LIST)
            again.remember(self.archive.records.values())
            again(*self._views)
        return again

    def node(self, oxend: OxendView | None = None, contracts: ContractsView | None = None) -> ServiceNode:
        """The only node there is."""
        (node,) = self(oxend, contracts).state.nodes
        return node


@pytest.fixture
def join(make: SimpleNamespace) -> Joiner:
    """Joins views, step after step."""
    return Joiner(make)
