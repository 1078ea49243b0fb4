"""What one refresh of the contracts says: all of it at one L2 block."""

from enum import IntEnum

from msgspec import Struct


class ContributionStatus(IntEnum):
    """The contribution contract's own `status()`."""

    WAIT_FOR_OPERATOR_CONTRIBUTION = 0
    OPEN_FOR_PUBLIC_CONTRIBUTION = 1
    WAIT_FOR_FINALIZED = 2
    FINALIZED = 3


class Stake(Struct, frozen=True, gc=False):
    """A contributor's share in a node as the rewards contract keeps it. `amount`: atomic units."""

    address: str
    beneficiary: str
    amount: int


class ContractNode(Struct, frozen=True, kw_only=True, gc=False):
    """A node that the rewards contract holds now. Times are unix seconds."""

    contract_id: int
    pubkey: str
    pubkey_bls: str
    operator: str
    added_at: int
    leave_requested_at: int | None
    deposit: int
    contributors: tuple[Stake, ...]


class Contribution(Struct, frozen=True, kw_only=True, gc=False):
    """A stake in a contribution contract that has not registered its node yet."""

    address: str
    beneficiary: str
    amount: int
    contributed_at: int | None
    """Unix seconds of the last contribution; null when not read."""


class ReservedPlace(Struct, frozen=True, gc=False):
    """A place that the operator keeps for one address; `amount` in atomic units."""

    address: str
    amount: int
    received: bool


class ContributionContractState(Struct, frozen=True, kw_only=True, gc=False):
    """A contribution contract as it stood when it was last read."""

    address: str
    status: ContributionStatus
    operator: str
    pubkey: str
    pubkey_bls: str
    fee: int
    contributions: tuple[Contribution, ...]
    """As the contract lists them, operator first; meaningless once finalized (use the node's)."""
    reservations: tuple[ReservedPlace, ...]
    total_contributed: int
    total_reserved: int
    """Reservations not yet received."""
    staking_requirement: int
    max_contributors: int
    minimum_contribution: int | None
    """Null where the contract's `minimumContribution()` reverts: there is no room."""
    manual_finalize: bool
    created_at_block: int | None


class NodeRegistration(Struct, frozen=True, kw_only=True, gc=False):
    """What was told of a node when it was registered (NewServiceNodeV2), or put in by the owner before the start."""

    contract_id: int
    pubkey: str
    pubkey_bls: str
    operator: str
    fee: int | None
    """Hundredths of a percent; null for a node that the owner put in."""
    contributors: tuple[Stake, ...]
    block_number: int
    contribution_contract: str | None
    """The contribution contract that registered it, if one did."""
    added_at: int | None = None
    """Unix seconds: the time of the block, or what the owner gave."""


class NodeExit(Struct, frozen=True, kw_only=True, gc=False):
    """What the rewards contract's events tell of the end of a node (ServiceNodeExit, ServiceNodeLiquidated)."""

    contract_id: int
    block_number: int
    timestamp: int
    """Of the block, in unix seconds."""
    transaction_hash: str
    returned_amount: int
    """Atomic units that go back to the stakers: the deposit, less what a liquidation took."""
    liquidated: bool


class Recipient(Struct, frozen=True, gc=False):
    """The rewards contract's `recipients(wallet)`: lifetime totals in atomic units."""

    credited: int
    claimed: int


class ContractAddresses(Struct, frozen=True, kw_only=True):
    """Where the contracts of the served network are; only the rewards contract is certain."""

    service_node_rewards: str
    contribution_factory: str | None = None
    reward_rate_pool: str | None = None
    token: str | None = None


class ContractParameters(Struct, frozen=True, kw_only=True):
    """The rewards contract's own figures at the block of the view. Amounts in atomic units, times in seconds."""

    staking_requirement: int
    max_contributors: int
    paused: bool
    claim_threshold: int
    claim_cycle_seconds: int
    current_claim_cycle: int
    current_claim_total: int
    bls_non_signer_threshold: int
    aggregate_pubkey: str
    """Sum of the BLS keys of all nodes that the contract holds: 128 hex digits, all zero when there are none."""
    signature_expiry: int
    """How long an exit's signature is good, from the timestamp in it."""
    reward_rate: int | None


class ScanProgress(Struct, frozen=True, kw_only=True):
    """How far the scan of past events has come. Block numbers; `scanned_to` < `from_block` while nothing is."""

    from_block: int | None
    scanned_to: int | None
    target: int | None
    complete: bool
    error: str | None = None
    """Why it does not go on, for users; null while it does."""


class ContractsView(Struct, frozen=True, kw_only=True):
    """Everything that one refresh read from the contracts, true at L2 block `block_number`."""

    chain_id: int
    block_number: int
    block_hash: str
    block_timestamp: int
    addresses: ContractAddresses
    parameters: ContractParameters
    nodes: dict[int, ContractNode]
    """By contract id, ascending; only nodes that the contract holds now."""
    contribution_contracts: dict[str, ContributionContractState]
    """By canonical address, in the order of their creation."""
    registrations: dict[int, NodeRegistration]
    """By contract id, ascending, of present and past nodes, as far as the event scan has come."""
    exits: dict[int, NodeExit]
    """By contract id, ascending: how nodes ended, as far as the event scan has come."""
    recipients: dict[str, Recipient]
    """By canonical wallet address; every wallet that has been discovered and read."""
    scan: ScanProgress
