"""Queries and mutations, run one by one, whichever transport brought them."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import orjson
import strawberry
from graphql import GraphQLError, OperationType, get_operation_ast, parse
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType as AllowedType

from sent_graphql.http.graphql_request import Parameters
from sent_graphql.http.snapshots import SnapshotReader
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.schema.operations import ambiguity, no_such_operation

QUERIES: Final = frozenset({AllowedType.QUERY})
QUERIES_AND_MUTATIONS: Final = frozenset({AllowedType.QUERY, AllowedType.MUTATION})

KNOWN_DOCUMENTS: Final = 1_000
"""Documents whose operations are remembered; thousands of subscribers ask few different ones."""


class Operations:
    """Runs one operation from the one snapshot that is current when it begins.

    `make_context` turns that snapshot into what resolvers see as `info.context`. `max_tokens` bounds the documents
    that are parsed here.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        snapshots: SnapshotReader,
        make_context: Callable[[Snapshot], object],
        max_tokens: int,
    ) -> None:
        self._schema = schema
        self._snapshots = snapshots
        self._make_context = make_context
        self._max_tokens = max_tokens
        self._is_subscription = lru_cache(KNOWN_DOCUMENTS)(self._parsed_is_subscription)

    def is_subscription(self, parameters: Parameters) -> bool:
        """Whether the operation to run is a subscription; false too for what is no document."""
        document = parameters.query or ""
        return "subscription" in document and self._is_subscription(document, parameters.operation_name)

    async def run(self, parameters: Parameters, allowed: frozenset[AllowedType]) -> ExecutionResult:
        """The result of a query or mutation, errors included.

        Raises InvalidOperationTypeError for an operation of a type that is not among `allowed`, and MissingQueryError
        where there is no document.
        """
        if not parameters.query:
            raise MissingQueryError
        if unclear := ambiguity(parameters.query, parameters.operation_name, max_tokens=self._max_tokens):
            return ExecutionResult(data=None, errors=[unclear])
        try:
            return await self._schema.execute(
                parameters.query,
                variable_values=parameters.variables,
                context_value=self._make_context(await self._snapshots.current()),
                operation_name=parameters.operation_name or None,
                allowed_operation_types=set(allowed),
                operation_extensions=parameters.extensions,
            )
        except CannotGetOperationTypeError as error:
            return ExecutionResult(data=None, errors=[no_such_operation(error)])

    def _parsed_is_subscription(self, document: str, operation_name: str | None) -> bool:
        try:
            operation = get_operation_ast(
                parse(document, no_location=True, max_tokens=self._max_tokens), operation_name
            )
        except (GraphQLError, RecursionError):
            return False
        return operation is not None and operation.operation is OperationType.SUBSCRIPTION


def never_ran(result: ExecutionResult) -> bool:
    """Errors of execution have a path; without any, and without data, the operation was refused before it."""
    return result.data is None and bool(result.errors) and all(error.path is None for error in result.errors or ())


def encoded(result: ExecutionResult) -> bytes:
    """The result as a payload in JSON; without `data` where the operation never ran."""
    payload: dict[str, object] = {} if never_ran(result) else {"data": result.data}
    if result.errors:
        payload["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        payload["extensions"] = result.extensions
    return orjson.dumps(payload)
