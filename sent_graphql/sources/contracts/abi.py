"""Selectors and topics of the contracts, computed from their signatures.

Two generations of the contribution contracts and of their factory are deployed; where an event's arguments differ, so
does its topic, and both are listed.
"""

from enum import Enum
from typing import Final

from eth_utils.crypto import keccak


def selector(signature: str) -> bytes:
    """The four bytes that call the function with this canonical signature, such as `status()`."""
    return keccak(text=signature)[:4]


def topic(signature: str) -> str:
    """The first topic of the event with this canonical signature: 64 lower-case hex digits with 0x."""
    return "0x" + keccak(text=signature).hex()


def call_data(function: "View", *arguments: int | str) -> bytes:
    """Call data of `function` with numbers or addresses as arguments, one word each."""
    words = [int(argument, 16) if isinstance(argument, str) else argument for argument in arguments]
    return function.selector + b"".join(word.to_bytes(32, "big") for word in words)


class View(Enum):
    """A function that the service reads; its value is the canonical signature."""

    # ServiceNodeRewards
    ALL_SERVICE_NODE_IDS = "allServiceNodeIDs()"
    SERVICE_NODES = "serviceNodes(uint64)"
    ED25519_TO_SERVICE_NODE_ID = "ed25519ToServiceNodeID(uint256)"
    TOTAL_NODES = "totalNodes()"
    NEXT_SERVICE_NODE_ID = "nextServiceNodeID()"
    AGGREGATE_PUBKEY = "aggregatePubkey()"
    RECIPIENTS = "recipients(address)"
    DESIGNATED_TOKEN = "designatedToken()"  # noqa: S105 - a signature, no password
    FOUNDATION_POOL = "foundationPool()"
    IS_STARTED = "isStarted()"
    PAUSED = "paused()"
    CLAIM_THRESHOLD = "claimThreshold()"
    CLAIM_CYCLE = "claimCycle()"
    CURRENT_CLAIM_CYCLE = "currentClaimCycle()"
    CURRENT_CLAIM_TOTAL = "currentClaimTotal()"
    BLS_NON_SIGNER_THRESHOLD = "blsNonSignerThreshold()"
    BLS_NON_SIGNER_THRESHOLD_MAX = "blsNonSignerThresholdMax()"
    SIGNATURE_EXPIRY = "signatureExpiry()"
    LIQUIDATOR_REWARD_RATIO = "liquidatorRewardRatio()"
    POOL_SHARE_OF_LIQUIDATION_RATIO = "poolShareOfLiquidationRatio()"
    RECIPIENT_RATIO = "recipientRatio()"
    VERSION = "VERSION()"
    OWNER = "owner()"

    # ServiceNodeRewards and ServiceNodeContribution
    STAKING_REQUIREMENT = "stakingRequirement()"
    MAX_CONTRIBUTORS = "maxContributors()"

    # ServiceNodeContribution
    STATUS = "status()"
    OPERATOR = "operator()"
    BLS_PUBKEY = "blsPubkey()"
    BLS_SIGNATURE = "blsSignature()"
    SERVICE_NODE_PARAMS = "serviceNodeParams()"
    GET_CONTRIBUTIONS = "getContributions()"
    GET_RESERVED = "getReserved()"
    TOTAL_CONTRIBUTION = "totalContribution()"
    TOTAL_RESERVED_CONTRIBUTION = "totalReservedContribution()"
    OPERATOR_CONTRIBUTION = "operatorContribution()"
    MINIMUM_CONTRIBUTION = "minimumContribution()"
    MANUAL_FINALIZE = "manualFinalize()"
    CONTRIBUTION_TIMESTAMP = "contributionTimestamp(address)"

    # ServiceNodeContribution and ServiceNodeContributionFactory
    STAKING_REWARDS_CONTRACT = "stakingRewardsContract()"

    # ServiceNodeContributionFactory
    OWNS = "owns(address)"

    # RewardRatePool
    REWARD_RATE = "rewardRate()"
    CALCULATE_RELEASED_AMOUNT = "calculateReleasedAmount()"
    CALCULATE_TOTAL_DEPOSITED = "calculateTotalDeposited()"
    TOTAL_PAID_OUT = "totalPaidOut()"
    LAST_PAID_OUT_TIME = "lastPaidOutTime()"
    BENEFICIARY = "beneficiary()"

    # Token
    TOTAL_SUPPLY = "totalSupply()"
    BALANCE_OF = "balanceOf(address)"
    DECIMALS = "decimals()"

    def __init__(self, signature: str) -> None:
        self.selector = selector(signature)


