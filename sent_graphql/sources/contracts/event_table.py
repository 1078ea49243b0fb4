"""Which event of which contract is history, of which kind, and which of its arguments say what.

Both generations of the contracts are listed: where arguments differ, so does the topic. What is not listed is no event
of the history (a proxy's Initialized and AdminChanged, transfers of ownership).
"""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from operator import itemgetter
from typing import Final, TypeAlias

from msgspec import Struct

from sent_graphql.models.history import StakingEventKind
from sent_graphql.sources.contracts.abi import Event
from sent_graphql.sources.contracts.abi_types import Address, Group, List, Number, Truth, Type, Value
from sent_graphql.sources.contracts.errors import RpcMalformedReplyError

Values: TypeAlias = dict[str, Value]
"""Decoded arguments by name, in the order of the ABI."""


class Emitter(Enum):
    """Which of our contracts tells; the same topic may be told by several."""

    REWARDS = "ServiceNodeRewards"
    FACTORY = "ServiceNodeContributionFactory"
    POOL = "RewardRatePool"
    CONTRIBUTION = "ServiceNodeContribution"


class Argument(Struct, frozen=True):
    """One argument; `indexed` ones are topics, the others lie in the data."""

    name: str
    type: Type
    indexed: bool = False


class EventShape(Struct, frozen=True):
    """An event of the history: its arguments, and how the event's own fields are taken from them."""

    event: Event
    kind: StakingEventKind
    arguments: tuple[Argument, ...] = ()
    wallet: Callable[[Values], str] | None = None
    amount: Callable[[Values], str] | None = None
    pubkey: Callable[[Values], str] | None = None
    created: Callable[[Values], str] | None = None
    """The contribution contract that it tells of, where that is not the emitter."""


def _operator(values: Values) -> str:
    if not values["contributors"]:
        raise RpcMalformedReplyError("NewServiceNodeV2: no contributors")
    return str(values["contributors"][0]["staker"]["addr"])


def _deposit(values: Values) -> str:
    return str(sum(int(contributor["stakedAmount"]) for contributor in values["contributors"]))


def _node_key(values: Values) -> str:
    return str(values["serviceNode"]["serviceNodePubkey"])


ID: Final = Argument("serviceNodeID", Number(64), indexed=True)
INITIATOR: Final = Argument("initiator", Address())

_POINT: Final = Group((("X", Number()), ("Y", Number())))
_PARAMETERS: Final = Group(
    (
        ("serviceNodePubkey", Number()),
        ("serviceNodeSignature1", Number()),
        ("serviceNodeSignature2", Number()),
        ("fee", Number(16)),
    )
)
_STAKER: Final = Group((("addr", Address()), ("beneficiary", Address())))
_CONTRIBUTORS: Final = List(Group((("staker", _STAKER), ("stakedAmount", Number()))))
_RESERVED: Final = List(Group((("addr", Address()), ("amount", Number()))))
_PUBKEY: Final = Argument("pubkey", _POINT)
_AMOUNT: Final = Argument("amount", Number())
_RECIPIENT: Final = Argument("recipientAddress", Address(), indexed=True)
_CONTRIBUTOR: Final = Argument("contributor", Address(), indexed=True)
_STAKER_INDEXED: Final = Argument("staker", Address(), indexed=True)
_CREATED: Final = Argument("contributorContract", Address(), indexed=True)
_NODE_INDEXED: Final = Argument("serviceNodePubkey", Number(), indexed=True)


def _parameter(event: Event, *names: str) -> EventShape:
    """A parameter of the rewards contract has been set."""
    return EventShape(event, StakingEventKind.PARAMETER_UPDATED, tuple(Argument(name, Number()) for name in names))


_UPGRADED: Final = EventShape(
    Event.UPGRADED, StakingEventKind.UPGRADED, (Argument("implementation", Address(), indexed=True),)
)
_PAUSES: Final = (
    EventShape(Event.PAUSED, StakingEventKind.PAUSED, (Argument("account", Address()),)),
    EventShape(Event.UNPAUSED, StakingEventKind.UNPAUSED, (Argument("account", Address()),)),
)

