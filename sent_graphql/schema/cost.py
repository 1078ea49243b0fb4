"""What answering an operation costs at most, told before it is executed.

One unit of cost is what it takes to show one value. A field costs its effort (see `fields.Effort`), and one for each
value that it shows with all that is selected in it: a list as often as it has items. How many those are is told by the
page's `first` or `last`, or assumed (`fields.sized`). What `@skip` and `@include` leave out costs nothing; fields that
are selected twice, and the types that a value may have, are added up. Each fragment is looked at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from sent_graphql.schema.documents import Document
from sent_graphql.schema.field_costs import PAGE_ARGUMENTS, field_costs
from sent_graphql.schema.fields import Effort
from sent_graphql.schema.price import Price

CONDITIONS: Final = ("skip", "include")

MAX_DIGITS: Final = 10
"""Digits of a page size that is worth reading."""

INTROSPECTION: Final = {"__schema": 100_000, "__type": 20_000, "__typename": 1}
"""What introspection costs, whatever is selected in it: the most that graphql-core's bound of its depth leaves."""

ROW: Final = 10
"""What each row of a page of the database costs to read, be anything of it shown or not."""

NOTHING: Final = Price()
ONE_VALUE: Final = Price(cost=1)


@dataclass(frozen=True, slots=True)
class _Selected:
    """The price of a selection: a fixed part, and one for each item of the page that it is made on."""

    fixed: Price = NOTHING
    per_item: Price = NOTHING

    def __add__(self, other: "_Selected") -> "_Selected":
        return _Selected(self.fixed + other.fixed, self.per_item + other.per_item)

    def on_page_of(self, items: int) -> Price:
        return self.fixed + self.per_item.times(items)


class CostAnalysis:
    """The prices of one schema's operations. Page sizes are in items."""

    def __init__(self, schema: GraphQLSchema, *, default_page_size: int, max_page_size: int) -> None:
        self.fields = field_costs(schema)
        self.default_page_size = default_page_size
        self.max_page_size = max_page_size
        roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
        names = ("query", "mutation", "subscription")
        self._roots = {name: root.name for name, root in zip(names, roots, strict=True) if root is not None}

    def price(self, document: Document, name: str | None, variables: Mapping[str, Any] | None) -> Price:
        """The price of an operation with its variables as they were given.

        Without a name, that of the first one. What does not fit the schema costs nothing.
        """
        if name in document.prices:
            return document.prices[name]
        operation = document.definition(name)
        if operation is None:
            return NOTHING
        values = {
            definition.variable.name.value: _literal(definition.default_value)
            for definition in operation.variable_definitions or ()
            if definition.default_value is not None
        }
        reckoning = _Reckoning(self, document.fragments, values | dict(variables or {}))
        root = self._roots.get(operation.operation.value, "")
        price = reckoning.selection(root, operation.selection_set).on_page_of(1)
        if not reckoning.depends_on_variables:
            document.prices[name] = price
        return price


class _Reckoning:
    """The price of one operation with one set of variables."""

    def __init__(
        self, analysis: CostAnalysis, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
    ) -> None:
        self._analysis = analysis
        self._fragments = fragments
        self._variables = variables
        self._reckoned: dict[str, _Selected] = {}
        self.depends_on_variables = False

    def selection(self, kind: str, selections: SelectionSetNode | None) -> _Selected:
        """What is selected of a value of the type `kind`."""
        total = _Selected()
        for node in selections.selections if selections is not None else ():
            if self._is_wanted(node):
                total += self._one(kind, node)
        return total

    def _one(self, kind: str, node: SelectionNode) -> _Selected:
        if isinstance(node, FieldNode):
            return self._field(kind, node)
        if isinstance(node, InlineFragmentNode):
            return self.selection(node.type_condition.name.value if node.type_condition else kind, node.selection_set)
        assert isinstance(node, FragmentSpreadNode), "there is no other selection"
        return self._fragment(node.name.value)

    def _fragment(self, name: str) -> _Selected:
        if name not in self._reckoned:
            self._reckoned[name] = _Selected()  # what a fragment that spreads itself costs; it is refused elsewhere
            fragment = self._fragments.get(name)
            if fragment is not None:
                self._reckoned[name] = self.selection(fragment.type_condition.name.value, fragment.selection_set)
        return self._reckoned[name]

    def _field(self, kind: str, node: FieldNode) -> _Selected:
        name = node.name.value
        if name in INTROSPECTION:
            return _Selected(Price(INTROSPECTION[name]))
        known = self._analysis.fields.get((kind, name))
        if known is None:
            return _Selected()
        own = Price(known.effort, dear=1 if known.effort is Effort.DEAR else 0)
        inner = _Selected() if known.is_leaf else self.selection(known.kind, node.selection_set)
        if known.takes_page:
            page = self._page(node)
            read = Price(ROW * page) if known.effort is Effort.DATABASE else NOTHING
            return _Selected(own + read + ONE_VALUE + inner.on_page_of(page))
        value = ONE_VALUE + inner.on_page_of(self._analysis.default_page_size)
        return _Selected(own, value) if known.in_page else _Selected(own + value.times(known.items))

    def _page(self, node: FieldNode) -> int:
        """Items of the page; a size that will be refused counts as one that is not."""
        given = [
            self._value(argument.value) for argument in node.arguments or () if argument.name.value in PAGE_ARGUMENTS
        ]
        sizes = [
            int(size) for size in given if isinstance(size, int | float) and 0 <= size <= self._analysis.max_page_size
        ]
        return min(sizes, default=self._analysis.default_page_size)

    def _is_wanted(self, node: SelectionNode) -> bool:
        return all(self._holds(directive) for directive in node.directives or ())

    def _holds(self, directive: DirectiveNode) -> bool:
        name = directive.name.value
        if name not in CONDITIONS:
            return True
        given = next((self._value(part.value) for part in directive.arguments or () if part.name.value == "if"), None)
        return given is not (name == "skip")

    def _value(self, node: ValueNode) -> object:
        if not isinstance(node, VariableNode):
            return _literal(node)
        self.depends_on_variables = True
        return self._variables.get(node.name.value)


def _literal(node: ValueNode) -> object:
    """A number or a truth value; nothing else is asked for."""
    if isinstance(node, IntValueNode):
        return int(node.value) if len(node.value) <= MAX_DIGITS else None
    return node.value if isinstance(node, BooleanValueNode) else None
