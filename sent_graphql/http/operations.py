"""Queries and mutations, run one by one, whichever transport brought them."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from graphql import OperationType
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType as AllowedType

from sent_graphql.execution import encoding
from sent_graphql.http.admission import Admission
from sent_graphql.http.graphql_request import Parameters
from sent_graphql.http.snapshots import SnapshotReader
from sent_graphql.http.turns import Turns
from sent_graphql.http.workload import LATE, Workload
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.schema.build import ServedSchema
from sent_graphql.schema.operations import ambiguity, excess, no_such_operation
from sent_graphql.schema.price import Price

QUERIES: Final = frozenset({AllowedType.QUERY})
QUERIES_AND_MUTATIONS: Final = frozenset({AllowedType.QUERY, AllowedType.MUTATION})


class Operations:
    """Runs one operation from the one snapshot that is current when it begins.

    `make_context` turns that snapshot into what resolvers see as `info.context`. `max_delay`: seconds for which one of
    many may wait to be begun.
    """

    def __init__(
        self,
        schema: ServedSchema,
        *,
        snapshots: SnapshotReader,
        make_context: Callable[[Snapshot], object],
        admission: Admission,
        workload: Workload,
        turns: Turns,
        max_delay: float,
    ) -> None:
        self._schema = schema
        self._snapshots = snapshots
        self._make_context = make_context
        self._documents = schema.documents
        self._reading = schema.reading
        self._admission = admission
        self._workload = workload
        self._turns = turns
        self._max_delay = max_delay

    def is_subscription(self, parameters: Parameters) -> bool:
        """Whether the operation to run is a subscription; false too for what is no document."""
        text = parameters.query or ""
        if "subscription" not in text or (document := self._documents.read(text)) is None:
            return False
        operation = document.definition(parameters.operation_name or None)
        return operation is not None and operation.operation is OperationType.SUBSCRIPTION

    async def admit(self, parameters: Parameters, client: str) -> Price:
        """Charges the client for an operation, and gives its price.

        Raises RateLimitedError where it has had too much, and OverloadError where too much is waiting to be read.
        """
        return await self._admission.admit(client, parameters)

    async def turn(self) -> None:
        """Waits for a turn of the event loop with time left; OverloadError where none comes within `max_delay`.

        For operations that come many at once on one connection: requests have waited for theirs already.
        """
        if not await self._turns.room(self._max_delay):
            raise self._workload.refusal(LATE)

    def room(self, price: Price) -> AbstractAsyncContextManager[None]:
        """Room for one operation of that price, to be held until its result is encoded; OverloadError without any."""
        return self._workload.share(price)

    async def run(
        self, parameters: Parameters, allowed: frozenset[AllowedType], snapshot: Snapshot | None = None
    ) -> ExecutionResult:
        """The result of a query or mutation that has room, errors included; from `snapshot`, or else the current one.

        Raises InvalidOperationTypeError for an operation of a type that is not among `allowed`, and MissingQueryError
        where there is no document.
        """
        if not parameters.query:
            raise MissingQueryError
        unfit = excess(parameters.variables)
        unfit = unfit or ambiguity(parameters.query, parameters.operation_name, self._documents)
        if unfit:
            return ExecutionResult(data=None, errors=[unfit])
        # One that had to wait may have been forgotten meanwhile.
        await self._reading.read(parameters.query or "", parameters.operation_name or None, parameters.variables)
        try:
            return await self._schema.execute(
                parameters.query,
                variable_values=parameters.variables,
                context_value=self._make_context(snapshot or await self._snapshots.current()),
                operation_name=parameters.operation_name or None,
                allowed_operation_types=set(allowed),
                operation_extensions=parameters.extensions,
            )
        except CannotGetOperationTypeError as error:
            return ExecutionResult(data=None, errors=[no_such_operation(error)])


def never_ran(result: ExecutionResult) -> bool:
    """Errors of execution have a path; without any, and without data, the operation was refused before it."""
    return result.data is None and bool(result.errors) and all(error.path is None for error in result.errors or ())


async def encoded(result: ExecutionResult) -> bytes:
    """The result as a payload in JSON; without `data` where the operation never ran."""
    payload: dict[str, object] = {} if never_ran(result) else {"data": result.data}
    if result.errors:
        payload["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        payload["extensions"] = result.extensions
    return await encoding.encoded(payload)
