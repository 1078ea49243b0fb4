"""What one accepted round of answers from oxend says: all of it at one block."""

from typing import Literal

from msgspec import Struct

DECOMMISSION_REASONS: tuple[str, ...] = (
    "uptime",
    "checkpoints",
    "pulse",
    "storage",
    "timecheck",
    "timesync",
    "lokinet",
    "l2",
)
"""oxend's reasons in the order of their bits: 1, 2, 4, …, 128."""


class OxendContribution(Struct, frozen=True, gc=False):
    """One stake as oxend lists it; the first of a node is the operator's. `amount`, `reserved`: atomic units."""

    address: str
    beneficiary: str
    amount: int
    reserved: int


class OxendNode(Struct, frozen=True, kw_only=True, gc=False):
    """A node that is registered with oxend now (`get_service_nodes`). Heights are block heights."""

    pubkey: str
    pubkey_bls: str | None
    active: bool
    operator: str
    operator_fee: int | None
    """Hundredths of a percent, from oxend's portions."""
    contributors: tuple[OxendContribution, ...]
    staking_requirement: int
    total_contributed: int
    registration_height: int
    requested_unlock_height: int | None
    last_reward_block_height: int | None
    last_uptime_proof: int | None
    """Unix seconds; null when oxend has none."""
    earned_downtime_blocks: int | None
    decommission_count: int | None
    last_decommission_reasons: tuple[str, ...]
    """Of DECOMMISSION_REASONS, in that order; kept by oxend after the node has come back."""
    state_height: int | None
    payable: bool | None
    swarm_id: str | None
    """16 hex digits; null when unassigned."""
    service_node_version: str | None
    storage_server_version: str | None
    lokinet_version: str | None
    public_ip: str | None


class RemovedNode(Struct, frozen=True, kw_only=True, gc=False):
    """A node on oxend's exit list: gone from the list of nodes, its exit not confirmed on the L2 yet."""

    pubkey: str
    pubkey_bls: str | None
    kind: Literal["exit", "deregister"]
    height: int
    """Block in which it left."""
    liquidation_height: int
    operator: str
    operator_fee: int | None
    contributors: tuple[OxendContribution, ...]
    staking_requirement: int
    total_contributed: int
    registration_height: int
    requested_unlock_height: int | None
    last_reward_block_height: int | None
    decommission_count: int | None
    last_decommission_reasons: tuple[str, ...]


class PendingRegistration(Struct, frozen=True, kw_only=True, gc=False):
    """A registration seen on the L2 that oxend has not confirmed yet."""

    pubkey: str
    pubkey_bls: str
    fee: int
    """Hundredths of a percent."""
    contributors: tuple[OxendContribution, ...]
    height: int
    l2_height: int


class OxendView(Struct, frozen=True, kw_only=True):
    """Everything that one round of polling read from oxend, true at `block_height` / `block_hash`."""

    nettype: str
    version: str
    hard_fork: int
    """Hard fork of the next block."""
    chain_height: int
    """Number of blocks: `block_height` + 1."""
    block_height: int
    block_hash: str
    block_timestamp: int
    target_block_seconds: int
    """The network's constant, as the settings have it."""
    staking_requirement: int
    max_contributors: int
    min_operator_contribution: int
    nodes: tuple[OxendNode, ...]
    exit_list: tuple[RemovedNode, ...]
    pending_registrations: tuple[PendingRegistration, ...]
    pending_unlocks: frozenset[str]
    """BLS keys with an exit request that oxend has not confirmed yet."""
    accrued: dict[str, int]
    """Lifetime rewards by canonical address, atomic units."""
    branch: dict[int, str] = {}
    """Hashes by height of those newest blocks of this chain that have been heard of, gaps included."""

    def timestamp_of(self, height: int) -> int:
        """Unix seconds of a block, reckoned back from the top block by the block time."""
        return self.block_timestamp - (self.block_height - height) * self.target_block_seconds
