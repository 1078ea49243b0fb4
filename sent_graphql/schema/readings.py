"""What operations read of a snapshot, told from their text and the fields' own marks."""

from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    is_abstract_type,
    visit,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from sent_graphql.models.parts import NOTHING, Part
from sent_graphql.schema.documents import Document
from sent_graphql.schema.fields import parts_read


class SelectedField(NamedTuple):
    """A field as it is selected, and as its type `parent` has it."""

    node: FieldNode
    parent: GraphQLCompositeType
    definition: GraphQLField

    @property
    def declared(self) -> StrawberryField | None:
        """Our declaration; null for a field of introspection."""
        return _declared(self.definition)


def selected_fields(schema: GraphQLSchema, tree: DocumentNode) -> list[SelectedField]:
    """All fields that a document selects, with what `@skip` leaves out; not those that the schema does not know."""
    types = TypeInfo(schema)
    fields = _Fields(types)
    visit(tree, TypeInfoVisitor(types, fields))
    selected, fields.selected = fields.selected, []  # visitors are left to the garbage collector
    return selected


def parts_selected(schema: GraphQLSchema, tree: DocumentNode) -> Part:
    """All parts of a snapshot that the answer to an operation is made of; Part.OUTSIDE for what no snapshot holds."""
    parts = NOTHING
    for selected in selected_fields(schema, tree):
        for definition in _implementations(schema, selected):
            declared = _declared(definition)
            if declared is not None:
                parts |= parts_read(declared)
    return parts


def parts_read_by(schema: GraphQLSchema, document: Document, name: str | None) -> Part | None:
    """The same of one operation of a document, found out once; null where it has none of that name."""
    if name not in document.reads:
        asked = document.operation(name)
        if asked is None:  # not noted, for clients can name as many as they like
            return None
        document.reads[name] = parts_selected(schema, asked.tree)
    return document.reads[name]


def _implementations(schema: GraphQLSchema, selected: SelectedField) -> list[GraphQLField]:
    """The field, and that of each object which it may turn out to belong to."""
    if not is_abstract_type(selected.parent):
        return [selected.definition]
    name = selected.node.name.value
    kinds = schema.get_possible_types(selected.parent)
    return [selected.definition, *(kind.fields[name] for kind in kinds if name in kind.fields)]


def _declared(definition: GraphQLField) -> StrawberryField | None:
    declared = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return declared if isinstance(declared, StrawberryField) else None


class _Fields(Visitor):
    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types = types
        self.selected: list[SelectedField] = []

    def enter_field(self, node: FieldNode, *_: object) -> None:
        """Note one field."""
        parent, definition = self._types.get_parent_type(), self._types.get_field_def()
        if parent is not None and definition is not None:
            self.selected.append(SelectedField(node, parent, definition))