_REWARDS: Final = (
    EventShape(
        Event.NEW_SERVICE_NODE_V2,
        StakingEventKind.NEW_SERVICE_NODE,
        (ID, INITIATOR, _PUBKEY, Argument("serviceNode", _PARAMETERS), Argument("contributors", _CONTRIBUTORS)),
        wallet=_operator,
        amount=_deposit,
        pubkey=_node_key,
    ),
    EventShape(
        Event.NEW_SEEDED_SERVICE_NODE,
        StakingEventKind.SEEDED_SERVICE_NODE,
        (ID, Argument("blsPubkey", _POINT), Argument("ed25519Pubkey", Number())),
        pubkey=itemgetter("ed25519Pubkey"),
    ),
    EventShape(
        Event.SERVICE_NODE_EXIT_REQUEST,
        StakingEventKind.SERVICE_NODE_EXIT_REQUEST,
        (ID, INITIATOR, _PUBKEY),
        wallet=itemgetter("initiator"),
    ),
    EventShape(
        Event.SERVICE_NODE_EXIT,
        StakingEventKind.SERVICE_NODE_EXIT,
        (ID, INITIATOR, Argument("returnedAmount", Number()), _PUBKEY),
        amount=itemgetter("returnedAmount"),
    ),
    EventShape(Event.SERVICE_NODE_LIQUIDATED, StakingEventKind.SERVICE_NODE_LIQUIDATED, (ID, INITIATOR, _PUBKEY)),
    EventShape(
        Event.REWARDS_BALANCE_UPDATED,
        StakingEventKind.REWARDS_BALANCE_UPDATED,
        (_RECIPIENT, _AMOUNT, Argument("previousBalance", Number())),
        wallet=itemgetter("recipientAddress"),
        amount=itemgetter("amount"),
    ),
    EventShape(
        Event.REWARDS_CLAIMED,
        StakingEventKind.REWARDS_CLAIMED,
        (_RECIPIENT, _AMOUNT),
        wallet=itemgetter("recipientAddress"),
        amount=itemgetter("amount"),
    ),
    EventShape(
        Event.STAKING_REQUIREMENT_UPDATED,
        StakingEventKind.STAKING_REQUIREMENT_UPDATED,
        (Argument("newRequirement", Number()),),
        amount=itemgetter("newRequirement"),
    ),
    _parameter(Event.LIQUIDATION_RATIOS_UPDATED, "liquidatorRatio", "poolRatio", "recipientRatio"),
    _parameter(Event.LIQUIDATOR_REWARD_RATIO_UPDATED_OLD, "newValue"),
    _parameter(Event.POOL_SHARE_OF_LIQUIDATION_RATIO_UPDATED_OLD, "newValue"),
    _parameter(Event.RECIPIENT_RATIO_UPDATED_OLD, "newValue"),
    _parameter(Event.CLAIM_THRESHOLD_UPDATED, "newThreshold"),
    _parameter(Event.CLAIM_CYCLE_UPDATED, "newValue"),
    _parameter(Event.SIGNATURE_EXPIRY_UPDATED, "newExpiry"),
    _parameter(Event.BLS_NON_SIGNER_THRESHOLD_MAX_UPDATED, "newMax"),
    *_PAUSES,
    _UPGRADED,
)

_FACTORY: Final = (
    EventShape(
        Event.NEW_CONTRIBUTION_CONTRACT,
        StakingEventKind.NEW_CONTRIBUTION_CONTRACT,
        (_CREATED, Argument("serviceNodePubkey", Number()), Argument("operator", Address())),
        wallet=itemgetter("operator"),
        pubkey=itemgetter("serviceNodePubkey"),
        created=itemgetter("contributorContract"),
    ),
    EventShape(
        Event.NEW_CONTRIBUTION_CONTRACT_OLD,
        StakingEventKind.NEW_CONTRIBUTION_CONTRACT,
        (_CREATED, Argument("serviceNodePubkey", Number())),
        pubkey=itemgetter("serviceNodePubkey"),
        created=itemgetter("contributorContract"),
    ),
    *_PAUSES,
    _UPGRADED,
)

_POOL: Final = (
    EventShape(Event.FUNDS_RELEASED, StakingEventKind.REWARDS_RELEASED, (_AMOUNT,), amount=itemgetter("amount")),
    EventShape(
        Event.BENEFICIARY_UPDATED,
        StakingEventKind.POOL_BENEFICIARY_UPDATED,
        (Argument("newBeneficiary", Address()),),
    ),
    _UPGRADED,
)

