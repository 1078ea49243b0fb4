"""Relay's rules: the Node interface and connections, as its specifications have them and as its compiler wants them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)
from graphql import build_schema as read_sdl

from sent_graphql.schema.build import ServedSchema

COMPILER = Path(__file__).parents[2] / "node_modules" / "relay-compiler"
HAS_COMPILER = COMPILER.is_dir() and shutil.which("node") is not None

ALONE = {"Meta"}
"""There is one of it in each service, and `Query.meta` fetches it again; its id is for clients that store by id."""

FORWARD = {"first": "Int", "after": "String"}
BACKWARD = {"last": "Int", "before": "String"}


@pytest.fixture(scope="module")
def graphql(schema: ServedSchema) -> GraphQLSchema:
    """The schema as clients are told it."""
    return read_sdl(schema.as_str())


@pytest.fixture(scope="module")
def objects(graphql: GraphQLSchema) -> list[GraphQLObjectType]:
    """All object types that are ours."""
    return [
        kind
        for name, kind in graphql.type_map.items()
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__")
    ]


def connection_fields(objects: list[GraphQLObjectType]) -> Iterator[tuple[GraphQLObjectType, str, GraphQLField]]:
    """Every field that gives a connection."""
    for kind in objects:
        for name, field in kind.fields.items():
            if get_named_type(field.type).name.endswith("Connection"):
                yield kind, name, field


def test_node_has_an_id_and_nothing_else(graphql: GraphQLSchema) -> None:
    node = graphql.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {name: str(field.type) for name, field in node.fields.items()} == {"id": "ID!"}


def test_anything_with_an_id_is_found_again_by_it(graphql: GraphQLSchema, objects: list[GraphQLObjectType]) -> None:
    assert graphql.query_type is not None
    lookup = graphql.query_type.fields["node"]
    assert str(lookup.type) == "Node"
    assert {name: str(argument.type) for name, argument in lookup.args.items()} == {"id": "ID!"}
    identified = {kind.name for kind in objects if "id" in kind.fields}
    nodes = {kind.name for kind in objects if graphql.type_map["Node"] in kind.interfaces}
    assert identified - nodes == ALONE
    assert nodes < identified


def test_connections_have_edges_and_the_page(objects: list[GraphQLObjectType]) -> None:
    connections = [kind for kind in objects if kind.name.endswith("Connection")]
    assert connections
    for connection in connections:
        edges = get_nullable_type(connection.fields["edges"].type)
        assert is_list_type(edges), connection
        assert get_named_type(edges).name == connection.name.removesuffix("Connection") + "Edge"
        assert str(connection.fields["pageInfo"].type) == "PageInfo!"


def test_edges_have_a_cursor_and_a_node_that_is_no_list(objects: list[GraphQLObjectType]) -> None:
    edges = [kind for kind in objects if kind.name.endswith("Edge")]
    assert edges
    for edge in edges:
        node = get_nullable_type(edge.fields["node"].type)
        assert isinstance(
            node,
            GraphQLScalarType | GraphQLEnumType | GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType,
        ), edge
        assert str(edge.fields["cursor"].type) == "String!"


def test_the_page_tells_whether_there_is_more_and_its_ends(graphql: GraphQLSchema) -> None:
    page = graphql.type_map["PageInfo"]
    assert isinstance(page, GraphQLObjectType)
    told = {name: str(field.type) for name, field in page.fields.items()}
    assert told == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }


def test_connections_are_paged_in_both_directions(objects: list[GraphQLObjectType]) -> None:
    fields = list(connection_fields(objects))
    assert fields
    for kind, name, field in fields:
        taken = {argument: str(value.type) for argument, value in field.args.items()}
        assert taken.items() >= {**FORWARD, **BACKWARD}.items(), (kind, name)


def pagination_fragment(kind: GraphQLObjectType, name: str, field: GraphQLField) -> str:
    """A component that pages through a connection and can be fetched again, in Relay's words."""
    fragment = f"App_{kind.name}_{name}"
    needed = {
        argument: value
        for argument, value in field.args.items()
        if is_non_null_type(value.type) and argument not in {*FORWARD, *BACKWARD}
    }
    definitions = "".join(f', {argument}: {{type: "{value.type}"}}' for argument, value in needed.items())
    passed = "".join(f", {argument}: ${argument}" for argument in needed)
    return f"""graphql`
      fragment {fragment} on {kind.name}
        @argumentDefinitions(count: {{type: "Int", defaultValue: 10}}, cursor: {{type: "String"}}{definitions})
        @refetchable(queryName: "{fragment}Query") {{
        {name}(first: $count, after: $cursor{passed}) @connection(key: "{fragment}_{name}") {{
          edges {{ node {{ __typename }} }}
        }}
      }}`;"""


@pytest.mark.node
@pytest.mark.skipif(not HAS_COMPILER, reason="needs Node.js and its pinned packages (scripts/node)")
def test_relays_compiler_pages_through_every_connection(
    schema: ServedSchema, objects: list[GraphQLObjectType], tmp_path: Path
) -> None:
    fields = list(connection_fields(objects))
    (tmp_path / "schema.graphql").write_text(schema.as_str())
    source = tmp_path / "src"
    (source / "made").mkdir(parents=True)
    (source / "App.js").write_text("\n".join(pagination_fragment(*field) for field in fields))
    config: dict[str, Any] = {
        "src": "./src",
        "schema": "./schema.graphql",
        "language": "javascript",
        "artifactDirectory": "./src/made",
    }
    (tmp_path / "relay.config.json").write_text(json.dumps(config))

    run = subprocess.run(
        ["node", COMPILER / "cli.js", "relay.config.json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stdout + run.stderr
    made = {path.name for path in (source / "made").iterdir()}
    assert {f"App_{kind.name}_{name}Query.graphql.js" for kind, name, _ in fields} <= made
