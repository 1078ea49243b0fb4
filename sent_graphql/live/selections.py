"""What a question selects, read off its text: when it may have to be asked again, and for which items of a list."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from sent_graphql.models.parts import NOTHING, Part
from sent_graphql.schema.fields import parts_read

LIST_FIELD = "upserted"
"""The field that holds items; types that have it are lists of changes."""


@dataclass(slots=True)
class Selection:
    """`at_root`: parts that the subscribed field itself is made of. `beneath`: those that what lies in it reaches for.

    `change_fields`: the fields of a list of changes by the names that the answer gives them.
    """

    at_root: Part = NOTHING
    beneath: Part = NOTHING
    change_fields: dict[str, str] = field(default_factory=dict)
    _item_type: str | None = None
    _attributes: dict[str, set[str]] = field(default_factory=dict)
    _looking_further: set[str] = field(default_factory=set)

    @property
    def reads(self) -> Part:
        """All parts that the answer is made of."""
        return self.at_root | self.beneath

    @property
    def item_attributes(self) -> AbstractSet[str] | None:
        """The attributes of a list's items that are shown; null when a resolver may look at any of them."""
        if self._item_type is None or self._item_type in self._looking_further:
            return None
        return self._attributes.get(self._item_type, set())

    def note_root(self, kind: object) -> None:
        """The subscribed field is of that type."""
        if isinstance(kind, GraphQLObjectType) and LIST_FIELD in kind.fields:
            self._item_type = get_named_type(kind.fields[LIST_FIELD].type).name

    def note(self, kind: str, selected: StrawberryField) -> None:
        """A field of that type is selected."""
        if selected.base_resolver is None:
            self._attributes.setdefault(kind, set()).add(selected.python_name)
        else:
            self._looking_further.add(kind)


def selection_of(schema: GraphQLSchema, tree: DocumentNode) -> Selection:
    """What an operation and its fragments select. What `@skip` leaves out counts too."""
    types = TypeInfo(schema)
    selection = Selection()
    visit(tree, TypeInfoVisitor(types, _Fields(schema, types, selection)))
    return selection


class _Fields(Visitor):
    def __init__(self, schema: GraphQLSchema, types: TypeInfo, selection: Selection) -> None:
        super().__init__()
        self._root = schema.subscription_type
        self._types = types
        self._selection = selection

    def enter_field(self, node: FieldNode, *_: object) -> None:
        """Note one field; what the schema does not know is refused elsewhere."""
        parent, definition = self._types.get_parent_type(), self._types.get_field_def()
        if parent is None or definition is None:
            return
        if LIST_FIELD in getattr(parent, "fields", ()):
            self._selection.change_fields[(node.alias or node.name).value] = node.name.value
        selected = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if not isinstance(selected, StrawberryField):
            return
        if parent is self._root:
            self._selection.at_root |= parts_read(selected)
            self._selection.note_root(get_named_type(definition.type))
        else:
            self._selection.beneath |= parts_read(selected)
            self._selection.note(parent.name, selected)
