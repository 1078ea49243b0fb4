"""Documents that have been read and found valid: what is asked again and again is parsed and checked once."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final, TypeVar

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    Node,
    OperationDefinitionNode,
    Visitor,
    print_ast,
    visit,
)
from strawberry.extensions import SchemaExtension

from sent_graphql.models.parts import Part
from sent_graphql.schema import trees
from sent_graphql.schema.policy import PARSE_FAILED
from sent_graphql.schema.price import Price

MAX_DOCUMENTS: Final = 1_000
"""Documents kept; the one that was not asked for longest goes first."""

MAX_LENGTH: Final = 16_384
"""Characters of the longest document that is kept."""

MAX_CHARACTERS: Final = 200_000
"""Characters of all documents kept; a parsed one takes up to 200 bytes for each."""

MAX_UNCHECKED: Final = 64
"""Documents kept that have been read and not yet been found valid, or are too long to be kept: those of requests that
are under way. As many texts that cannot be read are remembered."""


class RunnableOperation:
    """An operation with the fragments that it uses."""

    def __init__(self, tree: DocumentNode) -> None:
        self.tree = tree
        self.definition = next(part for part in tree.definitions if isinstance(part, OperationDefinitionNode))

    @cached_property
    def canonical(self) -> str:
        """The same for operations that differ in nothing but spacing, comments and what stands beside them."""
        return print_ast(self.tree)


class _Spreads(Visitor):
    """Collects the fragments that are spread."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        """Note one."""
        self.names.add(node.name.value)


class Document:
    """A document that parses."""

    def __init__(self, tree: DocumentNode) -> None:
        self.tree = tree
        self.prices: dict[str | None, Price] = {}
        """Prices of its operations, by their names, where no variable has a part in them."""
        self.reads: dict[str | None, Part] = {}
        """What its operations read of a snapshot, by their names."""
        self.errors: list[GraphQLError] | None = None
        """What is not valid in it; null where nobody has looked yet."""
        self._operations: dict[str | None, RunnableOperation] = {}

    def operation(self, name: str | None) -> RunnableOperation | None:
        """The operation of that name; without a name, the first one."""
        if name not in self._operations:
            definition = self.definition(name)
            if definition is None:
                return None
            used = self._fragments_of(definition)
            fragments = (fragment for fragment in self.fragments.values() if fragment.name.value in used)
            self._operations[name] = RunnableOperation(DocumentNode(definitions=(definition, *fragments)))
        return self._operations[name]

    def definition(self, name: str | None) -> OperationDefinitionNode | None:
        """The same operation as it is written."""
        written = (part for part in self.tree.definitions if isinstance(part, OperationDefinitionNode))
        return next((part for part in written if name is None or (part.name and part.name.value == name)), None)

    @cached_property
    def fragments(self) -> Mapping[str, FragmentDefinitionNode]:
        """The fragments by their names."""
        written = (part for part in self.tree.definitions if isinstance(part, FragmentDefinitionNode))
        return {part.name.value: part for part in written}

    def _fragments_of(self, definition: OperationDefinitionNode) -> set[str]:
        """The names of the fragments that it spreads, and of those that they spread, however long the chain."""
        found: set[str] = set()
        waiting: list[Node] = [definition]
        while waiting:
            spreads = _Spreads()
            visit(waiting.pop(), spreads)
            fresh = spreads.names - found
            found |= fresh
            waiting += [self.fragments[name] for name in fresh if name in self.fragments]
        return found


class Unreadable:
    """A text that cannot be parsed, and why."""

    def __init__(self, error: GraphQLError) -> None:
        self._message = error.message
        self._locations = error.locations

    def error(self) -> GraphQLError:
        """The error, another one for each who is told: raising one marks it, and to find its place takes its time."""
        error = GraphQLError(self._message, extensions={"code": PARSE_FAILED})
        error.locations = self._locations
        return error


class Documents:
    """The documents of one schema by their texts. One has at most `max_tokens` tokens."""

    def __init__(self, max_tokens: int | None = None) -> None:
        self.max_tokens = max_tokens
        self._documents: OrderedDict[str, Document] = OrderedDict()
        self._unchecked: OrderedDict[str, Document] = OrderedDict()
        self._unreadable: OrderedDict[str, Unreadable] = OrderedDict()
        self._characters = 0

    def get(self, text: str | None) -> Document | None:
        """The document of that text, where it is known to be valid."""
        if text is None or text not in self._documents:
            return None
        self._documents.move_to_end(text)
        return self._documents[text]

    def read(self, text: str) -> Document | None:
        """The document of that text, be it valid or not; null for one that cannot be parsed."""
        found = self.found(text)
        return found if isinstance(found, Document) else None

    def found(self, text: str) -> Document | Unreadable:
        """The same, or why there is none."""
        known = self.get(text) or self._unchecked.get(text) or self._unreadable.get(text)
        if known is None:
            known = self.parsed(text)
            self.note(text, known)
        return known

    def parsed(self, text: str) -> Document | Unreadable:
        """What nobody else has; it changes nothing here, so that another thread may call it."""
        try:
            return Document(trees.parsed(text, self.max_tokens))
        except GraphQLError as error:
            return Unreadable(error)

    def note(self, text: str, read: Document | Unreadable) -> None:
        """Remembers for a while what a text says."""
        if isinstance(read, Document):
            _remember(self._unchecked, text, read)
        else:
            _remember(self._unreadable, text, read)

    def is_read(self, text: str) -> bool:
        """Whether it is known what that text says, or that it says nothing."""
        return text in self._documents or text in self._unchecked or text in self._unreadable

    def unchecked(self, text: str | None) -> Document | None:
        """The document of that text, where it has been read and nobody knows whether it is valid."""
        return None if text is None else self._unchecked.get(text)

    def keep(self, text: str, tree: DocumentNode) -> None:
        """Remembers a document that has been found valid."""
        if len(text) > MAX_LENGTH:
            return
        read = self._unchecked.pop(text, None)
        if text not in self._documents:
            self._characters += len(text)
        self._documents[text] = read if read is not None and read.tree is tree else Document(tree)
        while len(self._documents) > MAX_DOCUMENTS or self._characters > MAX_CHARACTERS:
            oldest, _ = self._documents.popitem(last=False)
            self._characters -= len(oldest)


V = TypeVar("V")


def _remember(noted: OrderedDict[str, V], text: str, read: V) -> None:
    noted[text] = read
    if len(noted) > MAX_UNCHECKED:
        noted.popitem(last=False)


class KnownDocuments(SchemaExtension):
    """Reads documents in Strawberry's place: it would parse each again. One instance per request."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def on_parse(self) -> Iterator[None]:
        """Give the document, or raise the error of a text that is none."""
        text = self.execution_context.query
        if text is not None:
            found = self._documents.found(text)
            if isinstance(found, Unreadable):
                raise found.error()
            self.execution_context.graphql_document = found.tree
        yield
