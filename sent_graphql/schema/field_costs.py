"""What cost analysis knows of the schema's fields, read off their declarations."""

from dataclasses import dataclass
from typing import Final

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from sent_graphql.schema.fields import Effort, effort_of, items_of

PAGE_ARGUMENTS: Final = ("first", "last")

UNTOLD_ITEMS: Final = 1_000
"""Items of a list of objects that tells nothing of their number; the schema that is served has none."""


@dataclass(frozen=True, slots=True)
class FieldCost:
    """What is known of a field. `items`: of a list of objects, else 1. `in_page`: the page around it has as many."""

    effort: Effort
    kind: str
    is_leaf: bool
    items: int
    in_page: bool
    takes_page: bool


def field_costs(schema: GraphQLSchema) -> dict[tuple[str, str], FieldCost]:
    """What is known of all fields, by the names of type and field."""
    objects = [
        kind
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__")
    ]
    pages = {
        get_named_type(field.type).name for kind in objects for field in kind.fields.values() if _takes_page(field)
    }
    return {
        (kind.name, name): _field_cost(field, is_in_page=kind.name in pages)
        for kind in objects
        for name, field in kind.fields.items()
    }


def _field_cost(field: GraphQLField, *, is_in_page: bool) -> FieldCost:
    declared = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    known = declared if isinstance(declared, StrawberryField) else None
    kind = get_named_type(field.type)
    told = None if known is None else items_of(known)
    is_list = _is_list(field.type) and not is_leaf_type(kind)
    return FieldCost(
        effort=Effort.READ if known is None else effort_of(known),
        kind=kind.name,
        is_leaf=is_leaf_type(kind),
        items=(told or UNTOLD_ITEMS) if is_list else 1,
        in_page=is_list and told is None and is_in_page,
        takes_page=_takes_page(field),
    )


def _takes_page(field: GraphQLField) -> bool:
    return any(name in field.args for name in PAGE_ARGUMENTS)


def _is_list(kind: GraphQLOutputType) -> bool:
    while isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    return isinstance(kind, GraphQLList)
