"""A question put to the schema once, about one snapshot, with everything that any other operation meets there."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLError, GraphQLSchema
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from sent_graphql.live.subscriptions import Operation, SubscriptionRefusedError
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.resolvers.changes import Event
from sent_graphql.resolvers.context import RequestContext
from sent_graphql.schema.build import ServedSchema
from sent_graphql.schema.operations import NO_OPERATION, no_such_operation


class Executor:
    """Executes subscriptions. `make_context` gives what resolvers see as `info.context`.

    The fields of the schema's Subscription are plain ones: an execution gives one answer and no stream.
    """

    def __init__(self, schema: ServedSchema, make_context: Callable[[Snapshot], RequestContext]) -> None:
        self._schema = schema
        self._make_context = make_context
        self.executions = 0
        """How many there have been."""

    @property
    def graphql_schema(self) -> GraphQLSchema:
        """graphql-core's view of the schema."""
        return self._schema._schema  # noqa: SLF001 - Strawberry has no other way to it

    async def data(self, operation: Operation, snapshot: Snapshot, event: Event) -> dict[str, Any]:
        """What `data` of the answer is. SubscriptionRefusedError when there is any error: none is answered in part."""
        self.executions += 1
        await self._schema.reading.read(operation.query, operation.name or None, operation.variables)
        try:
            result = await self._schema.execute(
                operation.query,
                variable_values=dict(operation.variables or {}),
                operation_name=operation.name or None,
                context_value=self._make_context(snapshot),
                root_value=event,
                allowed_operation_types={OperationType.SUBSCRIPTION},
            )
        except CannotGetOperationTypeError as error:
            raise SubscriptionRefusedError([no_such_operation(error)]) from None
        except InvalidOperationTypeError:
            raise _refusal("The operation is not a subscription.") from None
        except MissingQueryError:
            raise _refusal("The document has no operation.") from None
        if result.errors:
            raise SubscriptionRefusedError(result.errors)
        assert result.data is not None, "what has no errors has data"
        return result.data


def _refusal(message: str) -> SubscriptionRefusedError:
    return SubscriptionRefusedError([GraphQLError(message, extensions=NO_OPERATION)])
