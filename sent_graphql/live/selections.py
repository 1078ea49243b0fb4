"""What a question selects, read off its text: when it may have to be asked again, and for which items of a list."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from graphql import DocumentNode, GraphQLObjectType, GraphQLSchema, get_named_type
from strawberry.types.field import StrawberryField

from sent_graphql.models.parts import NOTHING, Part
from sent_graphql.schema.fields import parts_read
from sent_graphql.schema.readings import selected_fields

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
    selection = Selection()
    for selected in selected_fields(schema, tree):
        parent, declared = selected.parent, selected.declared
        if LIST_FIELD in getattr(parent, "fields", ()):
            selection.change_fields[(selected.node.alias or selected.node.name).value] = selected.node.name.value
        if declared is None:
            continue
        if parent is schema.subscription_type:
            selection.at_root |= parts_read(declared)
            selection.note_root(get_named_type(selected.definition.type))
        else:
            selection.beneath |= parts_read(declared)
            selection.note(parent.name, declared)
    return selection
