"""The nginx example with traffic in it: other people's clients, the file as it is shipped, and the service itself.

All of 127.0.0.0/8 is this machine, so that clients can come from several addresses.
"""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

ASSETS = Path(__file__).parents[2] / "sent_graphql" / "static" / "graphiql"
PATIENCE = 60
"""Seconds that an expected event may take on a busy machine."""

HEIGHT = "subscription { network { blockHeight } }"
STABLE = "{ network { netType } }"
DEAR = 'mutation { requestRewardsClaim(address: "0x0000000000000000000000000000000000000000") { errors { code } } }'
NODES = "serviceNodes { nodes { id pubkey pubkeyBls state publicIp contributors { address amount } } }"
LARGE = f"{{ {' '.join(f'a{n}: {NODES}' for n in range(100))} }}"
JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
ITS_OWN = {
    *("date", "server", "connection", "strict-transport-security"),
    *("x-request-id", "cache-control", "ratelimit"),
}
"""Headers that nginx answers for, or that are another's with every answer."""

pytestmark = pytest.mark.xdist_group("deployed")  # one service for all of them

REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "POST": ("POST", "/graphql", {"json": {"query": STABLE}}),
    "GET": ("GET", "/graphql", {"params": {"query": STABLE}}),
    "refused": ("POST", "/graphql", {"json": {"query": "{"}, "headers": {"accept": GRAPHQL_JSON}}),
    "no JSON": ("POST", "/graphql", {"content": b"{", "headers": {"content-type": JSON}}),
    "mutation by GET": ("GET", "/graphql", {"params": {"query": "mutation { __typename }"}}),
    "method": ("DELETE", "/graphql", {}),
    "page": ("GET", "/graphql", {"headers": {"accept": "text/html"}}),
    "a long line": ("GET", "/graphql", {"params": {"query": STABLE + "#" + "a" * 12_000}}),
    "a large body": ("POST", "/graphql", {"json": {"query": STABLE, "extensions": {"a": "a" * 250_000}}}),
    "home": ("GET", "/", {}),
    "health": ("GET", "/healthz", {}),
    "nothing": ("GET", "/nothing", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
async def test_the_answer_is_the_services_own(
    client_from: Callable[..., httpx.AsyncClient], site: Any, name: str
) -> None:
    method, path, more = REQUESTS[name]
    by_nginx = await client_from().request(method, path, **more)
    by_itself = await client_from(url=site.behind).request(method, path, **more)
    assert by_nginx.status_code == by_itself.status_code
    assert by_nginx.content == by_itself.content
    assert not by_nginx.headers["server"].count("/")
    assert "strict-transport-security" in by_nginx.headers
    told = [
        {pair for pair in answer.headers.multi_items() if pair[0] not in ITS_OWN} for answer in (by_nginx, by_itself)
    ]
    assert told[0] == told[1]


async def test_health_is_told_and_metrics_are_not(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).status_code == (await client.get("/readyz")).status_code == 200
    assert (await client.get("/metrics")).status_code == 404


async def test_who_comes_unencrypted_is_sent_on_with_method_and_body(
    client_from: Callable[..., httpx.AsyncClient], site: Any
) -> None:
    answer = await client_from(url=site.plain_url).post("/graphql?a=1", json={"query": STABLE})
    assert answer.status_code == 308
    assert answer.headers["location"] == "https://localhost/graphql?a=1"


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_a_browser_that_has_the_answer_is_told_so(client: httpx.AsyncClient, coding: str) -> None:
    ask = {"accept-encoding": coding}
    first = await client.get("/graphql", params={"query": STABLE}, headers=ask)
    again = await client.get(
        "/graphql", params={"query": STABLE}, headers={**ask, "if-none-match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_large_answers_pass_whole_and_as_they_were_compressed(client: httpx.AsyncClient, coding: str) -> None:
    question = client.build_request("POST", "/graphql", json={"query": LARGE}, headers={"accept-encoding": coding})
    answer = await client.send(question, stream=True)
    raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers.get("content-encoding", "identity") == coding
    assert int(answer.headers["content-length"]) == len(raw)
    body = gzip.decompress(raw) if coding == "gzip" else raw
    assert len(body) > 1_000_000
    assert len(json.loads(body)["data"]) == 100


async def test_the_explorer_comes_compressed_under_its_policy_and_is_kept(client: httpx.AsyncClient) -> None:
    page = await client.get("/graphql", headers={"accept": "text/html"})
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert len(page.headers.get_list("content-security-policy")) == 1
    names = re.findall(r'(?:src|href)="static/graphiql/([^"]+)"', page.text)
    assert len(names) >= 8
    for name in names:
        asset = await client.get(f"/static/graphiql/{name}")
        assert asset.content == (ASSETS / name).read_bytes()
        assert asset.headers["x-content-type-options"] == "nosniff"
        assert asset.headers["content-encoding"] == "gzip"
        kept = await client.get(f"/static/graphiql/{name}", headers={"if-none-match": asset.headers["etag"]})
        assert kept.status_code == 304


@pytest.fixture
def websocket(site: Any) -> Callable[..., Any]:
    """A WebSocket of a page that came from `origin`."""

    def websocket(origin: str) -> Any:
        return connect(
            f"{site.url.replace('https', 'wss')}/graphql",
            ssl=site.trust,
            origin=Origin(origin),
            subprotocols=[Subprotocol("graphql-transport-ws")],
            open_timeout=PATIENCE,
        )

    return websocket


async def test_a_page_of_the_site_subscribes_by_websocket(websocket: Callable[..., Any], site: Any) -> None:
    async with asyncio.timeout(PATIENCE), websocket(site.url) as opened:
        assert opened.subprotocol == "graphql-transport-ws"
        await opened.send('{"type":"connection_init"}')
        assert json.loads(await opened.recv()) == {"type": "connection_ack"}
        await opened.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": HEIGHT}}))
        heights = [json.loads(await opened.recv())["payload"]["data"]["network"]["blockHeight"] for _ in range(3)]
    assert heights == sorted(set(heights))


async def test_a_page_of_another_site_does_not(websocket: Callable[..., Any]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with websocket("https://elsewhere.example"):
            pass
    assert refused.value.response.status_code == 403


async def test_events_come_one_by_one_while_the_stream_is_open(client: httpx.AsyncClient) -> None:
    stream = {"accept": "text/event-stream", "accept-encoding": "gzip"}
    heights: list[int] = []
    async with (
        asyncio.timeout(PATIENCE),
        client.stream("POST", "/graphql", json={"query": HEIGHT}, headers=stream) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                heights.append(json.loads(line.removeprefix("data: "))["data"]["network"]["blockHeight"])
            if len(heights) == 3:
                break
    assert heights == sorted(set(heights))


async def pieces() -> AsyncIterator[bytes]:
    """A body whose length is not told."""
    for _ in range(40):
        yield b" " * 10_000


@pytest.mark.parametrize("body", [b" " * 300_000, pieces], ids=["told", "untold"])
async def test_a_body_that_is_too_large_is_refused_in_the_services_form(client: httpx.AsyncClient, body: Any) -> None:
    content = body() if callable(body) else body
    answer = await client.post("/graphql", content=content, headers={"content-type": JSON})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == JSON
    assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


async def test_each_client_has_its_own_limit_whatever_it_says_of_itself(
    client_from: Callable[..., httpx.AsyncClient], site: Any
) -> None:
    async def claims(client: httpx.AsyncClient, forwarded: str | None = None) -> int:
        headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
        return (await client.post("/graphql", json={"query": DEAR}, headers=headers)).status_code

    one, other, past_nginx = client_from("127.0.0.2"), client_from("127.0.0.3"), client_from("127.0.0.4", site.behind)
    assert [await claims(one), await claims(one)] == [200, 429]
    assert [await claims(one, "198.51.100.7"), await claims(one, "127.0.0.1, 198.51.100.8")] == [429, 429]
    assert [await claims(other, "127.0.0.2"), await claims(other)] == [200, 429]
    assert [await claims(past_nginx, "198.51.100.9"), await claims(past_nginx, "198.51.100.10")] == [200, 429]


async def measured(site: Any, name: str) -> float:
    """One of the service's metrics."""
    async with httpx.AsyncClient() as client:
        told = (await client.get(site.metrics)).text
    return float(re.search(rf"^{name} (\S+)$", told, re.MULTILINE)[1])  # type: ignore[index]


async def test_connections_to_the_service_are_used_again(
    client_from: Callable[..., httpx.AsyncClient], site: Any
) -> None:
    before = await measured(site, "sent_graphql_http_connections")
    for _ in range(20):
        client = client_from()
        assert (await client.get("/healthz")).status_code == 200
        await client.aclose()
    assert 1 <= await measured(site, "sent_graphql_http_connections") <= max(before, 1)


async def test_slow_uploads_stay_with_nginx_which_takes_only_so_many_of_one_address(
    client_from: Callable[..., httpx.AsyncClient], site: Any
) -> None:
    before = await measured(site, "sent_graphql_http_connections")
    head = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
    port = httpx.URL(site.url).port
    held: list[asyncio.StreamWriter] = []
    try:
        for _ in range(500):
            _, writer = await asyncio.open_connection("localhost", port, ssl=site.trust, local_addr=("127.0.0.5", 0))
            writer.write(head)
            held.append(writer)
        answer = await client_from("127.0.0.5").post("/graphql", json={"query": STABLE})
        assert answer.status_code == 429
        assert answer.json()["errors"][0]["extensions"] == {"code": "TOO_MANY_CONNECTIONS"}
        assert (await client_from("127.0.0.6").post("/graphql", json={"query": STABLE})).status_code == 200
        assert await measured(site, "sent_graphql_http_connections") <= max(before, 1)
    finally:
        for writer in held:
            writer.transport.abort()


async def test_a_service_that_is_away_is_told_of_in_its_form(
    client_from: Callable[..., httpx.AsyncClient], site_without_service: str
) -> None:
    answer = await client_from(url=site_without_service).post("/graphql", json={"query": STABLE})
    assert answer.status_code == 502
    assert answer.headers["content-type"] == JSON
    assert answer.json()["errors"][0]["extensions"] == {"code": "NOT_READY"}
