"""The orders that lists can be asked in. A value that is null comes last in both directions; ties break by id."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from operator import attrgetter
from typing import Final, Generic, Protocol, TypeVar, cast

from sent_graphql.models.network import ContributionContract, ServiceNode
from sent_graphql.models.pages import Position
from sent_graphql.resolvers.paging import Ordered


class Identified(Protocol):
    """Anything with a global id."""

    @property
    def id(self) -> str: ...


I = TypeVar("I", bound=Identified)  # noqa: E741
"""What is ordered."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class OrderDirection(Enum):
    """Which end comes first."""

    ASC = "asc"
    DESC = "desc"


class ServiceNodeOrderField(Enum):
    """What service nodes can be sorted by."""

    CONTRACT_ID = "contract_id"
    REGISTRATION_HEIGHT = "registration_height"
    LAST_UPTIME_PROOF = "last_uptime_proof"
    LAST_REWARD_BLOCK_HEIGHT = "last_reward_block_height"
    OPERATOR_FEE = "operator_fee"
    TOTAL_CONTRIBUTED = "total_contributed"
    REQUESTED_UNLOCK_HEIGHT = "requested_unlock_height"


class ContributionContractOrderField(Enum):
    """What contribution contracts can be sorted by."""

    CREATED = "created"
    FEE = "fee"
    REMAINING = "remaining"
    MINIMUM_CONTRIBUTION = "minimum_contribution"


@dataclass(frozen=True, slots=True)
class Order(Generic[I]):
    """One way to sort one list. `scope` names both."""

    scope: str
    value: Callable[[I], int | None]
    descending: bool

    def position(self, item: I) -> Position:
        """Where `item` stands; positions compare as the order has it."""
        value = self.value(item)
        if value is None:
            return True, 0, item.id
        return False, -value if self.descending else value, item.id

    def arrange(self, items: Iterable[I]) -> Ordered[I]:
        """The items in this order."""
        arranged = [*items]
        values = {*map(self.value, arranged)}
        if len(values) == len(arranged) and None not in values:  # numbers, of which no two are equal
            arranged.sort(key=cast("Callable[[I], int]", self.value), reverse=self.descending)
        else:
            arranged.sort(key=self.position)
        return Ordered(self.scope, tuple(arranged), self.position)


def service_node_order(
    field: ServiceNodeOrderField = ServiceNodeOrderField.CONTRACT_ID,
    direction: OrderDirection = OrderDirection.ASC,
) -> Order[ServiceNode]:
    """An order of service nodes; by contract id, oldest first, when none is asked for."""
    return _order("serviceNodes", _NODE_VALUES, field, direction)


def contribution_contract_order(
    field: ContributionContractOrderField = ContributionContractOrderField.CREATED,
    direction: OrderDirection = OrderDirection.DESC,
) -> Order[ContributionContract]:
    """An order of contribution contracts; newest first when none is asked for."""
    return _order("contributionContracts", _CONTRACT_VALUES, field, direction)


def unix_microseconds(moment: datetime) -> int:
    """What moments are sorted by: all that a datetime holds, as a whole number."""
    return (moment - _EPOCH) // _MICROSECOND


F = TypeVar("F", bound=Enum)


def _order(
    connection: str, values: Mapping[F, Callable[[I], int | None]], field: F, direction: OrderDirection
) -> Order[I]:
    return Order(
        scope=f"{connection}.{field.name}.{direction.name}",
        value=values[field],
        descending=direction is OrderDirection.DESC,
    )


def _last_uptime_proof(node: ServiceNode) -> int | None:
    proof = node.last_uptime_proof
    return None if proof is None else unix_microseconds(proof)


def _remaining(contract: ContributionContract) -> int:
    return contract.staking_requirement - contract.total_contributed - contract.total_reserved


_NODE_VALUES: Final[Mapping[ServiceNodeOrderField, Callable[[ServiceNode], int | None]]] = {
    ServiceNodeOrderField.CONTRACT_ID: attrgetter("contract_id"),
    ServiceNodeOrderField.REGISTRATION_HEIGHT: attrgetter("registration_height"),
    ServiceNodeOrderField.LAST_UPTIME_PROOF: _last_uptime_proof,
    ServiceNodeOrderField.LAST_REWARD_BLOCK_HEIGHT: attrgetter("last_reward_block_height"),
    ServiceNodeOrderField.OPERATOR_FEE: attrgetter("operator_fee"),
    ServiceNodeOrderField.TOTAL_CONTRIBUTED: attrgetter("total_contributed"),
    ServiceNodeOrderField.REQUESTED_UNLOCK_HEIGHT: attrgetter("requested_unlock_height"),
}

_CONTRACT_VALUES: Final[Mapping[ContributionContractOrderField, Callable[[ContributionContract], int | None]]] = {
    ContributionContractOrderField.CREATED: attrgetter("sequence"),
    ContributionContractOrderField.FEE: attrgetter("fee"),
    ContributionContractOrderField.REMAINING: _remaining,
    ContributionContractOrderField.MINIMUM_CONTRIBUTION: attrgetter("minimum_contribution"),
}
