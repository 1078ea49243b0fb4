"""The models' enums as GraphQL shows them: the same values, each with a description.

Types take their enums from here, never from the models, so that none is used before it is described.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from sent_graphql.models.contracts import ContributionStatus
from sent_graphql.models.history import StakingEventKind
from sent_graphql.models.network import DecommissionReason, ExitKind, NetworkType, ServiceNodeState, SourceName
from sent_graphql.models.proofs import ProofJudge
from sent_graphql.models.registrations import RegistrationErrorCode, RegistrationKind
from sent_graphql.models.signatures import RequestErrorCode
from sent_graphql.resolvers.orders import ContributionContractOrderField, OrderDirection, ServiceNodeOrderField

__all__ = [
    "ContributionContractOrderField",
    "ContributionStatus",
    "DecommissionReason",
    "ExitKind",
    "NetworkType",
    "OrderDirection",
    "ProofJudge",
    "RegistrationErrorCode",
    "RegistrationKind",
    "RequestErrorCode",
    "ServiceNodeOrderField",
    "ServiceNodeState",
    "SourceName",
    "StakingEventKind",
]

E = TypeVar("E", bound=Enum)


def shown_enum(kind: type[E], description: str, values: Mapping[E, str]) -> None:
    """Let Strawberry show `kind` under its own name, every value described."""
    described = {member.name: text for member, text in values.items()}
    strawberry.enum(kind, description=description)
    definition: StrawberryEnumDefinition = vars(kind)["__strawberry_definition__"]
    for value in definition.values:
        value.description = described[value.name]


shown_enum(
    NetworkType,
    "Which Oxen network a daemon belongs to, by oxend's own names.",
    {
        NetworkType.MAINNET: "The Session network proper, with tokens of value.",
        NetworkType.TESTNET: "A public network for trying out, with tokens of no value.",
        NetworkType.STAGENET: "A public network on which releases are rehearsed; its L2 is a test chain.",
        NetworkType.DEVNET: "A network of the developers, restarted at will.",
        NetworkType.LOCALDEV: "A private network on one machine, such as the one that this service brings along.",
        NetworkType.FAKECHAIN: "A chain made up for oxend's own tests.",
    },
)

shown_enum(
    ServiceNodeState,
    "Where a service node is in its life, judged from oxend and the rewards contract together.",
    {
        ServiceNodeState.REGISTERING: "The contract has its registration, oxend has not confirmed it yet (or has "
        "refused it: then `knownTo` names the contracts alone).",
        ServiceNodeState.RUNNING: "Registered with oxend and in service: it earns rewards.",
        ServiceNodeState.DECOMMISSIONED: "Taken out of service for failing its duties; it earns nothing and is "
        "deregistered unless it recovers in time.",
        ServiceNodeState.AWAITING_EXIT: "Its exit was requested and its time has run out: oxend has dropped it, the "
        "contract still holds its stake until someone sends the exit.",
        ServiceNodeState.DEREGISTERED: "Removed by the network for failing too long; the contract still holds its "
        "stake, which is locked for a while and then returned less a penalty.",
        ServiceNodeState.EXITED: "Gone from both sides; known from history. Lists leave it out unless it is asked for.",
    },
)

shown_enum(
    ExitKind,
    "How a service node ended.",
    {
        ExitKind.EXITED: "It left as it was asked to, and its stake was returned.",
        ExitKind.DEREGISTERED: "The network removed it for failing too long; then it was taken off the contract.",
        ExitKind.LIQUIDATED: "It was left on the contract for too long, and somebody liquidated it for a part of the "
        "operator's stake.",
    },
)

shown_enum(
    ContributionStatus,
    "How far a contribution contract has come in gathering the stake of its node.",
    {
        ContributionStatus.WAIT_FOR_OPERATOR_CONTRIBUTION: "New or reset: the operator has to contribute first, and "
        "may still change fee, keys and reservations.",
        ContributionStatus.OPEN_FOR_PUBLIC_CONTRIBUTION: "The operator has contributed: others may now.",
        ContributionStatus.WAIT_FOR_FINALIZED: "The stake is complete; the operator has to finalize by hand.",
        ContributionStatus.FINALIZED: "The node is registered and the stake has moved to the rewards contract.",
    },
)

shown_enum(
    SourceName,
    "The sources that this service puts together.",
    {
        SourceName.OXEND: "The Oxen daemon: states, uptime proofs, heights and accrued rewards.",
        SourceName.CONTRACTS: "The staking contracts on the L2 chain: deposits, contributors, fees and claims.",
        SourceName.DATABASE: "This service's own store of what both sides forget.",
    },
)

shown_enum(
    DecommissionReason,
    "What a service node failed at when it was voted out of service.",
    {
        DecommissionReason.UPTIME: "It sent no uptime proofs.",
        DecommissionReason.CHECKPOINTS: "It missed votes on checkpoints.",
        DecommissionReason.PULSE: "It did not take part in making blocks.",
        DecommissionReason.STORAGE: "Its storage server could not be reached.",
        DecommissionReason.TIMECHECK: "It did not answer when others compared clocks with it.",
        DecommissionReason.TIMESYNC: "Its clock was wrong.",
        DecommissionReason.LOKINET: "Its Lokinet router could not be reached.",
        DecommissionReason.L2: "It did not follow the L2 chain.",
    },
)

shown_enum(
    OrderDirection,
    "Which end of an order comes first. Values that are null come last either way.",
    {
        OrderDirection.ASC: "Smallest or oldest first.",
        OrderDirection.DESC: "Largest or newest first.",
    },
)

shown_enum(
    ServiceNodeOrderField,
    "What service nodes can be sorted by. Equal values are sorted by id.",
    {
        ServiceNodeOrderField.CONTRACT_ID: "Id in the rewards contract, that is by age of the registration.",
        ServiceNodeOrderField.REGISTRATION_HEIGHT: "Oxen block in which oxend registered it.",
        ServiceNodeOrderField.LAST_UPTIME_PROOF: "When it last proved that it is up.",
        ServiceNodeOrderField.LAST_REWARD_BLOCK_HEIGHT: "Oxen block in which its turn for rewards last came.",
        ServiceNodeOrderField.OPERATOR_FEE: "The operator's fee.",
        ServiceNodeOrderField.TOTAL_CONTRIBUTED: "Sum of its contributors' stakes.",
        ServiceNodeOrderField.REQUESTED_UNLOCK_HEIGHT: "Oxen block after which it leaves; nodes that stay come last.",
    },
)

shown_enum(
    ContributionContractOrderField,
    "What contribution contracts can be sorted by. Equal values are sorted by id.",
    {
        ContributionContractOrderField.CREATED: "The order in which the factory made them.",
        ContributionContractOrderField.FEE: "The operator's fee.",
        ContributionContractOrderField.REMAINING: "What is neither contributed nor reserved of the required stake.",
        ContributionContractOrderField.MINIMUM_CONTRIBUTION: "Least that a new contributor must bring; full ones last.",
    },
)

shown_enum(
    RequestErrorCode,
    "Why a request for the network's signature brought none. The message beside it says what to do.",
    {
        RequestErrorCode.NO_REWARDS: "There is nothing to claim: the wallet has earned nothing, or is not a wallet of "
        "the L2 chain.",
        RequestErrorCode.NOT_IN_EXIT_LIST: "The node is none of those that wait to be removed (`exitList`).",
        RequestErrorCode.NOT_REMOVABLE_YET: "The node's time to be removed has not come, or the contract does not hold "
        "it.",
        RequestErrorCode.SIGNATURE_INVALID: "oxend gave a signature that the contract would refuse; it was withheld.",
        RequestErrorCode.RATE_LIMITED: "Too many requests at the moment.",
        RequestErrorCode.UPSTREAM_TIMEOUT: "oxend did not answer in time. It may never answer while some nodes of the "
        "network cannot be reached.",
        RequestErrorCode.UPSTREAM_UNAVAILABLE: "oxend or the L2 cannot be reached, or oxend is left alone for a while "
        "because it did not answer several times in a row.",
        RequestErrorCode.UPSTREAM_ERROR: "oxend refused for another reason, such as that no node signed.",
    },
)

shown_enum(
    RegistrationErrorCode,
    "What can be wrong with a registration. The message beside it says what would be right, and so do the numbers.",
    {
        RegistrationErrorCode.BAD_REQUEST: "A key or signature cannot be read; `field` names it.",
        RegistrationErrorCode.SIGNATURE: "A key is no point of its curve, or a signature does not hold for these keys, "
        "this operator and this network; `field` names it.",
        RegistrationErrorCode.INVALID_OPERATOR_ADDRESS: "The operator is not an address of the L2 chain, or is the "
        "zero address.",
        RegistrationErrorCode.INVALID_OPERATOR_STAKE: "The operator's stake is not a whole number of atomic units.",
        RegistrationErrorCode.WRONG_OPERATOR_STAKE: "The operator of a solo node has to stake exactly `required` "
        "atomic units.",
        RegistrationErrorCode.INSUFFICIENT_OPERATOR_STAKE: "The operator of a contribution contract has to stake at "
        "least `minimum` atomic units, a quarter of the requirement.",
        RegistrationErrorCode.INVALID_CONTRACT_ADDRESS: "The contract is not an address of the L2 chain, cannot serve "
        "this registration, or is missing although shares are reserved.",
        RegistrationErrorCode.INVALID_RESERVED_ADDRESS: "The wallet at `index` of `reserved` is not an address of the "
        "L2 chain, or is the zero address.",
        RegistrationErrorCode.INVALID_RESERVED_STAKE: "The amount at `index` of `reserved` is not a whole number of "
        "atomic units, or nothing is left to reserve.",
        RegistrationErrorCode.INSUFFICIENT_RESERVED_STAKE: "The amount at `index` of `reserved` is less than `minimum` "
        "atomic units, an equal part of what is left for the places left.",
        RegistrationErrorCode.TOO_MUCH: "Stake and reserved amounts come to `total` atomic units; the node takes no "
        "more than `maximum`.",
        RegistrationErrorCode.TOO_MANY: "`total` wallets are in `reserved`; there are no more than `maximum` places "
        "beside the operator's.",
        RegistrationErrorCode.INVALID_FEE: "A contribution contract needs an operator fee from `minimum` to `maximum` "
        "hundredths of a percent; a solo node must have none.",
        RegistrationErrorCode.DUPLICATE_ADDRESS: "The wallet at `index` of `reserved` is the operator or is there "
        "already.",
        RegistrationErrorCode.ALREADY_REGISTERED: "A node with this key is registered now; `field` names the key.",
    },
)

shown_enum(
    RegistrationKind,
    "What an operator's signed keys were made for.",
    {
        RegistrationKind.SOLO: "A node that the operator stakes alone, registered by the rewards contract itself.",
        RegistrationKind.CONTRACT: "A node that several stake, through a contribution contract of the operator's.",
    },
)

shown_enum(
    ProofJudge,
    "Who has checked a BLS proof of possession.",
    {
        ProofJudge.CONTRACT: "The rewards contract itself, by a call that changes nothing.",
        ProofJudge.SERVICE: "This service, by its own arithmetic.",
    },
)

shown_enum(
    StakingEventKind,
    "What a log of the contracts says.",
    {
        StakingEventKind.NEW_SERVICE_NODE: "A node was registered (NewServiceNodeV2): `wallet` is its operator, "
        "`amount` the deposit, and the contributors are among the arguments.",
        StakingEventKind.SEEDED_SERVICE_NODE: "A node was put in by the contract's owner before the contract was "
        "started (NewSeededServiceNode).",
        StakingEventKind.SERVICE_NODE_EXIT_REQUEST: "A contributor asked that the node may leave "
        "(ServiceNodeExitRequest).",
        StakingEventKind.SERVICE_NODE_EXIT: "A node left the contract (ServiceNodeExit): `amount` goes back to its "
        "stakers.",
        StakingEventKind.SERVICE_NODE_LIQUIDATED: "A node was liquidated (ServiceNodeLiquidated); its exit follows in "
        "the same transaction.",
        StakingEventKind.REWARDS_BALANCE_UPDATED: "A wallet was credited with rewards (RewardsBalanceUpdated): "
        "`amount` is its new lifetime total.",
        StakingEventKind.REWARDS_CLAIMED: "A wallet claimed `amount` of its rewards (RewardsClaimed).",
        StakingEventKind.NEW_CONTRIBUTION_CONTRACT: "A contribution contract was opened "
        "(NewServiceNodeContributionContract): `wallet` is its operator.",
        StakingEventKind.NEW_CONTRIBUTION: "`wallet` contributed `amount`, which may be a top-up (NewContribution).",
        StakingEventKind.WITHDRAW_CONTRIBUTION: "`wallet` took its contribution back (WithdrawContribution).",
        StakingEventKind.CONTRIBUTION_FILLED: "A contribution contract has gathered all of the stake (Filled).",
        StakingEventKind.CONTRIBUTION_FINALIZED: "A contribution contract has registered its node (Finalized).",
        StakingEventKind.CONTRIBUTION_OPENED: "The operator has contributed, and others may now "
        "(OpenForPublicContribution).",
        StakingEventKind.CONTRIBUTION_RESET: "A contribution contract began anew and gave all contributions back "
        "(Reset).",
        StakingEventKind.STAKER_BENEFICIARY_UPDATED: "The contributor `wallet` named another beneficiary "
        "(UpdateStakerBeneficiary).",
        StakingEventKind.POOL_BENEFICIARY_UPDATED: "The reward pool pays to another contract (BeneficiaryUpdated).",
        StakingEventKind.FEE_UPDATED: "The operator's fee of a contribution contract was set (UpdateFee).",
        StakingEventKind.PUBKEYS_UPDATED: "The node keys of a contribution contract were set (UpdatePubkeys).",
        StakingEventKind.RESERVATIONS_UPDATED: "The reservations of a contribution contract were set "
        "(UpdateReservedContributors).",
        StakingEventKind.MANUAL_FINALIZE_UPDATED: "Whether the operator finalizes by hand was set "
        "(UpdateManualFinalize).",
        StakingEventKind.STAKING_REQUIREMENT_UPDATED: "New registrations need another stake "
        "(StakingRequirementUpdated).",
        StakingEventKind.PARAMETER_UPDATED: "Another parameter of the rewards contract was set; see the arguments.",
        StakingEventKind.PAUSED: "The rewards contract or the factory was paused.",
        StakingEventKind.UNPAUSED: "The rewards contract or the factory goes on.",
        StakingEventKind.REWARDS_RELEASED: "The reward pool paid `amount` to the rewards contract (FundsReleased).",
        StakingEventKind.UPGRADED: "The code behind a contract's address was replaced.",
    },
)
