"""More questions than can be answered: each is answered whole or told to come again, and health is always told."""

import asyncio
import gzip
import json
import random
from collections import Counter
from typing import Any

import httpx
import pytest

from sent_graphql.http import cached_answers, codings, turns

NODES = 1_000
QUESTION = "{ serviceNodes(first: 1000) { nodes { pubkey state contractId operator totalContributed } } }"
GZIP = {"accept-encoding": "gzip"}


async def asked(client: httpx.AsyncClient, number: int) -> httpx.Response:
    """The answer to a question that differs from those of all other numbers."""
    return await client.post("/graphql", json={"query": QUESTION, "variables": {"number": number}}, headers=GZIP)


def posted(number: int) -> bytes:
    """The same as raw HTTP."""
    body = json.dumps({"query": QUESTION, "variables": {"number": number}}).encode()
    head = b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\naccept-encoding: gzip\r\n"
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


async def test_an_operation_keeps_its_room_until_its_answer_is_compressed(
    host: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compressing, go_on = asyncio.Event(), asyncio.Event()
    compress = codings.compressed

    async def slowly(body: bytes) -> bytes:
        compressing.set()
        await go_on.wait()
        return await compress(body)

    monkeypatch.setattr(cached_answers, "compressed", slowly)
    here = await host(
        state=make.state(*(make.node(number) for number in range(1, NODES + 1))),
        graphql={"max_cost_at_once": 1, "max_waiting": 0},
    )
    first = asyncio.create_task(asked(here.client, 1))
    await asyncio.wait({first, waiting := asyncio.create_task(compressing.wait())}, return_when="FIRST_COMPLETED")
    assert waiting.done(), first.result().text
    async with asyncio.timeout(30):
        refused = await asked(here.client, 2)
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (503, "OVERLOADED")
    assert int(refused.headers["retry-after"]) > 0
    go_on.set()
    answered = await first
    assert (answered.status_code, answered.headers["content-encoding"]) == (200, "gzip")
    assert len(answered.json()["data"]["serviceNodes"]["nodes"]) == NODES
    assert (await asked(here.client, 2)).status_code == 200


async def test_in_a_flood_each_is_answered_or_refused_and_health_is_told(host: Any, make: Any) -> None:
    here = await host(
        state=make.state(*(make.node(number) for number in range(1, NODES + 1))),
        graphql={"max_cost_at_once": 1, "max_waiting": 3},
        http={"max_connections_per_address": 500},
    )
    strangers = [await here.stranger() for _ in range(200)]
    for number, stranger in enumerate(strangers):
        await stranger.say(posted(number))
    answering = asyncio.gather(*(stranger.answer() for stranger in strangers))
    while not answering.done():
        assert (await here.client.get("/healthz")).status_code == 200
    statuses: Counter[str] = Counter()
    for answer in await answering:
        head, _, body = answer.partition("\r\n\r\n")
        statuses[head.split()[1]] += 1
        if "\r\ncontent-encoding: gzip" in head:
            body = gzip.decompress(body.encode("latin-1")).decode()
        told = json.loads(body)
        if "data" in told:
            assert len(told["data"]["serviceNodes"]["nodes"]) == NODES
        else:
            assert told["errors"][0]["extensions"]["code"] == "OVERLOADED"
    assert statuses.keys() == {"200", "503"}
    assert await here.is_well()


async def test_operations_of_one_connection_wait_for_a_turn_of_the_loop_with_time_left(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await host(http={"max_delay": 0.01})
    opened = await here.websocket()
    monkeypatch.setattr(turns, "LONGEST", -1.0)  # as if each turn had lasted for long
    await opened.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": "{ meta { version } }"}}))
    async with asyncio.timeout(30):
        told = json.loads(await opened.recv())
    assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", "OVERLOADED")
    monkeypatch.undo()
    await opened.send(json.dumps({"id": "2", "type": "subscribe", "payload": {"query": "{ meta { version } }"}}))
    async with asyncio.timeout(30):
        assert json.loads(await opened.recv())["type"] == "next"


async def test_whoever_asks_in_whatever_way_gets_the_same_answer_and_all_room_is_given_back(
    host: Any, make: Any
) -> None:
    here = await host(
        state=make.state(*(make.node(number) for number in range(1, NODES + 1))),
        graphql={"max_cost_at_once": 40_000},  # room for a few
        rate_limit={"enabled": False},
    )
    chance = random.Random(5)
    expected = (await asked(here.client, -1)).json()

    async def ask(number: int) -> None:
        body = {"query": QUESTION, "variables": {"number": number % 7}}
        headers = {"accept-encoding": chance.choice(["gzip", "identity"])}
        if chance.random() < 0.5:
            parameters = {"query": QUESTION, "variables": json.dumps(body["variables"])}
            asking = here.client.get("/graphql", params=parameters, headers=headers)
        else:
            asking = here.client.post("/graphql", json=body, headers=headers)
        try:
            async with asyncio.timeout(0.02 if chance.random() < 0.2 else 60):
                answer = await asking
        except TimeoutError:
            return  # gone, perhaps in the midst of making what others wait for
        assert answer.status_code == 200
        assert answer.headers.get("content-encoding", "identity") == headers["accept-encoding"]
        assert ("etag" in answer.headers) == (answer.request.method == "GET")
        assert answer.json()["data"] == expected["data"]

    for _ in range(3):
        await asyncio.gather(*(ask(number) for number in range(60)))
    last = await here.ask(QUESTION, variables={"number": "last"})
    assert last.status_code == 200
    assert here.workload.under_way == here.workload.waiting == 0
