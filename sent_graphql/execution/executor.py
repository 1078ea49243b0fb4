"""graphql-core's executor with projections: it runs the operation, they make objects and lists of them.

graphql-core finds the root fields, reads arguments, calls resolvers and reports errors. Where it comes to complete an
object or a list of objects, the selection's projection is tried first; a value that is not plain to it is completed
by graphql-core as if there were no projection, so that nulls, errors and their paths are its own.
"""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from graphql import (
    ExecutionResult,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    OperationType,
    is_composite_type,
)
from graphql.execution import ExperimentalIncrementalExecutionResults
from graphql.execution.collect_fields import DeferUsage, FieldDetailsList, GroupedFieldSet
from graphql.pyutils import AwaitableOrValue, Path
from graphql.pyutils.is_awaitable import is_async_iterable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from sent_graphql.execution.arguments import Call
from sent_graphql.execution.lists import ListCompletion
from sent_graphql.execution.plans import Plans
from sent_graphql.execution.projections import LookupInfo, Project, Projection, attempt, may_encode
from sent_graphql.execution.slices import SLICE, Later, Slices


class CompiledExecution(StrawberryGraphQLCoreExecutionContext):
    """Executes one operation. `plans` are those of the schema that it belongs to; `slice_seconds`: see Slices.

    Where `encodes` is true in the context, orjson's fragments may stand for objects in the result.
    """

    plans: ClassVar[Plans]
    slice_seconds: ClassVar[float] = SLICE

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Strawberry's business
        super().__init__(*args, **kwargs)
        middleware = self.middleware_manager
        self._is_bare = middleware is None or not middleware.middlewares
        self._plans = self.plans.of(self.operation)
        self._lookup_info = LookupInfo(self.context_value)
        # Strawberry's synchronous execution is told by its own answer to what an asynchronous iterable is: none.
        self._values = self._plans.values(
            self.operation, self.fragment_definitions.values(), self.variable_values.coerced
        )
        self._encodes = may_encode(self.context_value)
        self._bound: dict[Projection, Project | None] = {}
        self._slices = Slices(may_wait=self.is_async_iterable is is_async_iterable, seconds=self.slice_seconds)

    def execute_collected_root_fields(
        self,
        root_type: GraphQLObjectType,
        root_value: Any,  # noqa: ANN401
        grouped_field_set: GroupedFieldSet,
        serially: bool,
        new_defer_usages: Sequence[DeferUsage],
    ) -> AwaitableOrValue[dict[str, Any]]:
        """The operation by graphql-core; once that has been done often enough, WholeAnswers can do without."""
        operation = self.operation
        is_plain = self._is_bare and not operation.directives and not new_defer_usages
        if is_plain and operation.operation is OperationType.QUERY:
            self._plans.execute_whole(root_type, grouped_field_set, self._values, self.collect_subfields)
        return super().execute_collected_root_fields(
            root_type, root_value, grouped_field_set, serially, new_defer_usages
        )

    def build_response(self, data: dict[str, Any] | None) -> ExecutionResult | ExperimentalIncrementalExecutionResults:
        """The end. An executor is part of a circle: what it has collected goes at once, and not with the garbage."""
        self._relevant_sub_fields.clear()
        return super().build_response(data)

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,  # noqa: ANN401
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: Any | None,  # noqa: ANN401
    ) -> AwaitableOrValue[Any]:
        """A field by the projection of all that is in it, where it has objects; else by graphql-core."""
        if field_details_list[0].node.selection_set is None:
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        execution = parent_type, source, field_details_list, path, position_context
        return Later(partial(self._field_in_turn, *execution)) if self._slices.used_up() else self._field(*execution)

    def _field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,  # noqa: ANN401
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: Any | None,  # noqa: ANN401
    ) -> AwaitableOrValue[Any]:
        if self._is_bare and position_context is None:
            plan = self._plans.field(parent_type, field_details_list, self._values, self.collect_subfields)
            projection = plan.usable()
            if projection is not None:
                project = self._project(projection)
                answer = None if project is None else attempt(project, source)
                plan.note(failed=answer is None)
                if answer is not None:
                    return answer
        return super().execute_field(parent_type, source, field_details_list, path, position_context)

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,  # noqa: ANN401
        position_context: Any | None,  # noqa: ANN401
    ) -> AwaitableOrValue[dict[str, Any]]:
        """An object by its projection; the fields that are not in it by graphql-core."""
        completion = return_type, field_details_list, info, path, result, position_context
        return Later(partial(self._in_turn, *completion)) if self._slices.used_up() else self._object(*completion)

    def _object(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,  # noqa: ANN401
        position_context: Any | None,  # noqa: ANN401
    ) -> AwaitableOrValue[dict[str, Any]]:
        projection = self._projection(return_type, field_details_list, position_context)
        project = None if projection is None else self._project(projection)
        answer: dict[str, Any] | None = None if project is None else attempt(project, result)
        if projection is None or answer is None:
            return super().complete_object_value(return_type, field_details_list, info, path, result, position_context)
        if not projection.rest:
            return answer
        rest = self.execute_fields(return_type, result, path, projection.rest, position_context)
        return answer | rest if isinstance(rest, dict) else Later(partial(_merged, answer, rest))

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        items: Iterable[Any],
        position_context: Any | None,  # noqa: ANN401
    ) -> AwaitableOrValue[list[Any]]:
        """A list of objects by the projection of its items, in slices of time."""
        kind = item_type.of_type if isinstance(item_type, GraphQLNonNull) else item_type
        if (
            not isinstance(items, tuple | list)
            or not is_composite_type(kind)
            or position_context is not None
            or self.get_stream_usage(field_details_list, path) is not None
        ):
            return super().complete_iterable_value(item_type, field_details_list, info, path, items, position_context)
        projection = (
            self._projection(kind, field_details_list, position_context, objects=len(items))
            if isinstance(kind, GraphQLObjectType)
            else None
        )
        project = None if projection is None or projection.rest else self._project(projection)
        return ListCompletion(self, self._slices, item_type, field_details_list, info, path, items, project).completed()

    def _projection(
        self,
        kind: GraphQLObjectType,
        details: FieldDetailsList,
        position_context: object,
        *,
        objects: int = 1,
    ) -> Projection | None:
        if not self._is_bare or position_context is not None:
            return None
        return self._plans.projection(kind, details, self._values, self.collect_subfields, objects)

    def _project(self, projection: Projection) -> Project | None:
        """The projection with what it takes from this execution; null where that cannot be used."""
        if projection not in self._bound:
            self._bound[projection] = projection.bound(self._lookup_info, self._arguments, encodes=self._encodes)
        return self._bound[projection]

    def _arguments(self, call: Call) -> Mapping[str, Any]:
        return call.arguments(self.schema, self.variable_values)

    async def _field_in_turn(self, *execution: Any) -> Any:  # noqa: ANN401
        async with self._slices.turn():
            executed = self._field(*execution)
        return await executed if self.is_awaitable(executed) else executed

    async def _in_turn(self, *completion: Any) -> dict[str, Any]:  # noqa: ANN401
        async with self._slices.turn():
            completed = self._object(*completion)
        return completed if isinstance(completed, dict) else await completed


async def _merged(answer: dict[str, Any], rest: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    return answer | await rest


def compiled_execution(plans: Plans, *, slice_seconds: float = SLICE) -> type[CompiledExecution]:
    """The executor class for the schema that these plans are for."""
    return type("SchemaExecution", (CompiledExecution,), {"plans": plans, "slice_seconds": slice_seconds})
