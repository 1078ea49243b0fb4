"""What the service answers with: both sides joined into nodes, contribution contracts and the network.

Attribute names are the GraphQL fields' in snake case, so that the schema reads these structs directly.
Amounts are int in atomic units, instants are UTC-aware, keys and addresses canonical (see keys.py).
"""

from datetime import datetime
from enum import Enum

from msgspec import Struct

from sent_graphql.models.contracts import ContractAddresses, ContributionStatus, ReservedPlace


class NetworkType(Enum):
    """oxend's names of the networks."""

    MAINNET = "mainnet"
    TESTNET = "testnet"
    STAGENET = "stagenet"
    DEVNET = "devnet"
    LOCALDEV = "localdev"
    FAKECHAIN = "fakechain"


class ServiceNodeState(Enum):
    """Where a node is in its life; which line of semantics decides is in pollers/states.py."""

    REGISTERING = "registering"
    RUNNING = "running"
    DECOMMISSIONED = "decommissioned"
    AWAITING_EXIT = "awaiting_exit"
    DEREGISTERED = "deregistered"
    EXITED = "exited"


class DecommissionReason(Enum):
    """Why the quorum took a node out of service; oxend's words."""

    UPTIME = "uptime"
    CHECKPOINTS = "checkpoints"
    PULSE = "pulse"
    STORAGE = "storage"
    TIMECHECK = "timecheck"
    TIMESYNC = "timesync"
    LOKINET = "lokinet"
    L2 = "l2"


class SourceName(Enum):
    """Who told it."""

    OXEND = "oxend"
    CONTRACTS = "contracts"
    DATABASE = "database"


class ExitKind(Enum):
    """How a node ended."""

    EXITED = "exited"
    DEREGISTERED = "deregistered"
    LIQUIDATED = "liquidated"


class ServiceNodeExit(Struct, frozen=True, kw_only=True, gc=False):
    """The end of a node. `height`: Oxen block in which it left; the rest is of the L2 transaction that removed it."""

    kind: ExitKind
    height: int | None
    block_number: int | None
    at: datetime | None
    returned_amount: int | None
    transaction_hash: str | None


class Contributor(Struct, frozen=True, kw_only=True, gc=False):
    """A stake in a node or in a contribution contract."""

    address: str
    beneficiary: str
    amount: int
    reserved: int
    is_operator: bool
    leave_allowed_at: datetime | None = None
    withdrawable_at: datetime | None = None


class ServiceNode(Struct, frozen=True, kw_only=True, gc=False):
    """One life of a node, from registration to exit. `id` is its global Relay id."""

    id: str
    contract_id: int | None
    pubkey: str
    pubkey_bls: str | None
    state: ServiceNodeState
    leaving: bool
    operator: str
    operator_fee: int | None
    contributors: tuple[Contributor, ...]
    staking_requirement: int
    total_contributed: int
    registration_height: int | None
    requested_unlock_height: int | None
    requested_unlock_at: datetime | None
    deregistration_unlock_height: int | None
    liquidation_height: int | None
    liquidatable: bool
    last_reward_block_height: int | None
    last_uptime_proof: datetime | None
    earned_downtime_blocks: int | None
    decommission_count: int | None
    decommission_reasons: tuple[DecommissionReason, ...]
    last_decommission_reasons: tuple[DecommissionReason, ...]
    state_height: int | None
    payable: bool | None
    swarm_id: str | None
    service_node_version: str | None
    storage_server_version: str | None
    lokinet_version: str | None
    public_ip: str | None
    added_at: datetime | None
    leave_requested_at: datetime | None
    contribution_contract_address: str | None
    known_to: tuple[SourceName, ...]
    exit: ServiceNodeExit | None = None


class ContributionContract(Struct, frozen=True, kw_only=True, gc=False):
    """A contract in which several people gather the stake of one node."""

    id: str
    address: str
    status: ContributionStatus
    operator: str
    pubkey: str
    pubkey_bls: str
    fee: int
    contributors: tuple[Contributor, ...]
    reservations: tuple[ReservedPlace, ...]
    total_contributed: int
    total_reserved: int
    staking_requirement: int
    max_contributors: int
    minimum_contribution: int | None
    open_slots: int
    manual_finalize: bool
    viable: bool
    created_at_block: int | None
    service_node_id: str | None
    """Id of the node that it registered last, if any."""
    sequence: int
    """Position in the order of creation, for sorting; meaningless outside one snapshot."""


class ClaimLimit(Struct, frozen=True, kw_only=True):
    """What all wallets together may claim in the present cycle."""

    per_cycle: int
    cycle_seconds: int
    remaining: int
    resets_at: datetime


class NodeCounts(Struct, frozen=True, kw_only=True):
    """Nodes by state; `total` leaves out EXITED, `leaving` cuts across the states."""

    total: int
    registering: int
    running: int
    decommissioned: int
    awaiting_exit: int
    deregistered: int
    leaving: int


class Network(Struct, frozen=True, kw_only=True):
    """The network as a whole at one moment."""

    id: str
    net_type: NetworkType
    version: str
    hard_fork: int
    block_height: int
    block_hash: str
    block_timestamp: datetime
    target_block_seconds: int
    staking_requirement: int
    min_operator_contribution: int
    max_contributors: int
    unlock_duration_seconds: int
    deregistration_lock_duration_seconds: int
    chain_id: int
    l2_height: int
    contracts: ContractAddresses
    reward_rate: int | None
    token_supply: int | None
    total_staked: int
    paused: bool
    claim_limit: ClaimLimit
    node_counts: NodeCounts
