"""The one operation of a document that is to run, and the errors of documents that have not that one."""

from typing import Final

from graphql import GraphQLError, OperationDefinitionNode
from strawberry.schema.exceptions import CannotGetOperationTypeError

from sent_graphql.schema.documents import Documents

OPERATION_KEYWORDS: Final = ("query", "mutation", "subscription")

NO_OPERATION: Final = {"code": "OPERATION_RESOLUTION_FAILURE"}
"""Extensions of the error that tells that a document has not the one operation to run; the code is Apollo's."""


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
