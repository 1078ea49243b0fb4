"""Which parts of a snapshot an operation reads."""

from typing import Any

import pytest
from graphql import GraphQLObjectType, get_introspection_query, get_named_type, parse
from strawberry.schema.schema_converter import GraphQLCoreConverter

from sent_graphql.models.parts import NOTHING, Part
from sent_graphql.schema.fields import parts_read
from sent_graphql.schema.readings import parts_selected, selected_fields


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("{ __typename }", NOTHING),
        (get_introspection_query(), NOTHING),
        ("{ meta { id version } }", Part.META),
        ("{ network { blockHeight } meta { stale } }", Part.NETWORK | Part.META),
        ("{ serviceNodes { nodes { contributionContract { id } } } }", Part.NODES | Part.CONTRIBUTION_CONTRACTS),
        ("{ ...F } fragment F on Query { network { id } }", Part.NETWORK),
        ("query ($no: Boolean!) { meta { id } network @skip(if: $no) { id } }", Part.META | Part.NETWORK),
    ],
)
def test_the_parts_are_those_of_all_selected_fields(schema: Any, text: str, parts: Part) -> None:
    assert parts_selected(schema._schema, parse(text)) == parts


@pytest.mark.parametrize(
    "text",
    [
        '{ node(id: "x") { id } }',
        "query ($input: RegistrationInput!) { validateRegistration(input: $input) { valid } }",
        "{ meta { id } events(first: 1) { nodes { id } } }",
        '{ ... { wallet(address: "0x") { ...W } } } fragment W on Wallet { registrations { nodes { id } } }',
    ],
)
def test_what_no_snapshot_holds_is_told(schema: Any, text: str) -> None:
    assert Part.OUTSIDE in parts_selected(schema._schema, parse(text))


def test_a_field_of_an_interface_reads_what_each_of_its_types_would(schema: Any) -> None:
    (selected,) = [
        field
        for field in selected_fields(schema._schema, parse('{ node(id: "x") { id } }'))
        if field.node.name.value == "id"
    ]
    assert selected.parent.name == "Node"
    assert selected.declared is not None


def test_every_field_that_waits_reads_what_no_snapshot_holds(schema: Any) -> None:
    """Nothing can be waited for but what is outside; so no such answer is taken for one of the snapshot."""
    graphql_schema = schema._schema
    waiting = set()
    for kind in graphql_schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType) or kind is graphql_schema.subscription_type:
            continue
        for name, field in kind.fields.items():
            declared = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
            if declared is not None and declared.is_async:
                waiting.add(f"{kind.name}.{name}: {get_named_type(field.type)}")
                assert Part.OUTSIDE in parts_read(declared), (kind.name, name)
    assert waiting
