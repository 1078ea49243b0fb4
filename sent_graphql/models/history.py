"""What has happened on the contracts, one log after the other."""

from datetime import datetime
from enum import Enum
from typing import Final

from msgspec import Struct

from sent_graphql.models.global_id import global_id


class StakingEventKind(Enum):
    """What a log says; which event of which contract has which kind is in sources/contracts."""

    NEW_SERVICE_NODE = "new_service_node"
    SEEDED_SERVICE_NODE = "seeded_service_node"
    SERVICE_NODE_EXIT_REQUEST = "service_node_exit_request"
    SERVICE_NODE_EXIT = "service_node_exit"
    SERVICE_NODE_LIQUIDATED = "service_node_liquidated"
    REWARDS_BALANCE_UPDATED = "rewards_balance_updated"
    REWARDS_CLAIMED = "rewards_claimed"
    NEW_CONTRIBUTION_CONTRACT = "new_contribution_contract"
    NEW_CONTRIBUTION = "new_contribution"
    WITHDRAW_CONTRIBUTION = "withdraw_contribution"
    CONTRIBUTION_FILLED = "contribution_filled"
    CONTRIBUTION_FINALIZED = "contribution_finalized"
    CONTRIBUTION_OPENED = "contribution_opened"
    CONTRIBUTION_RESET = "contribution_reset"
    STAKER_BENEFICIARY_UPDATED = "staker_beneficiary_updated"
    POOL_BENEFICIARY_UPDATED = "pool_beneficiary_updated"
    FEE_UPDATED = "fee_updated"
    PUBKEYS_UPDATED = "pubkeys_updated"
    RESERVATIONS_UPDATED = "reservations_updated"
    MANUAL_FINALIZE_UPDATED = "manual_finalize_updated"
    STAKING_REQUIREMENT_UPDATED = "staking_requirement_updated"
    PARAMETER_UPDATED = "parameter_updated"
    PAUSED = "paused"
    UNPAUSED = "unpaused"
    REWARDS_RELEASED = "rewards_released"
    UPGRADED = "upgraded"


LOG_INDEX_BITS: Final = 32
"""Room for a log's index beside its block number in one position."""


class EventArgument(Struct, frozen=True, gc=False):
    """An argument as the ABI names it; numbers in decimal, addresses with checksum, lists and structs as JSON."""

    name: str
    value: str


class StakingEvent(Struct, frozen=True, kw_only=True, gc=False):
    """One log of the contracts. `amount` in atomic units; hashes as 0x and 64 hex digits, addresses canonical."""

    kind: StakingEventKind
    contract: str
    block_number: int
    block_hash: str
    timestamp: datetime
    transaction_hash: str
    log_index: int
    initiator: str | None
    wallet: str | None
    amount: int | None
    contract_id: int | None
    pubkey: str | None
    """Ed25519 key of the node that it is about, as known at that moment."""
    contribution_contract_address: str | None
    """The contribution contract that it is about: the one that emitted it, that was made, or that registered a node."""
    arguments: tuple[EventArgument, ...]

    @property
    def position(self) -> int:
        """Its place in the order of the chain."""
        return self.block_number << LOG_INDEX_BITS | self.log_index

    @property
    def id(self) -> str:
        """Its global id; a log that a reorganisation moves to another block is another event."""
        return global_id("StakingEvent", f"{self.block_number}.{self.block_hash}.{self.log_index}")


class EventFilter(Struct, frozen=True, kw_only=True):
    """Which events; a part that is null narrows nothing. Blocks are inclusive."""

    kinds: frozenset[StakingEventKind] | None = None
    contract_id: int | None = None
    pubkey: str | None = None
    wallet: str | None = None
    contribution_contract: str | None = None
    from_block: int | None = None
    to_block: int | None = None
