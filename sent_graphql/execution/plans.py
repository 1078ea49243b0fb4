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
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet

from sent_graphql.execution.projections import (
    CONDITIONS,
    Collect,
    FindLookup,
    FindPlace,
    Projection,
    field_projection,
    projection,
    whole_projection,
)

WORTH: Final = 4
"""Objects that a selection has to be completed for until its projection is made: sooner it does not pay."""

MAX_FIELDS_KEPT: Final = 50_000
"""Fields written into all projections that are kept, some 500 bytes each; the operation not asked for longest goes."""

MAX_FAILURES: Final = 2
"""Times in a row that the projection of a whole field may come to nothing, as it does for long lists each time."""

RETRY: Final = 100
"""Executions after which such a one is tried again: there may have been nothing to answer from."""

MAX_ROOT_FIELDS: Final = 4
"""Fields of an operation that is made into code as a whole: each may look through all nodes, for 1 to 2 ms."""

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
    passed_over: int = 0

    def usable(self) -> Projection | None:
        """The projection, where it is to be tried."""
        if self.failures < MAX_FAILURES:
            return self.projection
        self.passed_over = (self.passed_over + 1) % RETRY
        return None if self.passed_over else self.projection

    def note(self, *, failed: bool) -> None:
        """Whether the projection came to nothing when it was tried."""
        self.failures = self.failures + 1 if failed else 0


Make: TypeAlias = Callable[[GraphQLObjectType, FieldDetailsList, Collect, FindLookup, FindPlace], Projection | None]
Key: TypeAlias = tuple[object, ...]


class OperationPlans:
    """The projections of one operation."""

    def __init__(self, find_lookup: FindLookup, find_place: FindPlace, worth: int, grown: Callable[[], None]) -> None:
        self._find_lookup = find_lookup
        self._find_place = find_place
        self._worth = worth
        self._grown = grown
        self._plans: dict[Key, Plan] = {}
        self._field_plans: dict[Key, Plan] = {}
        self._whole_plans: dict[Key, Plan] = {}
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
        return self._condition_values(variables)

    def _condition_values(self, variables: Mapping[str, Any]) -> Values:
        return tuple([variables.get(name) for name in self._variables]) if self._variables else ()

    def projection(
        self, kind: GraphQLObjectType, details: FieldDetailsList, values: Values, collect: Collect, objects: int = 1
    ) -> Projection | None:
        """The projection for `objects` more values of that type; null when there is none, or none yet."""
        return self._plan(self._plans, projection, kind, details, values, collect, objects).projection

    def field(self, kind: GraphQLObjectType, details: FieldDetailsList, values: Values, collect: Collect) -> Plan:
        """The plan of one field of that type with all that is selected in it, which is to be executed once more."""
        return self._plan(self._field_plans, field_projection, kind, details, values, collect, objects=1)

    def execute_whole(self, kind: GraphQLObjectType, fields: GroupedFieldSet, values: Values, collect: Collect) -> None:
        """The operation is about to be executed on its root type; a whole projection is made when that is worth it."""
        if len(fields) > MAX_ROOT_FIELDS:
            return

        def make(
            kind: GraphQLObjectType,
            _: FieldDetailsList,
            collect: Collect,
            find_lookup: FindLookup,
            find_place: FindPlace,
        ) -> Projection | None:
            return whole_projection(kind, fields, collect, find_lookup, find_place)

        self._plan(self._whole_plans, make, kind, [], values, collect, objects=1)

    @property
    def has_whole(self) -> bool:
        """Whether there may be whole projections of it."""
        return bool(self._whole_plans)

    def whole(self, kind: GraphQLObjectType, variables: Mapping[str, Any]) -> Plan | None:
        """The plan of all of the operation, executed with these variables; null for one that never was."""
        return self._whole_plans.get((id(kind), self._condition_values(variables)))

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

    def known(self, operation: OperationDefinitionNode) -> OperationPlans | None:
        """The plans of an operation that has been executed."""
        found = self._operations.get(id(operation))
        return None if found is None else found[1]

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
