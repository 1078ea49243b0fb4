"""What caches and browsers are told, and that an answer from the cache differs in nothing from the one before it."""

import asyncio
import gzip
import hashlib
import json
from typing import Any

import httpx
import pytest
import structlog

from sent_graphql.http.codings import LEAST_COMPRESSED, preferred_coding
from sent_graphql.http.freshness import has_already
from sent_graphql.http.replies import SECURITY_HEADERS

NETWORK = "{ network { blockHeight } }"
LONG = "{ serviceNodes { nodes { id pubkey pubkeyBls contributors { address beneficiary amount } } } }"
CHANGING = {"x-request-id", "date", "ratelimit"}
ELSEWHERE = "https://wallet.example"


def lasting(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in CHANGING}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"accept": "application/graphql-response+json"},
        {"origin": ELSEWHERE},
        {"origin": "https://unknown.example"},
        {"accept-encoding": "gzip"},
        {"if-none-match": "*"},
    ],
)
@pytest.mark.parametrize("query", [NETWORK, LONG])
async def test_a_replayed_answer_is_the_one_that_was_given_before(
    serve: Any, method: str, headers: dict[str, str], query: str
) -> None:
    served = await serve(cors_origins=(ELSEWHERE,))
    parameters: dict[str, Any] = {"json": {"query": query}} if method == "POST" else {"params": {"query": query}}
    async with httpx.AsyncClient(base_url=served.address, headers={"accept-encoding": "identity"}) as client:
        answers = [await client.request(method, "/graphql", headers=headers, **parameters) for _ in range(3)]
    first, *others = answers
    assert len(served.executed) == 1
    for other in others:
        assert (other.status_code, other.content, lasting(other)) == (first.status_code, first.content, lasting(first))
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3
    assert SECURITY_HEADERS.items() <= dict(first.headers).items()
    vary = {name.strip().lower() for name in first.headers["vary"].split(",")}
    assert vary == {"accept", "accept-encoding", "origin"}
    is_known = headers.get("origin") == ELSEWHERE
    assert first.headers.get("access-control-allow-origin") == (ELSEWHERE if is_known else None)


async def test_a_replayed_answer_has_its_line_in_the_log(client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            answer = await client.post(
                "/graphql", json={"query": "query Named { network { hardFork } }", "operationName": "Named"}
            )
    told = [line for line in lines if line["event"] == "request"]
    assert len(told) == 3
    assert told[-1] == {
        **told[0],
        "request_id": answer.headers["x-request-id"],
        "duration_ms": told[-1]["duration_ms"],
        "bytes": len(answer.content),
        "operation": "Named",
        "status": 200,
    }


async def test_who_has_the_answer_is_not_sent_it_again(client: httpx.AsyncClient, served: Any) -> None:
    async def get(**headers: str) -> httpx.Response:
        return await client.get("/graphql", params={"query": LONG}, headers=headers)

    etag = (await get()).headers["etag"]
    for _ in range(2):
        again = await get(**{"if-none-match": f'"other", {etag}'})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
        assert "content-type" not in again.headers
        assert again.headers["cache-control"].startswith("public")
    await served.publish()  # of the nodes nothing has changed
    assert (await get(**{"if-none-match": etag})).status_code == 304
    assert (await get(**{"if-none-match": 'W/"other"'})).status_code == 200
    posted = await client.post("/graphql", json={"query": LONG}, headers={"if-none-match": etag})
    assert posted.status_code == 200
    assert "etag" not in posted.headers
    assert posted.headers["cache-control"] == "no-store"


async def test_the_older_the_snapshot_the_shorter_an_answer_may_be_kept(client: httpx.AsyncClient, served: Any) -> None:
    kept = []
    for seconds in (0, 2, 3.5, 4.9, 60, -60):
        served.clock.now += seconds
        for _ in range(2):
            answer = await client.get("/graphql", params={"query": NETWORK})
            kept.append(answer.headers["cache-control"])
        served.clock.now -= seconds
    ages = [5, 3, 2, 1, 1, 5]
    assert kept == [f"public, max-age={seconds}" for seconds in ages for _ in range(2)]
    assert len(served.executed) == 1


async def test_nobody_keeps_answers_where_the_setting_is_0(serve: Any) -> None:
    served = await serve(cache={"max_age": 0})
    async with httpx.AsyncClient(base_url=served.address) as client:
        answer = await client.get("/graphql", params={"query": NETWORK})
    assert answer.headers["cache-control"] == "public, max-age=0"
    assert "etag" in answer.headers


async def test_long_answers_are_compressed_once_for_all_who_take_that(
    client: httpx.AsyncClient, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compressions = 0
    real = gzip.compress

    def compress(*args: Any, **kwargs: Any) -> bytes:
        nonlocal compressions
        compressions += 1
        return real(*args, **kwargs)

    monkeypatch.setattr(gzip, "compress", compress)
    whole = await client.post("/graphql", json={"query": LONG})
    assert "content-encoding" not in whole.headers
    for accepted in ("gzip", "br, gzip;q=0.5", "*", "gzip"):
        answer = await client.post("/graphql", json={"query": LONG}, headers={"accept-encoding": accepted})
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) < len(whole.content)
        assert answer.content == whole.content
    assert compressions == 1
    short = await client.post("/graphql", json={"query": NETWORK}, headers={"accept-encoding": "gzip"})
    assert len(short.content) < LEAST_COMPRESSED
    assert "content-encoding" not in short.headers
    assert len(served.executed) == 2


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("", "identity"),
        ("gzip", "gzip"),
        ("GZIP ; Q=0.3", "gzip"),
        ("x-gzip", "gzip"),
        ("*", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0, *", "identity"),
        ("*;q=0", "identity"),
        ("identity, gzip;q=0.5", "identity"),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("br, zstd", "identity"),
        ("gzip;q=nonsense", "identity"),
        (",,;q=, gzip", "gzip"),
    ],
)
def test_the_coding_is_the_one_that_is_liked_best(header: str, coding: str) -> None:
    assert preferred_coding(header) == coding


