"""Bounds of what a document may ask for, checked before the rules of validation, which some documents would keep busy.

Fragments are measured once each, however often they are spread, so that a document of few tokens cannot keep the
check itself busy.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from sent_graphql.settings import GraphqlSettings

TOO_COMPLEX: Final = "QUERY_TOO_COMPLEX"

MAX_OPERATIONS: Final = 50
"""Operations of a document; one of them is executed."""

MAX_FIELDS: Final = 10_000
"""Fields of a document, those of a fragment counted wherever it is spread."""

MAX_ALIAS: Final = 100
"""Characters of an alias, which is in the answer as often as the list around it has items."""

MAX_COMPARISONS: Final = 2_000
"""Pairs that validation may have to compare because they give one part of the answer: some 20 ms."""


@dataclass(frozen=True, slots=True)
class Size:
    """Levels of nested fields; numbers of fields, aliases and directives. Fragments count wherever they are spread."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def beside(self, other: "Size") -> "Size":
        """Both in one selection."""
        return Size(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
        )


def refusals(document: DocumentNode, settings: GraphqlSettings) -> list[GraphQLError]:
    """Why the document is too much; empty where it is not. Its fragments must not go in circles."""
    parts = document.definitions
    fragments = {part.name.value: part for part in parts if isinstance(part, FragmentDefinitionNode)}
    operations = [part for part in parts if isinstance(part, OperationDefinitionNode)]
    if len(operations) > MAX_OPERATIONS:
        what = f"has {len(operations)} operations: at most {MAX_OPERATIONS} are allowed"
        return [_refusal("The document", what, operations[:1])]
    try:
        return list(_refusals(operations, fragments, settings))
    except RecursionError:
        return [_refusal("The document", "nests too deeply", operations[:1])]


def _refusals(
    operations: Iterable[OperationDefinitionNode],
    fragments: Mapping[str, FragmentDefinitionNode],
    settings: GraphqlSettings,
) -> Iterator[GraphQLError]:
    measure, comparisons, fields = _Measure(fragments), _Comparisons(fragments), 0
    for operation in operations:
        size = measure.operation(operation)
        fields += size.fields
        broken = [*_beyond(size, settings), *_too_many(fields), *_too_long(measure.longest_alias)]
        if not broken and comparisons.are_too_many(operation.selection_set):
            broken = ["selects the same fields, or spreads fragments, too often in one place: merge them"]
        name = f"`{operation.name.value}`" if operation.name else "The operation"
        yield from (_refusal(name, what, [operation]) for what in broken)


def _beyond(size: Size, settings: GraphqlSettings) -> Iterator[str]:
    if size.depth > settings.max_depth:
        yield f"nests {size.depth} levels of fields: at most {settings.max_depth} are allowed"
    if size.aliases > settings.max_aliases:
        yield f"uses {size.aliases} aliases: at most {settings.max_aliases} are allowed"
    if size.directives > settings.max_directives:
        yield f"uses {size.directives} directives: at most {settings.max_directives} are allowed"


def _too_many(fields: int) -> Iterator[str]:
    if fields > MAX_FIELDS:
        yield f"comes to {fields} fields with all fragments in place: at most {MAX_FIELDS} are allowed"


def _too_long(alias: int) -> Iterator[str]:
    if alias > MAX_ALIAS:
        yield f"uses an alias of {alias} characters: at most {MAX_ALIAS} are allowed"


def _refusal(name: str, what: str, nodes: list[OperationDefinitionNode]) -> GraphQLError:
    return GraphQLError(f"{name} {what}", nodes=nodes, extensions={"code": TOO_COMPLEX})


class _Measure:
    """Sizes of operations that share fragments."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._sizes: dict[str, Size] = {}
        self.longest_alias = 0
        """Characters of the longest one so far."""

    def operation(self, operation: OperationDefinitionNode) -> Size:
        """The size of a whole operation."""
        return self._selections(operation.selection_set).beside(Size(directives=len(operation.directives or ())))

    def _selections(self, selection_set: SelectionSetNode) -> Size:
        total = Size()
        for selection in selection_set.selections:
            total = total.beside(self._selection(selection))
            if selection.directives:
                total = total.beside(Size(directives=len(selection.directives)))
        return total

    def _selection(self, selection: SelectionNode) -> Size:
        if isinstance(selection, FieldNode):
            return self._field(selection)
        if isinstance(selection, InlineFragmentNode):
            return self._selections(selection.selection_set)
        assert isinstance(selection, FragmentSpreadNode), "there is no other selection"
        return self._fragment(selection.name.value)

    def _field(self, field: FieldNode) -> Size:
        """The depth of introspection is not measured: graphql-core bounds it, and the explorer's question is deep."""
        inner = self._selections(field.selection_set) if field.selection_set else Size()
        if field.alias is not None:
            self.longest_alias = max(self.longest_alias, len(field.alias.value))
        depth = 0 if field.name.value.startswith("__") else inner.depth
        return Size(depth + 1, inner.fields + 1, inner.aliases + (field.alias is not None), inner.directives)

    def _fragment(self, name: str) -> Size:
        if name not in self._sizes:
            self._sizes[name] = Size()  # what a fragment that spreads itself counts; another rule refuses it
            fragment = self._fragments.get(name)
            if fragment is not None:
                self._sizes[name] = self._selections(fragment.selection_set)
        return self._sizes[name]


class _Comparisons:
    """How many pairs of fields, and of fragments, meet in the places of an answer: validation compares each."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._pairs = 0

    def are_too_many(self, selection_set: SelectionSetNode) -> bool:
        """Whether they are beyond the bound, with those of one more operation."""
        level = [[selection_set]]
        while level and self._pairs <= MAX_COMPARISONS:
            level = [deeper for place in level for deeper in self._beneath(place)]
        return self._pairs > MAX_COMPARISONS

    def _beneath(self, place: list[SelectionSetNode]) -> Iterable[list[SelectionSetNode]]:
        """The places beneath one that these selections make up together."""
        counts: Counter[str] = Counter()
        beneath: dict[str, list[SelectionSetNode]] = {}
        spread: set[str] = set()
        waiting = list(place)
        while waiting:
            for selection in waiting.pop().selections:
                if isinstance(selection, FieldNode):
                    name = (selection.alias or selection.name).value
                    counts[name] += 1
                    if selection.selection_set:
                        beneath.setdefault(name, []).append(selection.selection_set)
                elif isinstance(selection, InlineFragmentNode):
                    waiting.append(selection.selection_set)
                elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
                    spread.add(selection.name.value)
                    if (fragment := self._fragments.get(selection.name.value)) is not None:
                        waiting.append(fragment.selection_set)
        self._pairs += sum(map(_pairs, counts.values())) + _pairs(len(spread))
        return beneath.values()


def _pairs(count: int) -> int:
    return count * (count - 1) // 2
