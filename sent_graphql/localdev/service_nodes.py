"""What the simulated oxend keeps of a node, and the steps of its life. Heights are block heights, amounts atomic."""

from typing import Literal, Self

from msgspec import Struct
from msgspec.structs import replace

from sent_graphql.localdev.constants import (
    INITIAL_CREDIT_BLOCKS,
    MAX_CREDIT_BLOCKS,
    NO_SWARM,
    NO_TRANSACTION_INDEX,
    PAYABLE_AFTER_BLOCKS,
    UPTIME_BLOCKS_PER_CREDIT_BLOCK,
)


class NodeStake(Struct, frozen=True):
    """One contributor's share; addresses EIP-55 checksummed with 0x."""

    address: str
    beneficiary: str
    amount: int


class Registration(Struct, frozen=True, kw_only=True):
    """What a registration on the L2 says of a node. `fee` in hundredths of a percent, the signature 128 hex digits."""

    pubkey: str
    pubkey_bls: str
    signature: str
    fee: int
    contributors: tuple[NodeStake, ...]

    @property
    def deposit(self) -> int:
        """The whole stake: the requirement of its day."""
        return sum(stake.amount for stake in self.contributors)


class Dwelling(Struct, frozen=True):
    """Where a node lives, as its proof says."""

    public_ip: str
    storage_port: int
    storage_lmq_port: int
    quorumnet_port: int


class ServiceNode(Struct, frozen=True, kw_only=True):
    """A registered node; each step of its life gives a new record."""

    registration: Registration
    pubkey_x25519: str
    dwelling: Dwelling
    registration_height: int
    active_since_height: int
    """Negative while decommissioned, as oxend keeps it."""
    swarm_id: int
    requested_unlock_height: int = 0
    decommission_count: int = 0
    last_decommission_height: int = 0
    reasons_all: int = 0
    reasons_any: int = 0
    recommission_credit: int = INITIAL_CREDIT_BLOCKS
    last_reward_block_height: int
    last_reward_transaction_index: int = NO_TRANSACTION_INDEX
    last_uptime_proof: int = 0

    @property
    def pubkey(self) -> str:
        """Ed25519 key: 64 hex digits."""
        return self.registration.pubkey

    @property
    def pubkey_bls(self) -> str:
        """BLS key: 128 hex digits."""
        return self.registration.pubkey_bls

    @property
    def active(self) -> bool:
        """Whether it is not decommissioned."""
        return self.active_since_height >= 0

    @property
    def state_height(self) -> int:
        """When it last came to be active or decommissioned."""
        return self.active_since_height if self.active else self.last_decommission_height

    def payable(self, height: int) -> bool:
        """Whether it has a share in the reward of the block at `height`."""
        return self.active and height >= self.active_since_height + PAYABLE_AFTER_BLOCKS

    def credit(self, height: int) -> int:
        """Blocks it may be down for: earned by being up, used up while decommissioned; below zero it is too late."""
        up_until = height if self.active else self.last_decommission_height
        blocks_up = max(0, up_until - abs(self.active_since_height))
        earned = min(MAX_CREDIT_BLOCKS, self.recommission_credit + blocks_up // UPTIME_BLOCKS_PER_CREDIT_BLOCK)
        return earned - (0 if self.active else height - self.last_decommission_height)

    def decommissioned(self, height: int, reasons_all: int, reasons_any: int) -> Self:
        """This node put out of service at `height`."""
        return replace(
            self,
            active_since_height=-self.active_since_height,
            decommission_count=self.decommission_count + 1,
            last_decommission_height=height,
            reasons_all=reasons_all,
            reasons_any=reasons_any,
            swarm_id=NO_SWARM,
            last_uptime_proof=0,
        )

    def recommissioned(self, height: int, swarm_id: int, timestamp: int) -> Self:
        """This node back in service at `height`, with what is left of its credit."""
        return replace(
            self,
            active_since_height=height,
            recommission_credit=max(0, self.credit(height)),
            last_reward_block_height=height,
            last_reward_transaction_index=NO_TRANSACTION_INDEX,
            swarm_id=swarm_id,
            last_uptime_proof=timestamp,
        )


class RemovedNode(Struct, frozen=True, kw_only=True):
    """A node on the exit list, frozen as it left."""

    node: ServiceNode
    kind: Literal["exit", "deregister"]
    height: int
    liquidation_height: int
