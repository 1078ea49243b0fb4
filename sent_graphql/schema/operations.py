"""The one operation of a document that is to run, and the errors of those that are not tried."""

from collections.abc import Mapping
from typing import Any, Final

from graphql import GraphQLError, OperationDefinitionNode
from strawberry.schema.exceptions import CannotGetOperationTypeError

from sent_graphql.schema.documents import Documents
from sent_graphql.schema.limits import TOO_COMPLEX

OPERATION_KEYWORDS: Final = ("query", "mutation", "subscription")

NO_OPERATION: Final = {"code": "OPERATION_RESOLUTION_FAILURE"}
"""Extensions of the error that tells that a document has not the one operation to run; the code is Apollo's."""


MAX_VALUES: Final = 3_000
"""Values in the variables of an operation. They are looked at one by one, and no list may have more than 2,500."""

MAX_CONTAINERS: Final = 250
"""Lists and objects among them: an object takes ten times as long as a plain value."""


def excess(variables: Mapping[str, Any] | None) -> GraphQLError | None:
    """The error of variables that are too many, or hold too much."""
    waiting: list[Any] = [variables or {}]
    values = containers = 0
    while waiting:
        container = waiting.pop()
        values += len(container)
        containers += 1
        if values > MAX_VALUES or containers > MAX_CONTAINERS:
            bounds = f"{MAX_VALUES} values, with {MAX_CONTAINERS} lists and objects,"
            return GraphQLError(f"The variables hold more than {bounds} are allowed.", extensions={"code": TOO_COMPLEX})
        inner = container.values() if isinstance(container, dict) else container
        waiting += [value for value in inner if isinstance(value, dict | list)]
    return None


def ambiguity(text: str, operation_name: str | None, documents: Documents) -> GraphQLError | None:
    """The error of a document with several operations of which none is named as the one to run.

    A document can only have several when the keywords say so. One that does not parse is left for the execution to
    complain about.
    """
    if operation_name or sum(map(text.count, OPERATION_KEYWORDS)) < 2 or (document := documents.read(text)) is None:
        return None
    definitions = document.tree.definitions
    if sum(isinstance(definition, OperationDefinitionNode) for definition in definitions) < 2:
        return None
    return GraphQLError("The document has several operations: name one in `operationName`.", extensions=NO_OPERATION)


def no_such_operation(error: CannotGetOperationTypeError) -> GraphQLError:
    """The error of a document that has no operation, or none of the name that is to run."""
    if error.operation_name is None:
        return GraphQLError("The document has no operation.", extensions=NO_OPERATION)
    return GraphQLError(f'Unknown operation named "{error.operation_name}".', extensions=NO_OPERATION)
