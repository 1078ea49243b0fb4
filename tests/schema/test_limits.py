"""How large a question may be."""

from typing import Any

import pytest
from graphql import get_introspection_query

from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema.build import build_schema
from sent_graphql.settings import GraphqlSettings


@pytest.fixture
def refusals(make: Any) -> Any:
    """Codes and messages of the errors of a question under given settings."""

    def ask(question: str, **settings: Any) -> list[tuple[str, str]]:
        schema = build_schema(GraphqlSettings(**settings), "mainnet")
        context = RequestContext(make.snapshot(make.state()), ResolverOptions("mainnet", 100, 2500))
        errors = schema.execute_sync(question, context_value=context).errors or []
        return [((error.extensions or {})["code"], error.message) for error in errors]

    return ask


def test_nesting_is_bounded(refusals: Any) -> None:
    question = "{ serviceNodes { nodes { contributors { address } } } }"
    assert refusals(question, max_depth=4) == []
    ((code, message),) = refusals(question, max_depth=3)
    assert code == "QUERY_TOO_COMPLEX"
    assert "4 levels" in message


def test_nesting_counts_through_fragments(refusals: Any) -> None:
    question = (
        "{ ...a } fragment a on Query { serviceNodes { ...b ... on ServiceNodeConnection { totalCount } } } "
        "fragment b on ServiceNodeConnection { nodes { contributors { address } } }"
    )
    assert refusals(question, max_depth=4) == []
    assert [code for code, _ in refusals(question, max_depth=3)] == ["QUERY_TOO_COMPLEX"]


def test_aliases_are_bounded(refusals: Any) -> None:
    question = "{ a: meta { id } b: meta { c: id } }"
    assert refusals(question, max_aliases=3) == []
    assert [code for code, _ in refusals(question, max_aliases=2)] == ["QUERY_TOO_COMPLEX"]


def test_aliases_count_wherever_their_fragment_is_spread(refusals: Any) -> None:
    question = "{ a: meta { ...f } b: meta { ...f } } fragment f on Meta { c: id }"
    assert refusals(question, max_aliases=4) == []
    assert [code for code, _ in refusals(question, max_aliases=3)] == ["QUERY_TOO_COMPLEX"]


def test_fragments_that_double_at_each_step_are_measured_at_once(refusals: Any) -> None:
    steps = "".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }} " for n in range(60))
    ((code, message),) = refusals(f"{{ ...f0 }} {steps} fragment f60 on Query {{ a: meta {{ id }} }}")
    assert code == "QUERY_TOO_COMPLEX"
    assert str(2**60) in message


def test_fragments_that_go_in_circles_are_refused_and_not_followed(refusals: Any) -> None:
    question = "{ ...f } fragment f on Query { meta { id } ...g } fragment g on Query { ...f }"
    assert "within itself" in refusals(question)[0][1]


def test_an_unknown_fragment_is_an_ordinary_mistake(refusals: Any) -> None:
    assert "Unknown fragment" in refusals("{ ...nowhere }")[0][1]


def test_a_chain_of_fragments_too_long_to_follow_is_refused(refusals: Any) -> None:
    steps = "".join(f"fragment f{n} on Query {{ ...f{n + 1} }} " for n in range(600))
    assert refusals(f"{{ ...f0 }} {steps} fragment f600 on Query {{ meta {{ id }} }}") != []


def test_tokens_are_bounded(refusals: Any) -> None:
    ((code, message),) = refusals("{ meta { " + "id " * 100 + "} }", max_tokens=50)
    assert code == "GRAPHQL_PARSE_FAILED"
    assert "50 tokens" in message


def test_the_explorers_introspection_is_within_the_bounds(refusals: Any) -> None:
    assert refusals(get_introspection_query()) == []


def test_introspection_can_be_switched_off(refusals: Any) -> None:
    assert "introspection" in refusals("{ __schema { queryType { name } } }", introspection=False)[0][1]
    assert refusals("{ meta { __typename } }", introspection=False) == []
