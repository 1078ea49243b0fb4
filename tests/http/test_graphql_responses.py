"""Media types and status codes of GraphQL answers, by the GraphQL-over-HTTP specification."""

from collections.abc import Callable

import httpx
import pytest

JSON = "application/json"
NEW = "application/graphql-response+json"

NEVER_RAN = [
    ("{", {}),
    ("{ nothing }", {}),
    ("query($value: Int!) { number(value: $value) }", {}),
    ("query($value: Int!) { number(value: $value) }", {"variables": {"value": "x"}}),
    ("query A { number } query B { text }", {}),
    ("query A { number }", {"operationName": "B"}),
    ("fragment F on Query { number }", {}),
    ("{ number } { text }", {}),
    ("query($value: Int!) { number(value: $value) }", {"variables": {"value": list(range(3_000))}}),
]
"""Well-formed requests whose operation is refused before it runs."""


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        ("application/json; charset=utf-8", JSON),
        (NEW, NEW),
        (f"{NEW}, {JSON};q=0.9", NEW),
        (f"{JSON}, {NEW}", NEW),
        (f"{NEW};q=0.5, {JSON};q=0.9", JSON),
        (f"{NEW};q=0, */*", JSON),
        ("multipart/mixed, application/json", JSON),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
        ("nonsense, ;q=, */*;q=0.1", JSON),
    ],
)
async def test_the_answer_has_the_media_type_that_is_asked_for(
    client: httpx.AsyncClient, accept: str | None, media_type: str
) -> None:
    if accept is None:
        del client.headers["accept"]
    headers = {} if accept is None else {"accept": accept}
    response = await client.post("/graphql", json={"query": "{ number }"}, headers=headers)
    assert response.status_code == 200
    assert response.headers.get_list("content-type") == [media_type]
    assert "accept" in response.headers["vary"]
    assert response.headers["cache-control"] == "no-store"


async def test_what_is_taken_may_be_said_on_several_lines(client: httpx.AsyncClient) -> None:
    del client.headers["accept"]
    lines = [("accept", "text/html"), ("accept", NEW)]
    response = await client.post("/graphql", json={"query": "{ number }"}, headers=lines)
    assert response.status_code == 200
    assert response.headers["content-type"] == NEW


@pytest.mark.parametrize("accept", ["text/plain", "application/json;q=0, text/html"])
async def test_who_takes_neither_form_gets_406(client: httpx.AsyncClient, accept: str) -> None:
    response = await client.post("/graphql", json={"query": "{ number }"}, headers={"accept": accept})
    assert response.status_code == 406
    assert response.headers["content-type"] == JSON
    assert NEW in response.json()["errors"][0]["message"]


@pytest.mark.parametrize(("query", "more"), NEVER_RAN)
@pytest.mark.parametrize(("accept", "status"), [(NEW, 400), (JSON, 200)])
async def test_what_never_ran_has_no_data(
    client: httpx.AsyncClient, query: str, more: dict[str, object], accept: str, status: int
) -> None:
    response = await client.post("/graphql", json={"query": query, **more}, headers={"accept": accept})
    assert response.status_code == status
    assert response.headers["content-type"] == accept
    assert response.json().keys() == {"errors"}


@pytest.mark.parametrize(("document", "more"), NEVER_RAN[4:7])
async def test_a_document_without_the_one_operation_to_run_is_refused_with_a_code(
    client: httpx.AsyncClient, document: str, more: dict[str, object]
) -> None:
    response = await client.post("/graphql", json={"query": document, **more})
    codes = [error["extensions"]["code"] for error in response.json()["errors"]]
    assert codes == ["OPERATION_RESOLUTION_FAILURE"]


async def test_a_named_operation_runs_and_no_other(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/graphql", json={"query": "query A { number } query B { text }", "operationName": "B"}
    )
    assert response.json() == {"data": {"text": ""}}


async def test_words_that_look_like_operations_are_none(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": 'query A { text(value: "query mutation") }'})
    assert response.json() == {"data": {"text": "query mutation"}}


@pytest.mark.parametrize("accept", [NEW, JSON])
async def test_what_ran_is_200_whatever_its_fields_met(client: httpx.AsyncClient, accept: str) -> None:
    partial = await client.post("/graphql", json={"query": "{ half number }"}, headers={"accept": accept})
    assert partial.status_code == 200
    assert partial.json()["data"] == {"half": None, "number": 0}
    failed = await client.post("/graphql", json={"query": "{ ready }"}, headers={"accept": accept})
    assert failed.status_code == 200
    assert failed.json()["data"] is None
    assert failed.json()["errors"][0]["extensions"]["code"] == "NOT_READY"


@pytest.mark.parametrize("accept", [NEW, JSON])
async def test_a_mutation_by_get_is_405_and_does_not_run(client: httpx.AsyncClient, accept: str) -> None:
    for params in (
        {"query": "mutation { change }"},
        {"query": "query A { number } mutation B { change }", "operationName": "B"},
    ):
        response = await client.get("/graphql", params=params, headers={"accept": accept})
        assert response.status_code == 405
        assert response.headers["allow"] == "POST"
        assert response.json().keys() == {"errors"}


async def test_a_mutation_by_post_runs(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "mutation { change }"})
    assert response.json() == {"data": {"change": True}}


async def test_a_subscription_by_plain_http_is_refused(client: httpx.AsyncClient) -> None:
    posted = await client.post("/graphql", json={"query": "subscription { ticks }"})
    got = await client.get("/graphql", params={"query": "subscription { ticks }"})
    assert posted.status_code == got.status_code == 400
    assert "Subscriptions" in posted.json()["errors"][0]["message"]


async def test_one_request_reads_one_snapshot(client: httpx.AsyncClient, times_asked: Callable[[], int]) -> None:
    response = await client.post("/graphql", json={"query": "{ a: version b: version c: version }"})
    assert response.json() == {"data": {"a": 7, "b": 7, "c": 7}}
    assert times_asked() == 0, "the one that the request began with"
