"""Large documents are read in a thread, while others go on."""

import asyncio
import threading
from typing import Any

import pytest
from graphql import parse

from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema import checks
from sent_graphql.schema.build import ServedSchema, build_schema
from sent_graphql.schema.reading import LARGE
from sent_graphql.settings import GraphqlSettings

LARGE_DOCUMENT = "{ meta { version } network { blockHeight } } #" + "." * LARGE
REFUSED = LARGE_DOCUMENT.replace("meta", "nothing", 1)
UNREADABLE = "}" + LARGE_DOCUMENT
TOO_LONG = "{ meta { " + "version " * 6_000 + "} }"
BRANCHED = "{ meta { " + "version @include(if: $a) " * 51 + "} }"
REPEATED = "{ meta { " + "version " * 200 + "} }"
QUESTIONS = [LARGE_DOCUMENT, REPEATED, REFUSED, UNREADABLE, TOO_LONG, BRANCHED]


@pytest.fixture
def schema() -> ServedSchema:
    """One that has read nothing."""
    return build_schema(GraphqlSettings(max_aliases=5), "mainnet")


@pytest.fixture
def context(make: Any) -> RequestContext:
    """What resolvers see."""
    return RequestContext(make.snapshot(make.state()), ResolverOptions("mainnet", 100, 2500))


@pytest.mark.parametrize("text", [LARGE_DOCUMENT, REFUSED])
async def test_others_go_on_while_a_document_is_checked(schema: ServedSchema, text: str, held_checks: Any) -> None:
    first, second = (asyncio.create_task(schema.reading.read(text, None, None)) for _ in range(2))
    await held_checks.begun.wait()
    assert schema.reading.waiting == 2
    held_checks.may_end.set()
    await asyncio.gather(first, second)
    assert schema.reading.waiting == 0
    assert schema.documents.is_read(text)


@pytest.mark.parametrize("text", [LARGE_DOCUMENT, REFUSED, UNREADABLE])
async def test_what_has_been_read_in_a_thread_is_not_read_again(
    schema: ServedSchema, context: RequestContext, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await schema.reading.read(text, None, None)
    for place in ("strawberry.schema.schema.parse", "sent_graphql.schema.trees.parse"):
        monkeypatch.setattr(place, None)
    monkeypatch.setattr(checks, "validate", None)
    result = await schema.execute(text, context_value=context)
    assert bool(result.errors) == (text != LARGE_DOCUMENT)
    assert all((error.extensions or {}).get("code") != "INTERNAL" for error in result.errors or ())


@pytest.mark.parametrize("text", [LARGE_DOCUMENT, UNREADABLE])
async def test_a_document_is_parsed_once_and_in_a_thread(
    schema: ServedSchema, context: RequestContext, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def watched(*arguments: Any, **options: Any) -> Any:
        threads.append(threading.current_thread())
        return parse(*arguments, **options)

    monkeypatch.setattr("sent_graphql.schema.trees.parse", watched)
    for _ in range(2):
        await schema.reading.read(text, None, None)
        await schema.execute(text, context_value=context)
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


@pytest.mark.parametrize("text", QUESTIONS)
async def test_the_answer_is_the_same_as_on_the_event_loop(
    schema: ServedSchema, context: RequestContext, text: str
) -> None:
    def told(result: Any) -> Any:
        return result.data, [error.formatted for error in result.errors or ()], result.extensions

    there = told(await build_schema(GraphqlSettings(max_aliases=5), "mainnet").execute(text, context_value=context))
    await schema.reading.read(text, None, None)
    assert told(await schema.execute(text, context_value=context)) == there
    assert told(await schema.execute(text, context_value=context)) == there


async def test_what_will_be_asked_of_a_document_is_found_out_too(schema: ServedSchema) -> None:
    await schema.reading.read(LARGE_DOCUMENT, None, None)
    document = schema.documents.read(LARGE_DOCUMENT)
    assert document is not None
    assert document.errors == []
    assert set(document.prices) == set(document.reads) == {None}


async def test_small_documents_are_left_to_the_event_loop(schema: ServedSchema) -> None:
    await schema.reading.read("{ meta { version } }", None, None)
    assert not schema.documents.is_read("{ meta { version } }")
