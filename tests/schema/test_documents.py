"""Documents that are read and checked once."""

from typing import Any

import pytest
from graphql import parse

from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema import documents
from sent_graphql.schema.build import build_schema
from sent_graphql.schema.documents import MAX_CHARACTERS, MAX_DOCUMENTS, MAX_LENGTH, MAX_UNCHECKED, Document, Documents
from sent_graphql.settings import GraphqlSettings

TREE = parse("{ meta { id } }")


@pytest.fixture
def asked(make: Any) -> Any:
    """A schema of its own, and how to ask it."""
    schema = build_schema(GraphqlSettings(), "mainnet")
    context = RequestContext(make.snapshot(make.state()), ResolverOptions("mainnet", 100, 2500))
    return schema, lambda text, **variables: schema.execute_sync(text, variable_values=variables, context_value=context)


def test_a_valid_document_is_checked_once(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    schema, ask = asked
    first = ask("{ meta { version } }")
    known = schema.documents.get("{ meta { version } }")
    monkeypatch.setattr("strawberry.schema.schema.parse", None)
    monkeypatch.setattr("sent_graphql.schema.checks.validate", None)
    assert ask("{ meta { version } }").data == first.data
    assert schema.documents.get("{ meta { version } }") is known


def test_values_of_variables_are_checked_every_time(asked: Any) -> None:
    _, ask = asked
    text = "query ($a: Address!) { wallet(address: $a) { id } }"
    assert ask(text, a="0x" + "0" * 40).errors is None
    assert ask(text, a="0x1").errors[0].extensions["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("text", ["{ nonsense }", "{"])
def test_what_is_not_valid_is_refused_every_time_and_not_kept(asked: Any, text: str) -> None:
    schema, ask = asked
    first, second = (ask(text).errors for _ in range(2))
    assert [error.formatted for error in first] == [error.formatted for error in second] != []
    assert schema.documents.get(text) is None


def test_the_number_of_documents_is_bounded_and_the_oldest_goes_first() -> None:
    kept = Documents()
    for number in range(MAX_DOCUMENTS):
        kept.keep(str(number), TREE)
    assert kept.get("0") is not None
    kept.keep("another", TREE)
    assert kept.get("0") is not None
    assert kept.get("1") is None


def test_the_size_of_all_documents_is_bounded() -> None:
    kept = Documents()
    for number in range(MAX_CHARACTERS // 10_000):
        kept.keep(f"{number:010000}", TREE)
        kept.keep(f"{number:010000}", TREE)
    assert kept.get(f"{0:010000}") is not None
    kept.keep("{ another }", TREE)
    assert kept.get(f"{0:010000}") is not None
    assert kept.get(f"{1:010000}") is None


def test_a_document_is_read_once_until_it_is_found_valid() -> None:
    documents = Documents(max_tokens=5)
    read = documents.read("{ meta }")
    assert read is not None
    assert documents.read("{ meta }") is read
    assert documents.get("{ meta }") is None
    documents.keep("{ meta }", read.tree)
    assert documents.get("{ meta }") is read
    assert documents.unchecked("{ meta }") is None


def test_what_cannot_be_read_is_no_document_and_few_others_wait_to_be_found_valid() -> None:
    documents = Documents(max_tokens=5)
    assert documents.read("{") is None
    assert documents.read("{ a b c d e f }") is None
    for number in range(MAX_UNCHECKED + 1):
        documents.read(f"{{ a{number} }}")
    assert documents.unchecked("{ a0 }") is None
    assert documents.unchecked("{ a1 }") is not None


def test_very_long_documents_are_not_kept() -> None:
    kept = Documents()
    kept.keep("x" * (MAX_LENGTH + 1), TREE)
    assert kept.get("x" * (MAX_LENGTH + 1)) is None


def test_an_operation_is_known_without_its_spacing_and_its_neighbours() -> None:
    alone = Document(parse("query A{meta{...F}}fragment F on Meta{id}")).operation(None)
    beside = Document(
        parse(
            "query B { meta { ...G } } fragment G on Meta { id } query A { # the one\n meta { ...F } } "
            "fragment F on Meta { id }"
        )
    )
    assert alone is not None
    assert beside.operation("A").canonical == alone.canonical  # type: ignore[union-attr]
    assert beside.operation("C") is None
    assert documents.Document(parse("fragment F on Meta { id }")).operation(None) is None


def test_an_operation_has_all_its_fragments_however_long_the_chain() -> None:
    steps = "".join(f"fragment f{n} on Query {{ ...f{n + 1} }} " for n in range(400))
    text = (
        f"query A {{ ...f0 }} query B {{ ...g }} {steps} fragment f400 on Query {{ id }} fragment g on Query {{ ...g }}"
    )
    document = Document(parse(text))
    chain, circle = document.operation("A"), document.operation("B")
    assert chain is not None
    assert circle is not None
    assert len(chain.tree.definitions) == 402
    assert len(circle.tree.definitions) == 2
    assert document.operation("A") is chain
