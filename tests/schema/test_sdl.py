"""The schema as text: kept in the repository, described throughout."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import build_schema as read_sdl
from graphql import is_enum_type, is_input_object_type, is_interface_type, is_object_type, is_specified_scalar_type

import sent_graphql.schema
from sent_graphql.schema.build import ServedSchema, build_schema
from sent_graphql.settings import GraphqlSettings

KEPT = Path(sent_graphql.schema.__file__).with_name("schema.graphql")
SHORTEST_DESCRIPTION = 10


def described_things(sdl: str) -> Iterator[tuple[str, Any]]:
    """Everything in the schema that has a place for a description, by its name."""
    for type_name, kind in read_sdl(sdl).type_map.items():
        if type_name.startswith("__") or is_specified_scalar_type(kind):
            continue
        yield type_name, kind
        if is_enum_type(kind):
            yield from ((f"{type_name}.{name}", value) for name, value in kind.values.items())
        if is_input_object_type(kind):
            yield from ((f"{type_name}.{name}", field) for name, field in kind.fields.items())
        if is_object_type(kind) or is_interface_type(kind):
            for name, field in kind.fields.items():
                yield f"{type_name}.{name}", field
                yield from ((f"{type_name}.{name}({arg}:)", value) for arg, value in field.args.items())


def test_the_kept_sdl_is_what_the_code_says(schema: ServedSchema) -> None:
    assert KEPT.read_text() == schema.as_str() + "\n", "print the schema anew into sent_graphql/schema/schema.graphql"


def test_everything_is_described(schema: ServedSchema) -> None:
    poor = [
        name
        for name, thing in described_things(schema.as_str())
        if len(thing.description or "") < SHORTEST_DESCRIPTION or not thing.description.rstrip().endswith(".")
    ]
    assert poor == []


def test_arguments_that_may_be_left_out_show_no_null_default(schema: ServedSchema) -> None:
    assert "= null" not in schema.as_str()


def test_a_schema_can_be_built_for_several_networks() -> None:
    assert build_schema(GraphqlSettings(), "testnet").as_str() == build_schema(GraphqlSettings(), "mainnet").as_str()
