"""A question that is watched, in the form by which those who ask the same are brought together."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from graphql import DocumentNode
from graphql.execution.values import VariableValues, get_variable_values

from sent_graphql.live.subscriptions import Operation, SubscriptionRefusedError
from sent_graphql.schema.build import ServedSchema
from sent_graphql.schema.operations import ambiguity, excess


@dataclass(frozen=True, slots=True)
class Question:
    """An operation, and a key that is the same for all that have the same answers.

    `tree` is the operation with its fragments; null for one that cannot be read, which its execution will refuse.
    """

    operation: Operation
    key: Hashable
    tree: DocumentNode | None


class QuestionReader:
    """Reads operations as questions for `schema`."""

    def __init__(self, schema: ServedSchema) -> None:
        self._schema = schema

    def read(self, operation: Operation) -> Question:
        """The question. What is wrong with an operation is left for its execution to say, which says it best.

        Raises SubscriptionRefusedError for too many variables, and for a document with several operations of which none
        is named.
        """
        unfit = excess(operation.variables)
        unfit = unfit or ambiguity(operation.query, operation.name, self._schema.documents)
        if unfit:
            raise SubscriptionRefusedError([unfit])
        document = self._schema.documents.read(operation.query)
        asked = None if document is None else document.operation(operation.name or None)
        if asked is not None:
            definitions = asked.definition.variable_definitions or ()
            variables = get_variable_values(
                self._schema._schema,  # noqa: SLF001 - Strawberry has no other way to graphql-core's schema
                definitions,
                dict(operation.variables or {}),
                max_errors=1,
                hide_suggestions=True,
            )
            if isinstance(variables, VariableValues):
                return Question(operation, (asked.canonical, _hashable(variables.coerced)), asked.tree)
        return Question(operation, object(), None)


def _hashable(value: object) -> Hashable:
    if isinstance(value, Mapping):
        return tuple(sorted((name, _hashable(part)) for name, part in value.items()))
    if isinstance(value, list):
        return tuple(_hashable(part) for part in value)
    assert isinstance(value, Hashable)
    return value
