"""What users see of errors, and what the log keeps.

An error that a user can mend passes with its code, and names the argument that it is about. Anything unexpected is
logged with its traceback under an id, and that id is all the user is told.
"""

import secrets
from typing import Final

import structlog
from graphql import GraphQLError
from strawberry.extensions import MaskErrors
from strawberry.types import ExecutionContext

from sent_graphql.schema.refusals import named_refusal, refused_argument

INTERNAL: Final = "INTERNAL"


def is_unexpected(error: GraphQLError) -> bool:
    """Whether the error wraps an exception that was not made for users."""
    return error.original_error is not None and not isinstance(error.original_error, GraphQLError)


class ErrorLog:
    """Writes down the errors of answers: a user's own at debug, unexpected ones at error under an id."""

    def __init__(self, log: structlog.stdlib.BoundLogger) -> None:
        self._log = log

    def record(self, error: GraphQLError, operation: str | None) -> None:
        """Log `error`; an unexpected one is marked with the id that its log line has."""
        if is_unexpected(error):
            incident = secrets.token_hex(8)
            error.extensions = {"code": INTERNAL, "id": incident}
            self._log.error(
                "Unexpected error while answering",
                id=incident,
                operation=operation,
                path=error.path,
                exc_info=error.original_error,
            )
        elif error.path is not None and not error.extensions:
            self._log.warning("Could not complete a field", reason=error.message, operation=operation, path=error.path)
        else:
            self._log.debug("Refused a question", reason=error.message, operation=operation, path=error.path)


class ErrorPolicy(MaskErrors):
    """Replaces each error by what the user may see of it. One instance per request."""

    def __init__(self) -> None:
        super().__init__(should_mask_error=lambda _error: True)

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        """The error as it is shown."""
        if is_unexpected(error):
            return GraphQLError(
                "Internal error: the log explains it under this id",
                nodes=error.nodes,
                path=error.path,
                extensions=error.extensions or {"code": INTERNAL},
            )
        document = self.execution_context.graphql_document
        argument = None if document is None or error.path is not None else refused_argument(error, document)
        return error if argument is None else named_refusal(error, argument)


def operation_name(context: ExecutionContext | None) -> str | None:
    """Name of the operation that is being answered, where it has one and the document could be read."""
    return None if context is None or context.graphql_document is None else context.operation_name
