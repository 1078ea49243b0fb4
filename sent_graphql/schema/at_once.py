"""Operations answered in place of their execution, where all of them has been made into code."""

from collections.abc import Iterator

from graphql import ExecutionResult
from strawberry.extensions import SchemaExtension

from sent_graphql.execution.whole import WholeAnswers
from sent_graphql.schema.documents import Documents


class AtOnce(SchemaExtension):
    """Gives the result ahead of graphql-core, which then has nothing to do. One instance per request."""

    def __init__(self, whole: WholeAnswers, documents: Documents) -> None:
        self._whole = whole
        self._documents = documents

    def on_execute(self) -> Iterator[None]:
        """Answer what is known and regular."""
        context = self.execution_context
        document = self._documents.get(context.query)
        operation = None if document is None else document.definition(context.operation_name)
        if operation is not None and context.result is None:
            data = self._whole.answer(operation, context.variables, context.context, context.root_value)
            if data is not None:
                context.result = ExecutionResult(data, None)
        yield
