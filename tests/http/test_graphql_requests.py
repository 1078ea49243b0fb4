"""What is a GraphQL request over HTTP, and how everything else is refused: JSON, 4xx, and a reason."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Start = Callable[..., str]
ClientOf = Callable[[str], httpx.AsyncClient]

NEW = {"accept": "application/graphql-response+json"}


def reason(response: httpx.Response) -> str:
    """The message of a refusal, having checked its shape."""
    assert response.headers["content-type"] in {"application/json", "application/graphql-response+json"}
    body = response.json()
    assert body.keys() == {"errors"}
    assert body["errors"][0]["extensions"]["code"] in {"BAD_REQUEST", "METHOD_NOT_ALLOWED"}
    return str(body["errors"][0]["message"])


async def test_post_and_get_answer_the_same(client: httpx.AsyncClient) -> None:
    query = "query Said($value: String!) { text(value: $value) }"
    variables = {"value": "ä\u2028"}
    posted = await client.post("/graphql", json={"query": query, "variables": variables, "operationName": "Said"})
    got = await client.get(
        "/graphql", params={"query": query, "variables": json.dumps(variables), "operationName": "Said"}
    )
    assert posted.status_code == got.status_code == 200
    assert posted.json() == got.json() == {"data": {"text": "ä\u2028"}}


@pytest.mark.parametrize(
    "absent", [{}, {"variables": None, "operationName": None, "extensions": None}, {"extensions": {"some": "value"}}]
)
async def test_optional_parameters_may_be_absent_or_null_and_extensions_unknown(
    client: httpx.AsyncClient, absent: dict[str, object]
) -> None:
    response = await client.post("/graphql", json={"query": "{ number(value: 3) }", **absent})
    assert response.json() == {"data": {"number": 3}}


async def test_empty_parameters_of_a_get_are_absent(client: httpx.AsyncClient) -> None:
    response = await client.get(
        "/graphql", params={"query": "{ number(value: 3) }", "variables": "", "operationName": "", "extensions": ""}
    )
    assert response.json() == {"data": {"number": 3}}


async def test_large_integers_in_variables_arrive_exact(client: httpx.AsyncClient) -> None:
    body = '{"query": "query($value: Int!) { number(value: $value) }", "variables": {"value": 9007199254740993}}'
    response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert "9007199254740993" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ('{"query": "{ number }"} rest', "not JSON"),
        *(
            (f'{{"query": "{{ number }}", {half}}}', "not JSON")
            for half in (
                '"query": "\\ud800"',
                '"query": "{ text(value: \\"\\udc00\\") }"',
                '"operationName": "\\ud800"',
                '"variables": {"value": "a\\ud800b"}',
                '"variables": {"\\ud800": 1}',
                '"variables": {"value": [{"deep": "\\udfff"}]}',
                '"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "\\ud800"}}',
                '"\\ud800": 1',
            )
        ),
        ('{"query": NaN}', "not JSON"),
        pytest.param('{"query": "{ number }", "variables": {"a": ' + "[" * 100_000, "not JSON", id="deep"),
        ("[]", "The body is an array: it must be an object."),
        ('[\n  {"query": "{ number }"}]', "Ask each question by itself: batches are not served."),
        ('"{ number }"', "The body is a string"),
        ("null", "The body is null"),
        ("{}", "`query`"),
        ('{"query": ""}', "`query`"),
        ('{"query": null}', "`query`"),
        ('{"query": {"obj": "ect"}}', "`query` is "),
        ('{"query": 0}', "`query` is "),
        ('{"query": false}', "`query` is "),
        ('{"query": ["array"]}', "`query` is "),
        ('{"query": "{ number }", "operationName": {"obj": "ect"}}', "`operationName` is "),
        ('{"query": "{ number }", "operationName": 0}', "`operationName` is "),
        ('{"query": "{ number }", "operationName": false}', "`operationName` is "),
        ('{"query": "{ number }", "operationName": ["array"]}', "`operationName` is "),
        ('{"query": "{ number }", "variables": "string"}', "`variables` is "),
        ('{"query": "{ number }", "variables": 0}', "`variables` is "),
        ('{"query": "{ number }", "variables": false}', "`variables` is "),
        ('{"query": "{ number }", "variables": ["array"]}', "`variables` is "),
        ('{"query": "{ number }", "extensions": "string"}', "`extensions` is "),
        ('{"query": "{ number }", "extensions": 0}', "`extensions` is "),
        ('{"query": "{ number }", "extensions": false}', "`extensions` is "),
        ('{"query": "{ number }", "extensions": ["array"]}', "`extensions` is "),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_a_body_that_is_no_request_is_400_and_names_the_reason(
    client: httpx.AsyncClient, body: str, named: str, accept: str
) -> None:
    response = await client.post(
        "/graphql", content=body, headers={"content-type": "application/json", "accept": accept}
    )
    assert response.status_code == 400
    assert named in reason(response)
    assert response.headers["content-type"] == accept


async def test_deep_nesting_is_refused_however_far_python_may_recurse(client: httpx.AsyncClient) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 100_000))  # as py_ecc does when it is imported
    try:
        for opening in ("[", '{"a":'):
            body = '{"query": "{ number }", "variables": {"a": ' + opening * 40_000
            response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
            assert response.status_code == 400
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("depth", [200, 500, 1_000])
async def test_nested_variables_are_no_fault(client: httpx.AsyncClient, depth: int) -> None:
    value = "[" * depth + "]" * depth
    body = f'{{"query": "query($value: String!) {{ text(value: $value) }}", "variables": {{"value": {value}}}}}'
    response = await client.post("/graphql", content=body, headers={**NEW, "content-type": "application/json"})
    assert response.status_code == 400


@pytest.mark.parametrize("content", [b'{"query": "\xff"}', '{"query": "{ number }"}'.encode("utf-16")])
async def test_a_body_that_is_not_utf_8_is_400(client: httpx.AsyncClient, content: bytes) -> None:
    response = await client.post("/graphql", content=content, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert "UTF-8" in reason(response)


@pytest.mark.parametrize("half", [r"\ud800", r"\udfff", r"\u{d800}", r"\udc00\ud800"])
async def test_half_a_sign_that_a_document_spells_out_is_no_document(client: httpx.AsyncClient, half: str) -> None:
    document = f'{{ text(value: "{half}") }}'
    posted = await client.post("/graphql", json={"query": document}, headers=NEW)
    got = await client.get("/graphql", params={"query": document}, headers=NEW)
    assert posted.status_code == got.status_code == 400
    assert "Invalid Unicode escape sequence" in posted.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "asked",
    [
        "query=%ED%A0%80",
        "query={number}&operationName=%ED%A0%80",
        "query={number}&variables=%7B%22a%22:%22%5Cud800%22%7D",
        "query={number}&variables=%7B%22a%22:%22%ED%A0%80%22%7D&operationName=b",
    ],
)
async def test_half_a_sign_in_a_query_string_is_400(client: httpx.AsyncClient, asked: str) -> None:
    response = await client.get(f"/graphql?{asked}", headers=NEW)
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({}, "`query`"),
        ({"query": ""}, "`query`"),
        ({"query": "{ number }", "variables": "{"}, "`variables` is not JSON"),
        ({"query": "{ number }", "variables": "[1]"}, "`variables` is "),
        pytest.param({"query": "{}", "variables": '{"a": ' + "[" * 10_000}, "`variables` is not JSON", id="deep"),
        ({"query": "{ number }", "extensions": '"x"'}, "`extensions` is "),
        ({"query": ["{ number }", "{ text }"]}, "`query` is given more than once"),
    ],
)
async def test_a_query_string_that_is_no_request_is_400(
    client: httpx.AsyncClient, params: dict[str, Any], named: str
) -> None:
    response = await client.get("/graphql", params=params)
    assert response.status_code == 400
    assert named in reason(response)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "text/plain; a=application/json",
        "application/json; charset=iso-8859-1",
    ],
)
async def test_another_content_type_is_415(client: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    response = await client.post("/graphql", content='{"query": "{ number }"}', headers=headers)
    assert response.status_code == 415
    assert response.headers["accept-post"] == "application/json"
    assert reason(response)


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
async def test_a_body_in_another_coding_is_415_even_where_it_would_be_understood(
    client: httpx.AsyncClient, coding: str
) -> None:
    for headers in ({}, {"content-encoding": "Identity"}):  # so that it has been answered before
        plain = await client.post("/graphql", json={"query": "{ number }"}, headers=headers)
        assert plain.json() == {"data": {"number": 0}}
    response = await client.post("/graphql", json={"query": "{ number }"}, headers={"content-encoding": coding})
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "identity"
    assert reason(response) == "The body must come as it is, without a Content-Encoding."


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON ; Charset=UTF-8", 'application/json; charset="utf-8"']
)
async def test_json_may_say_its_charset(client: httpx.AsyncClient, content_type: str) -> None:
    response = await client.post("/graphql", content='{"query": "{ number }"}', headers={"content-type": content_type})
    assert response.json() == {"data": {"number": 0}}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
async def test_another_method_is_405_and_names_the_right_ones(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert reason(response)


async def test_options_tells_the_methods(client: httpx.AsyncClient) -> None:
    response = await client.options("/graphql")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == "GET, HEAD, POST, OPTIONS"


async def test_head_is_a_get_without_its_body(client: httpx.AsyncClient) -> None:
    response = await client.head("/graphql", params={"query": "{ number }"})
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "application/json"
    assert (await client.head("/graphql")).status_code == 400


async def test_an_announced_body_over_the_limit_is_413(start: Start, client_of: ClientOf) -> None:
    client = client_of(start(max_body_bytes=2048))
    response = await client.post("/graphql", json={"query": "{ number }", "variables": {"a": "x" * 2048}})
    assert response.status_code == 413
    assert "2048 bytes" in reason(response)


async def test_a_streamed_body_over_the_limit_is_413(start: Start, client_of: ClientOf) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 1024

    client = client_of(start(max_body_bytes=2048))
    response = await client.post("/graphql", content=body(), headers={"content-type": "application/json"})
    assert response.status_code == 413


async def test_an_endless_body_is_cut_off(start: Start, client_of: ClientOf) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1_000_000_000:
            sent += 65_536
            yield b" " * 65_536

    client = client_of(start(max_body_bytes=2048))
    try:
        response = await client.post("/graphql", content=endless(), headers={"content-type": "application/json"})
    except httpx.TransportError:
        pass  # the connection was closed before all of the answer had come
    else:
        assert response.status_code == 413
    assert sent < 100_000_000


async def test_a_body_of_the_limit_exactly_is_read(start: Start, client_of: ClientOf) -> None:
    client = client_of(start(max_body_bytes=2048))
    body = b'{"query": "{ number }"}'.ljust(2048)
    response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.json() == {"data": {"number": 0}}


async def test_a_body_that_does_not_come_is_408(start: Start, client_of: ClientOf) -> None:
    client = client_of(start(body_timeout=0.05))
    address = urlsplit(str(client.base_url))
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"The body took too long to come." in answer


async def test_a_client_that_leaves_while_it_sends_does_no_harm(client: httpx.AsyncClient) -> None:
    address = urlsplit(str(client.base_url))
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
    await writer.drain()
    writer.close()
    assert (await client.get("/graphql", params={"query": "{ number }"})).status_code == 200


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    body=st.one_of(
        st.binary(max_size=100),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["query", "variables", "operationName", "extensions", "other"]), inner, max_size=4
                )
            ),
            max_leaves=8,
        ),
    )
)
async def test_no_body_makes_the_server_fail(client: httpx.AsyncClient, body: Any) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = await client.post("/graphql", content=content, headers={**NEW, "content-type": "application/json"})
    assert response.status_code in {200, 400}
    assert response.json().keys() <= {"data", "errors"}
