"""How large a question may be."""

from typing import Any

import pytest
from graphql import OverlappingFieldsCanBeMergedRule, get_introspection_query

from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema.build import build_schema
from sent_graphql.schema.checks import MAX_ERRORS
from sent_graphql.schema.limits import MAX_ALIAS
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


def test_the_length_of_aliases_is_bounded(refusals: Any) -> None:
    for question in ("{ meta { ALIAS: id } }", "{ meta { ...f } } fragment f on Meta { ALIAS: id }"):
        assert refusals(question.replace("ALIAS", "a" * MAX_ALIAS)) == []
        ((code, message),) = refusals(question.replace("ALIAS", "a" * (MAX_ALIAS + 1)))
        assert code == "QUERY_TOO_COMPLEX"
        assert "an alias of 101 characters" in message


def test_aliases_count_wherever_their_fragment_is_spread(refusals: Any) -> None:
    question = "{ a: meta { ...f } b: meta { ...f } } fragment f on Meta { c: id }"
    assert refusals(question, max_aliases=4) == []
    assert [code for code, _ in refusals(question, max_aliases=3)] == ["QUERY_TOO_COMPLEX"]


def test_fragments_that_double_at_each_step_are_measured_at_once(refusals: Any) -> None:
    steps = "".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }} " for n in range(60))
    told = refusals(f"{{ ...f0 }} {steps} fragment f60 on Query {{ a: meta {{ id }} }}")
    assert {code for code, _ in told} == {"QUERY_TOO_COMPLEX"}
    assert all(str(aliases) in message for aliases, (_, message) in zip((2**60, 2**61), told, strict=True))


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


def test_directives_are_bounded(refusals: Any) -> None:
    question = (
        "query ($a: Boolean = true) { meta { id @include(if: $a) ...F @include(if: $a) } } "
        "fragment F on Meta { stale @skip(if: $a) }"
    )
    assert refusals(question, max_directives=3) == []
    ((code, message),) = refusals(question, max_directives=2)
    assert code == "QUERY_TOO_COMPLEX"
    assert "3 directives" in message


@pytest.mark.parametrize(
    "question",
    [
        "{ " + "meta { id } " * 1_000 + "}",
        "{ meta { " + "id " * 1_000 + "} }",
        "{ serviceNodes { nodes { " + "contributors { address } " * 100 + "} } }",
        "{ ...F } fragment F on Query { " + "meta { id } " * 1_000 + "}",
        "{ " + " ".join(f"...f{n}" for n in range(100)) + " } "
        + " ".join(f"fragment f{n} on Query {{ a{n}: meta {{ id }} }}" for n in range(100)),
        "{ " + "... { meta { id } } " * 200 + "}",
    ],
)  # fmt: skip
def test_fields_that_give_one_part_of_the_answer_are_bounded_before_they_are_compared(
    refusals: Any, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OverlappingFieldsCanBeMergedRule, "enter_selection_set", None)
    ((code, message),) = refusals(question)
    assert code == "QUERY_TOO_COMPLEX"
    assert "too often" in message


def test_the_same_fields_may_be_selected_by_many_parts_of_a_page(refusals: Any) -> None:
    parts = " ".join(f"fragment f{n} on ServiceNode {{ id pubkey contributors {{ address }} }}" for n in range(15))
    assert refusals(f"{{ serviceNodes {{ nodes {{ {' '.join(f'...f{n}' for n in range(15))} }} }} }} {parts}") == []


def test_fields_are_bounded_with_all_fragments_in_place(refusals: Any) -> None:
    steps = "".join(f"fragment f{n} on Meta {{ a{n}: id ...f{n + 1} b{n}: id ...f{n + 1} }} " for n in range(12))
    told = refusals(f"{{ meta {{ ...f0 }} }} {steps} fragment f12 on Meta {{ id stale }}", max_aliases=10**9)
    assert [code for code, _ in told] == ["QUERY_TOO_COMPLEX"]
    assert "16383 fields" in told[0][1]


def test_operations_of_a_document_are_bounded(refusals: Any) -> None:
    ((code, message),) = refusals(" ".join(f"query q{n} {{ meta {{ id }} }}" for n in range(51)))
    assert code == "QUERY_TOO_COMPLEX"
    assert "51 operations" in message


def test_fragments_that_nothing_spreads_are_refused_without_a_look_at_them(refusals: Any) -> None:
    question = "{ meta { id } } fragment f on Query { " + "meta { id } " * 1_000 + "}"
    ((_, message),) = refusals(question)
    assert "never used" in message


def test_few_mistakes_of_a_document_are_told(refusals: Any) -> None:
    assert len(refusals("{ " + " ".join(f"x{n}" for n in range(1_000)) + " }")) == MAX_ERRORS + 1


def test_nobody_is_told_what_names_there_are_unless_the_service_is_set_up_so(refusals: Any) -> None:
    questions = (
        "{ networkk { id } }",
        "{ serviceNodes(firs: 1) { totalCount } }",
        '{ wallet(address: "0x") { idd } }',
        "{ serviceNodes(filter: {states: [RUNING]}) { totalCount } }",
        "{ node(id: 1) { ... on Walet { id } } }",
    )
    for question in questions:
        assert not any("Did you mean" in message for _, message in refusals(question))
        assert any("Did you mean" in message for _, message in refusals(question, suggestions=True))