class Event(Enum):
    """An event that the service follows; its value is the canonical signature, `topic` its first topic.

    Members ending in _OLD are of the first generation of contribution contracts, factory and ratios (2024).
    """

    # ServiceNodeRewards
    NEW_SERVICE_NODE_V2 = (
        "NewServiceNodeV2(uint64,address,(uint256,uint256),(uint256,uint256,uint256,uint16),"
        "((address,address),uint256)[])"
    )
    NEW_SEEDED_SERVICE_NODE = "NewSeededServiceNode(uint64,(uint256,uint256),uint256)"
    SERVICE_NODE_EXIT_REQUEST = "ServiceNodeExitRequest(uint64,address,(uint256,uint256))"
    SERVICE_NODE_EXIT = "ServiceNodeExit(uint64,address,uint256,(uint256,uint256))"
    SERVICE_NODE_LIQUIDATED = "ServiceNodeLiquidated(uint64,address,(uint256,uint256))"
    REWARDS_BALANCE_UPDATED = "RewardsBalanceUpdated(address,uint256,uint256)"
    REWARDS_CLAIMED = "RewardsClaimed(address,uint256)"
    STAKING_REQUIREMENT_UPDATED = "StakingRequirementUpdated(uint256)"
    LIQUIDATION_RATIOS_UPDATED = "LiquidationRatiosUpdated(uint256,uint256,uint256)"
    LIQUIDATOR_REWARD_RATIO_UPDATED_OLD = "LiquidatorRewardRatioUpdated(uint256)"
    POOL_SHARE_OF_LIQUIDATION_RATIO_UPDATED_OLD = "PoolShareOfLiquidationRatioUpdated(uint256)"
    RECIPIENT_RATIO_UPDATED_OLD = "RecipientRatioUpdated(uint256)"
    CLAIM_THRESHOLD_UPDATED = "ClaimThresholdUpdated(uint256)"
    CLAIM_CYCLE_UPDATED = "ClaimCycleUpdated(uint256)"
    SIGNATURE_EXPIRY_UPDATED = "SignatureExpiryUpdated(uint256)"
    BLS_NON_SIGNER_THRESHOLD_MAX_UPDATED = "BLSNonSignerThresholdMaxUpdated(uint256)"

    # ServiceNodeRewards and ServiceNodeContributionFactory
    PAUSED = "Paused(address)"
    UNPAUSED = "Unpaused(address)"
    OWNERSHIP_TRANSFER_STARTED = "OwnershipTransferStarted(address,address)"
    OWNERSHIP_TRANSFERRED = "OwnershipTransferred(address,address)"
    INITIALIZED = "Initialized(uint64)"

    # ServiceNodeContributionFactory
    NEW_CONTRIBUTION_CONTRACT = "NewServiceNodeContributionContract(address,uint256,address)"
    NEW_CONTRIBUTION_CONTRACT_OLD = "NewServiceNodeContributionContract(address,uint256)"

    # ServiceNodeContribution
    NEW_CONTRIBUTION = "NewContribution(address,address,uint256)"
    NEW_CONTRIBUTION_OLD = "NewContribution(address,uint256)"
    OPEN_FOR_PUBLIC_CONTRIBUTION = "OpenForPublicContribution()"
    OPEN_FOR_PUBLIC_CONTRIBUTION_OLD = "OpenForPublicContribution(uint256,address,uint16)"
    FILLED = "Filled()"
    FILLED_OLD = "Filled(uint256,address)"
    FINALIZED = "Finalized()"
    FINALIZED_OLD = "Finalized(uint256)"
    WITHDRAW_CONTRIBUTION = "WithdrawContribution(address,uint256)"
    UPDATE_STAKER_BENEFICIARY = "UpdateStakerBeneficiary(address,address)"
    UPDATE_STAKER_BENEFICIARY_OLD = "UpdateStakerBeneficiary(address,address,address)"
    RESET = "Reset()"
    UPDATE_RESERVED_CONTRIBUTORS = "UpdateReservedContributors((address,uint256)[])"
    UPDATE_PUBKEYS = "UpdatePubkeys((uint256,uint256),uint256)"
    UPDATE_FEE = "UpdateFee(uint16)"
    UPDATE_MANUAL_FINALIZE = "UpdateManualFinalize(bool)"

    # RewardRatePool
    FUNDS_RELEASED = "FundsReleased(uint256)"
    BENEFICIARY_UPDATED = "BeneficiaryUpdated(address)"

    # Token
    TRANSFER = "Transfer(address,address,uint256)"

    # Proxies
    UPGRADED = "Upgraded(address)"
    ADMIN_CHANGED = "AdminChanged(address,address)"

    def __init__(self, signature: str) -> None:
        self.topic = topic(signature)


REWARDS_EVENTS: Final = (
    Event.NEW_SERVICE_NODE_V2,
    Event.NEW_SEEDED_SERVICE_NODE,
    Event.SERVICE_NODE_EXIT_REQUEST,
    Event.SERVICE_NODE_EXIT,
    Event.SERVICE_NODE_LIQUIDATED,
    Event.REWARDS_BALANCE_UPDATED,
    Event.REWARDS_CLAIMED,
)
"""Events of the rewards contract that change what is known of a node or a wallet."""

FACTORY_EVENTS: Final = (Event.NEW_CONTRIBUTION_CONTRACT, Event.NEW_CONTRIBUTION_CONTRACT_OLD)
"""Events of the factory that tell of a contribution contract."""

CONTRIBUTION_EVENTS: Final = (
    Event.NEW_CONTRIBUTION,
    Event.NEW_CONTRIBUTION_OLD,
    Event.OPEN_FOR_PUBLIC_CONTRIBUTION,
    Event.OPEN_FOR_PUBLIC_CONTRIBUTION_OLD,
    Event.FILLED,
    Event.FILLED_OLD,
    Event.FINALIZED,
    Event.FINALIZED_OLD,
    Event.WITHDRAW_CONTRIBUTION,
    Event.UPDATE_STAKER_BENEFICIARY,
    Event.UPDATE_STAKER_BENEFICIARY_OLD,
    Event.RESET,
    Event.UPDATE_RESERVED_CONTRIBUTORS,
    Event.UPDATE_PUBKEYS,
    Event.UPDATE_FEE,
    Event.UPDATE_MANUAL_FINALIZE,
)
"""Events of a contribution contract; each says that its state must be read again."""
