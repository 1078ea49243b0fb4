"""The models' enums as GraphQL shows them: the same values, each with a description.

Types take their enums from here, never from the models, so that none is used before it is described.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from sent_graphql.models.contracts import ContributionStatus
from sent_graphql.models.network import DecommissionReason, NetworkType, ServiceNodeState, SourceName
from sent_graphql.resolvers.orders import ContributionContractOrderField, OrderDirection, ServiceNodeOrderField

__all__ = [
    "ContributionContractOrderField",
    "ContributionStatus",
    "DecommissionReason",
    "NetworkType",
    "OrderDirection",
    "ServiceNodeOrderField",
    "ServiceNodeState",
    "SourceName",
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
