"""Documents that have been read and found valid: what is asked again and again is parsed and checked once."""

from collections import OrderedDict
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from graphql import DocumentNode, OperationDefinitionNode, print_ast, separate_operations
from strawberry.extensions import SchemaExtension

MAX_DOCUMENTS: Final = 1_000
"""Documents kept; the one that was not asked for longest goes first."""

MAX_LENGTH: Final = 16_384
"""Characters of the longest document that is kept."""


class RunnableOperation:
    """An operation with the fragments that it uses."""

    def __init__(self, tree: DocumentNode) -> None:
        self.tree = tree
        self.definition = next(part for part in tree.definitions if isinstance(part, OperationDefinitionNode))

    @cached_property
    def canonical(self) -> str:
        """The same for operations that differ in nothing but spacing, comments and what stands beside them."""
        return print_ast(self.tree)


class Document:
    """A document that parses."""

    def __init__(self, tree: DocumentNode) -> None:
        self.tree = tree

    def operation(self, name: str | None) -> RunnableOperation | None:
        """The operation of that name; without a name, the first one."""
        return next(iter(self._operations.values()), None) if name is None else self._operations.get(name)

    @cached_property
    def _operations(self) -> dict[str, RunnableOperation]:
        return {name: RunnableOperation(tree) for name, tree in separate_operations(self.tree).items()}


class Documents:
    """The valid documents of one schema by their texts."""

    def __init__(self) -> None:
        self._documents: OrderedDict[str, Document] = OrderedDict()

    def get(self, text: str | None) -> Document | None:
        """The document of that text, where it is known to be valid."""
        if text is None or text not in self._documents:
            return None
        self._documents.move_to_end(text)
        return self._documents[text]

    def keep(self, text: str, tree: DocumentNode) -> None:
        """Remembers a document that has been found valid."""
        if len(text) > MAX_LENGTH:
            return
        self._documents[text] = Document(tree)
        if len(self._documents) > MAX_DOCUMENTS:
            self._documents.popitem(last=False)


class KnownDocuments(SchemaExtension):
    """Spares documents that are known to be valid the parser and the rules. One instance per request."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def on_parse(self) -> Iterator[None]:
        """Give the known document in place of a parsed one."""
        known = self._documents.get(self.execution_context.query)
        if known is not None:
            self.execution_context.graphql_document = known.tree
        yield

    def on_validate(self) -> Iterator[None]:
        """Skip the rules for what is known; remember what they find no fault with."""
        context = self.execution_context
        is_known = self._documents.get(context.query) is not None
        if is_known:
            context.pre_execution_errors = []
        yield
        if not is_known and not context.pre_execution_errors and context.query and context.graphql_document:
            self._documents.keep(context.query, context.graphql_document)
