"""What users see of errors, and what the log keeps.

An error that a user can mend passes with its code, and names the argument that it is about. Anything unexpected is
logged with its traceback under an id, and that id is all the user is told.
"""

from typing import Final

import structlog
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.extensions import MaskErrors
from strawberry.types import ExecutionContext

from sent_graphql.incidents import INTERNAL, MESSAGE, recorded
from sent_graphql.resolvers.errors import BAD_USER_INPUT
from sent_graphql.schema.refusals import is_argument_refusal, named_refusal, refused_argument

PARSE_FAILED: Final = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED: Final = "GRAPHQL_VALIDATION_FAILED"


def is_unexpected(error: GraphQLError) -> bool:
    """Whether this service is to blame: an exception not made for users, or a value that its field cannot show."""
    if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
        return True
    return error.path is not None and not error.extensions and not is_argument_refusal(error)


class ErrorLog:
    """Writes down the errors of answers: a user's own at debug, unexpected ones at error under an id."""

    def __init__(self, log: structlog.stdlib.BoundLogger) -> None:
        self._log = log

    def record(self, error: GraphQLError, operation: str | None) -> None:
        """Log `error`; an unexpected one is marked with the id that its log line has."""
        if is_unexpected(error):
            fault = error.original_error or error
            error.extensions = recorded(
                self._log, "Unexpected error while answering", fault, operation=operation, path=error.path
            )
        else:
            self._log.debug("Refused a question", reason=error.message, operation=operation, path=error.path)


class ErrorPolicy(MaskErrors):
    """Replaces each error by what the user may see of it. One instance per request."""

    def __init__(self, log: ErrorLog) -> None:
        super().__init__(should_mask_error=lambda _error: True)
        self._log = log

    def _process_result(self, result: object) -> None:
        """What has no errors is passed over at once: Strawberry looks at a protocol first, which takes 20 µs."""
        if getattr(result, "errors", None):
            super()._process_result(result)

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        """The error as it is shown."""
        if is_unexpected(error) and not _is_recorded(error):
            self._log.record(error, operation_name(self.execution_context))
        if _is_recorded(error):
            return GraphQLError(MESSAGE, nodes=error.nodes, path=error.path, extensions=error.extensions)
        document, variables = self.execution_context.graphql_document, self.execution_context.variables
        argument = None if document is None else refused_argument(error, document, variables or {})
        if argument is not None:
            return named_refusal(error, argument)
        if not error.extensions:
            error.extensions = {"code": _code(error)}
        return error


def _is_recorded(error: GraphQLError) -> bool:
    return (error.extensions or {}).get("code") == INTERNAL


def _code(error: GraphQLError) -> str:
    """The code of an error that graphql-core or Strawberry made."""
    if isinstance(error, GraphQLSyntaxError):
        return PARSE_FAILED
    return BAD_USER_INPUT if isinstance(error, StrawberryInputCoercionError) else VALIDATION_FAILED


def operation_name(context: ExecutionContext | None) -> str | None:
    """Name of the operation that is being answered, where it has one and the document could be read."""
    return None if context is None or context.graphql_document is None else context.operation_name
