"""The projections of operations: made where they are worth it, kept for as long as the documents are."""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from graphql import (
    DirectiveNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.collect_fields import FieldDetailsList

from sent_graphql.execution.projections import (
    CONDITIONS,
    Collect,
    FindLookup,
    FindPlace,
    Projection,
    field_projection,
    projection,
)

WORTH: Final = 4
"""Objects that a selection has to be completed for until its projection is made: sooner it does not pay."""

MAX_FIELDS_KEPT: Final = 50_000
"""Fields written into all projections that are kept, some 500 bytes each; the operation not asked for longest goes."""

MAX_FAILURES: Final = 8
"""Times that the projection of a whole field may come to nothing: it does so for long lists, again and again."""

MAX_SELECTIONS: Final = 1_000
"""Selections of one operation that are remembered: their types, fragments and conditions multiply."""

Values: TypeAlias = tuple[object, ...]
"""Of the variables in an operation's conditions; they decide which fields a selection has."""


@dataclass(slots=True)
class Plan:
    """What is known of one selection on one type. `details` are kept so that their identities stay theirs."""

    details: FieldDetailsList
    completed: int = 0
    is_made: bool = False
    projection: Projection | None = None
    failures: int = 0

    def fail(self) -> None:
        """Note that the projection came to nothing; it is given up when that has happened too often."""
        self.failures += 1
        if self.failures >= MAX_FAILURES:
            self.projection = None


Make: TypeAlias = Callable[[GraphQLObjectType, FieldDetailsList, Collect, FindLookup, FindPlace], Projection | None]
Key: TypeAlias = tuple[object, ...]


class OperationPlans:
    """The projections of one operation."""

    def __init__(
        self, find_lookup: FindLookup, find_place: FindPlace, worth: int, grown: Callable[[], None]
    ) -> None:
        self._find_lookup = find_lookup
        self._find_place = find_place
        self._worth = worth
        self._grown = grown
        self._plans: dict[Key, Plan] = {}
        self._field_plans: dict[Key, Plan] = {}
        self._variables: tuple[str, ...] | None = None
        self.size = 0
        """Fields written in all of them."""

    def values(
        self,
        operation: OperationDefinitionNode,
        fragments: Iterable[FragmentDefinitionNode],
        variables: Mapping[str, Any],
    ) -> Values:
        """What tells this execution's selections from those of others."""
        if self._variables is None:
            self._variables = _condition_variables((operation, *fragments))
        return tuple([variables.get(name) for name in self._variables]) if self._variables else ()

    def projection(
        self, kind: GraphQLObjectType, details: FieldDetailsList, values: Values, collect: Collect, objects: int = 1
    ) -> Projection | None:
        """The projection for `objects` more values of that type; null when there is none, or none yet."""
        return self._plan(self._plans, projection, kind, details, values, collect, objects).projection

    def field(self, kind: GraphQLObjectType, details: FieldDetailsList, values: Values, collect: Collect) -> Plan:
        """The plan of one field of that type with all that is selected in it, which is to be executed once more."""
        return self._plan(self._field_plans, field_projection, kind, details, values, collect, objects=1)

    def _plan(
        self,
        plans: dict[Key, Plan],
        make: Make,
        kind: GraphQLObjectType,
        details: FieldDetailsList,
        values: Values,
        collect: Collect,
        objects: int,
    ) -> Plan:
        key = (id(kind), values, *[id(field.node) for field in details])
        plan = plans.get(key)
        if plan is None:
            if len(plans) >= MAX_SELECTIONS:
                plans.clear()
            plan = plans[key] = Plan(details)
        if not plan.is_made:
            plan.completed += objects
            if plan.completed >= self._worth:
                plan.is_made = True
                plan.projection = self._made(make, kind, details, collect)
        return plan

    def _made(
        self, make: Make, kind: GraphQLObjectType, details: FieldDetailsList, collect: Collect
    ) -> Projection | None:
        try:
            made = make(kind, details, collect, self._find_lookup, self._find_place)
        except GraphQLError:  # a condition without a value: an error only where the selection is reached
            return None
        if made is not None:
            self.size += made.size
            self._grown()
        return made


class Plans:
    """The projections of one schema's operations by the identity of their definitions in parsed documents."""

    def __init__(
        self, find_lookup: FindLookup, *, find_place: FindPlace = lambda _kind: None, worth: int = WORTH
    ) -> None:
        self._find_lookup = find_lookup
        self._find_place = find_place
        self._worth = worth
        self._operations: OrderedDict[int, tuple[weakref.ref[OperationDefinitionNode], OperationPlans]] = OrderedDict()

    def of(self, operation: OperationDefinitionNode) -> OperationPlans:
        """The plans of an operation, forgotten when nobody holds its document any more."""
        key = id(operation)
        if key in self._operations:
            self._operations.move_to_end(key)
            return self._operations[key][1]
        plans = OperationPlans(self._find_lookup, self._find_place, self._worth, self._trim)
        self._operations[key] = weakref.ref(operation, lambda _gone: self._operations.pop(key, None)), plans
        return plans

    def _trim(self) -> None:
        excess = sum(plans.size for _, plans in self._operations.values()) - MAX_FIELDS_KEPT
        while excess > 0 and len(self._operations) > 1:
            _, (_, plans) = self._operations.popitem(last=False)
            excess -= plans.size


class _Conditions(Visitor):
    """Finds the variables that conditions depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: dict[str, None] = {}

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        """Note a condition's variable."""
        if node.name.value in CONDITIONS:
            values = (argument.value for argument in node.arguments or ())
            self.variables |= {value.name.value: None for value in values if isinstance(value, VariableNode)}


def _condition_variables(definitions: Iterable[OperationDefinitionNode | FragmentDefinitionNode]) -> tuple[str, ...]:
    conditions = _Conditions()
    for definition in definitions:
        visit(definition, conditions)
    return tuple(conditions.variables)
