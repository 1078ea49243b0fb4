"""The data that all servers have: one network, made by hand, and the same in JSON for those in another language."""

from typing import Any, Final

import orjson
from execution import many_nodes
from graphql import GraphQLNamedOutputType, GraphQLObjectType, get_named_type, is_leaf_type
from live.scenario import Scenario

from sent_graphql.models.snapshot import Snapshot
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema.build import build_schema
from sent_graphql.settings import GraphqlSettings

MOST: Final = 10_000
"""Nodes of the largest network, and of the largest page that may be asked for."""

LIMITS: Final = GraphqlSettings(max_page_size=MOST, max_cost=2_000_000, max_cost_at_once=10_000_000)
"""Limits that let the largest question through."""


def snapshot(nodes: int) -> Snapshot:
    """The network with so many nodes, of four contributors each."""
    return many_nodes(Scenario().present(), nodes)


def context(shown: Snapshot) -> RequestContext:
    """What resolvers are given."""
    return RequestContext(shown, ResolverOptions("mainnet", LIMITS.default_page_size, LIMITS.max_page_size))


async def as_json(nodes: int) -> bytes:
    """The network and its nodes with everything that they hold themselves, as the schema's fields name and write it."""
    schema = build_schema(LIMITS.model_copy(update={"max_cost": 10**9}), "mainnet")
    types = schema._schema.type_map  # noqa: SLF001 - Strawberry has no other way to graphql-core's schema
    network, node = (_fields(types[name], 2) for name in ("Network", "ServiceNode"))
    question = f"{{ network {{ {network} }} serviceNodes(first: {nodes}) {{ totalCount nodes {{ {node} }} }} }}"
    result = await schema.execute(question, context_value=context(snapshot(nodes)))
    assert not result.errors, result.errors
    return orjson.dumps(result.data)


def _fields(kind: Any, depth: int) -> str:  # noqa: ANN401 - of graphql-core's types, an object's is wanted
    """All fields without needed arguments, `depth` levels of objects deep."""
    assert isinstance(kind, GraphQLObjectType)
    written = []
    for name, field in kind.fields.items():
        inner: GraphQLNamedOutputType = get_named_type(field.type)
        if any(argument.default_value is None for argument in field.args.values()):
            continue
        if is_leaf_type(inner):
            written.append(name)
        elif depth > 1 and isinstance(inner, GraphQLObjectType):
            written.append(f"{name} {{ {_fields(inner, depth - 1)} }}")
    return " ".join(written)
