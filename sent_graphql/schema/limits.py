"""Bounds of one question: how deep it nests and how many aliases it uses.

Fragments are measured once each, however often they are spread, so that a document of few tokens cannot keep the
check itself busy.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)

TOO_COMPLEX: Final = "QUERY_TOO_COMPLEX"


@dataclass(frozen=True, slots=True)
class Size:
    """Levels of nested fields and number of aliases, fragments counted wherever they are spread."""

    depth: int = 0
    aliases: int = 0

    def beside(self, other: "Size") -> "Size":
        """Both in one selection."""
        return Size(max(self.depth, other.depth), self.aliases + other.aliases)


class SizeRule(ValidationRule):
    """Refuses operations beyond the bounds of its class."""

    max_depth: ClassVar[int]
    max_aliases: ClassVar[int]

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._sizes: dict[str, Size] = {}

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
        """Measure an operation whole."""
        size = self._measure(node.selection_set)
        if size.depth > self.max_depth:
            self._refuse(f"nests {size.depth} levels of fields: at most {self.max_depth} are allowed", node)
        if size.aliases > self.max_aliases:
            self._refuse(f"uses {size.aliases} aliases: at most {self.max_aliases} are allowed", node)

    def _refuse(self, what: str, node: OperationDefinitionNode) -> None:
        name = f"`{node.name.value}`" if node.name else "The operation"
        self.report_error(GraphQLError(f"{name} {what}", nodes=[node], extensions={"code": TOO_COMPLEX}))

    def _measure(self, selection_set: SelectionSetNode) -> Size:
        total = Size()
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                total = total.beside(self._field(selection))
            elif isinstance(selection, InlineFragmentNode):
                total = total.beside(self._measure(selection.selection_set))
            elif isinstance(selection, FragmentSpreadNode):
                total = total.beside(self._fragment(selection.name.value))
        return total

    def _field(self, field: FieldNode) -> Size:
        """Introspection is not measured inside: graphql-core bounds it, and the explorer's question is deep."""
        is_introspection = field.name.value.startswith("__")
        inner = self._measure(field.selection_set) if field.selection_set and not is_introspection else Size()
        return Size(inner.depth + 1, inner.aliases + (field.alias is not None))

    def _fragment(self, name: str) -> Size:
        if name not in self._sizes:
            self._sizes[name] = Size()  # what a fragment that spreads itself counts; another rule refuses it
            fragment = self.context.get_fragment(name)
            if fragment is not None:
                self._sizes[name] = self._measure(fragment.selection_set)
        return self._sizes[name]


def size_rule(depth: int, aliases: int) -> type[SizeRule]:
    """The rule with these bounds."""

    class BoundedSizeRule(SizeRule):
        max_depth = depth
        max_aliases = aliases

    return BoundedSizeRule
