"""What a question selects, read off its text: which parts of a snapshot it may have to be asked again for."""

from dataclasses import dataclass, field

from graphql import DocumentNode, FieldNode, GraphQLSchema, TypeInfo, TypeInfoVisitor, Visitor, visit
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from sent_graphql.models.parts import NOTHING, Part
from sent_graphql.schema.fields import parts_read


@dataclass(slots=True)
class Selection:
    """`at_root`: parts that the subscribed field itself is made of. `beneath`: those that what lies in it reaches for.

    `change_fields`: the fields of a list of changes by the names that the answer gives them.
    """

    at_root: Part = NOTHING
    beneath: Part = NOTHING
    change_fields: dict[str, str] = field(default_factory=dict)

    @property
    def reads(self) -> Part:
        """All parts that the answer is made of."""
        return self.at_root | self.beneath


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
        field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        reads = parts_read(field) if isinstance(field, StrawberryField) else NOTHING
        if parent is self._root:
            self._selection.at_root |= reads
        else:
            self._selection.beneath |= reads
        if "upserted" in getattr(parent, "fields", ()):
            self._selection.change_fields[(node.alias or node.name).value] = node.name.value
