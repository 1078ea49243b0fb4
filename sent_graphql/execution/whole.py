"""Whole operations made into code: they are answered without graphql-core's executor, which only has to be set up."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from graphql import GraphQLSchema, OperationDefinitionNode
from graphql.execution.values import VariableValues, get_variable_values

from sent_graphql.execution.arguments import Call
from sent_graphql.execution.plans import Plans
from sent_graphql.execution.projections import LookupInfo, attempt, may_encode

NO_VARIABLES: Final = VariableValues(sources={}, coerced={})


class WholeAnswers:
    """Answers operations of which `plans` have a whole projection, made when graphql-core executed them."""

    def __init__(self, plans: Plans, schema: GraphQLSchema) -> None:
        self._plans = plans
        self._schema = schema
        assert schema.query_type is not None, "a schema has queries"
        self._root = schema.query_type

    def answer(
        self,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
        context: object,
        root: object,
    ) -> dict[str, Any] | None:
        """The data; null where graphql-core has to execute the operation, be it for its errors."""
        plans = self._plans.known(operation)
        if plans is None or not plans.has_whole:
            return None
        definitions = operation.variable_definitions
        given = get_variable_values(self._schema, definitions, dict(variables or {})) if definitions else NO_VARIABLES
        if isinstance(given, list):
            return None
        plan = plans.whole(self._root, given.coerced)
        projection = None if plan is None else plan.usable()
        if plan is None or projection is None:
            return None
        read = partial(self._arguments, given)
        project = projection.bound(LookupInfo(context), read, encodes=may_encode(context))
        answer: dict[str, Any] | None = None if project is None else attempt(project, root)
        plan.note(failed=answer is None)
        return answer

    def _arguments(self, given: VariableValues, call: Call) -> Mapping[str, Any]:
        return call.arguments(self._schema, given)