@pytest.mark.parametrize(
    ("header", "has"),
    [("", False), ("*", True), ('"a"', True), ('W/"a"', True), ('"b", W/"a"', True), ('"b"', False), ("a", False)],
)
def test_etags_are_compared_weakly(header: str, has: bool) -> None:
    assert has_already(header, 'W/"a"') is has


def named(document: str, **changes: Any) -> dict[str, Any]:
    digest = hashlib.sha256(document.encode()).hexdigest()
    return {"persistedQuery": {"version": 1, "sha256Hash": digest, **changes}}


async def test_a_document_is_sent_once_and_named_from_then_on(client: httpx.AsyncClient, served: Any) -> None:
    parameters = {"extensions": json.dumps(named(NETWORK))}
    unknown = await client.get("/graphql", params=parameters)
    assert unknown.status_code == 200
    (error,) = unknown.json()["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    assert unknown.headers["cache-control"] == "no-store"
    told = await client.get("/graphql", params={**parameters, "query": NETWORK})
    assert told.json()["data"] == {"network": {"blockHeight": 836}}
    for _ in range(2):
        by_name = await client.get("/graphql", params=parameters)
        assert by_name.content == told.content
        assert by_name.headers["cache-control"].startswith("public")
        posted = await client.post("/graphql", json={"extensions": named(NETWORK)})
        assert posted.content == told.content
    assert len(served.executed) == 1


async def test_an_unknown_name_is_a_400_in_the_media_type_that_has_statuses(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/graphql", json={"extensions": named("{ x }")}, headers={"accept": "application/graphql-response+json"}
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == "PersistedQueryNotFound"


@pytest.mark.parametrize(
    ("extensions", "said"),
    [
        (named(LONG), "`extensions.persistedQuery.sha256Hash` is not the SHA-256 of `query`."),
        (named(NETWORK, version=2), "its `version` 1."),
        (named(NETWORK, version="1"), "its `version` 1."),
        (named(NETWORK, sha256Hash="00"), "must be a document's SHA-256: 64 hex digits in lower case."),
        (named(NETWORK, sha256Hash=None), "must be a document's SHA-256: 64 hex digits in lower case."),
        ({"persistedQuery": "x"}, "`extensions.persistedQuery` must be an object"),
        ({"persistedQuery": []}, "`extensions.persistedQuery` must be an object"),
    ],
)
async def test_a_wrong_name_is_refused_and_names_nothing(
    client: httpx.AsyncClient, extensions: dict[str, Any], said: str
) -> None:
    answer = await client.post("/graphql", json={"query": NETWORK, "extensions": extensions})
    assert answer.status_code == 400
    assert said in answer.json()["errors"][0]["message"]
    unknown = await client.post("/graphql", json={"extensions": named(LONG)})
    assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotFound"


async def test_a_mutation_by_name_is_not_served_by_get(client: httpx.AsyncClient) -> None:
    mutation = 'mutation { requestRewardsClaim(address: "0x") { __typename } }'
    answer = await client.get("/graphql", params={"query": mutation, "extensions": json.dumps(named(mutation))})
    assert answer.status_code == 405


async def raw(address: str, *parts: bytes) -> bytes:
    """Sends a request piece by piece; gives the answer's head."""
    url = httpx.URL(address)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.05)  # the server has its turn in between
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return head


def request(body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return (
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % size
    ) + body


async def test_a_body_in_pieces_is_the_same_question(served: Any) -> None:
    body = json.dumps({"query": NETWORK}).encode()
    head = request(b"", len(body))
    for pieces in ([head + body], [head, body], [head, body[:5], body[5:]], [head + body[:5], body[5:]]):
        assert (await raw(served.address, *pieces)).startswith(b"HTTP/1.1 200 ")
    assert len(served.executed) == 1


async def test_a_body_that_does_not_come_is_waited_for_no_longer_than_the_setting_says(serve: Any) -> None:
    served = await serve(body_timeout=0.2)
    body = json.dumps({"query": NETWORK}).encode()
    assert (await raw(served.address, request(body))).startswith(b"HTTP/1.1 200 ")
    for pieces in ([request(b"", len(body))], [request(body[:5], len(body))]):
        assert (await raw(served.address, *pieces)).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_is_too_large_is_refused_as_often_as_it_comes(serve: Any) -> None:
    served = await serve(max_body_bytes=1_024)
    async with httpx.AsyncClient(base_url=served.address) as client:
        for _ in range(3):
            answer = await client.post("/graphql", json={"query": NETWORK + " " * 1_024})
            assert answer.status_code == 413


async def test_another_content_type_is_refused_though_the_body_is_known(client: httpx.AsyncClient) -> None:
    body = json.dumps({"query": NETWORK}).encode()
    for content_type, status in (("application/json", 200), ("text/plain", 415), ("application/json", 200)):
        answer = await client.post("/graphql", content=body, headers={"content-type": content_type})
        assert answer.status_code == status


async def test_every_answer_counts_for_the_rate_limit(client: httpx.AsyncClient) -> None:
    left = []
    for _ in range(4):
        answer = await client.post("/graphql", json={"query": NETWORK})
        left.append(int(answer.headers["ratelimit"].split("r=")[1].split(";")[0]))
    assert len(answer.headers.get_list("ratelimit")) == 1
    assert left[0] > left[1]