_CONTRIBUTION: Final = (
    EventShape(
        Event.NEW_CONTRIBUTION,
        StakingEventKind.NEW_CONTRIBUTION,
        (_CONTRIBUTOR, Argument("beneficiary", Address()), _AMOUNT),
        wallet=itemgetter("contributor"),
        amount=itemgetter("amount"),
    ),
    EventShape(
        Event.NEW_CONTRIBUTION_OLD,
        StakingEventKind.NEW_CONTRIBUTION,
        (_CONTRIBUTOR, _AMOUNT),
        wallet=itemgetter("contributor"),
        amount=itemgetter("amount"),
    ),
    EventShape(
        Event.WITHDRAW_CONTRIBUTION,
        StakingEventKind.WITHDRAW_CONTRIBUTION,
        (_CONTRIBUTOR, _AMOUNT),
        wallet=itemgetter("contributor"),
        amount=itemgetter("amount"),
    ),
    EventShape(Event.OPEN_FOR_PUBLIC_CONTRIBUTION, StakingEventKind.CONTRIBUTION_OPENED),
    EventShape(
        Event.OPEN_FOR_PUBLIC_CONTRIBUTION_OLD,
        StakingEventKind.CONTRIBUTION_OPENED,
        (_NODE_INDEXED, Argument("operator", Address(), indexed=True), Argument("fee", Number(16))),
    ),
    EventShape(Event.FILLED, StakingEventKind.CONTRIBUTION_FILLED),
    EventShape(
        Event.FILLED_OLD,
        StakingEventKind.CONTRIBUTION_FILLED,
        (_NODE_INDEXED, Argument("operator", Address(), indexed=True)),
    ),
    EventShape(Event.FINALIZED, StakingEventKind.CONTRIBUTION_FINALIZED),
    EventShape(Event.FINALIZED_OLD, StakingEventKind.CONTRIBUTION_FINALIZED, (_NODE_INDEXED,)),
    EventShape(Event.RESET, StakingEventKind.CONTRIBUTION_RESET),
    EventShape(
        Event.UPDATE_STAKER_BENEFICIARY,
        StakingEventKind.STAKER_BENEFICIARY_UPDATED,
        (_STAKER_INDEXED, Argument("newBeneficiary", Address())),
        wallet=itemgetter("staker"),
    ),
    EventShape(
        Event.UPDATE_STAKER_BENEFICIARY_OLD,
        StakingEventKind.STAKER_BENEFICIARY_UPDATED,
        (_STAKER_INDEXED, Argument("oldBeneficiary", Address()), Argument("newBeneficiary", Address())),
        wallet=itemgetter("staker"),
    ),
    EventShape(
        Event.UPDATE_RESERVED_CONTRIBUTORS,
        StakingEventKind.RESERVATIONS_UPDATED,
        (Argument("newReservedContributors", _RESERVED),),
    ),
    EventShape(
        Event.UPDATE_PUBKEYS,
        StakingEventKind.PUBKEYS_UPDATED,
        (Argument("newBLSPubkey", _POINT), Argument("newEd25519Pubkey", Number())),
        pubkey=itemgetter("newEd25519Pubkey"),
    ),
    EventShape(Event.UPDATE_FEE, StakingEventKind.FEE_UPDATED, (Argument("newFee", Number(16)),)),
    EventShape(
        Event.UPDATE_MANUAL_FINALIZE,
        StakingEventKind.MANUAL_FINALIZE_UPDATED,
        (Argument("newValue", Truth()),),
    ),
)


def _by_topic(shapes: Iterable[EventShape]) -> Mapping[str, EventShape]:
    return {shape.event.topic: shape for shape in shapes}


SHAPES: Final[Mapping[Emitter, Mapping[str, EventShape]]] = {
    Emitter.REWARDS: _by_topic(_REWARDS),
    Emitter.FACTORY: _by_topic(_FACTORY),
    Emitter.POOL: _by_topic(_POOL),
    Emitter.CONTRIBUTION: _by_topic(_CONTRIBUTION),
}
"""By emitter and first topic."""
