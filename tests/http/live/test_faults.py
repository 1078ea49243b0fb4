"""A fault of ours, on every way that questions come: the client is told an id, and the log has the rest under it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx
import pytest
from structlog.testing import capture_logs

from sent_graphql.cache.snapshots import SnapshotCache
from sent_graphql.live.hub import LiveQueryHub
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema.build import build_schema
from sent_graphql.settings import GraphqlSettings, LiveSettings
from sent_graphql.tasks import end

SECRET = "https://rpc.example/key-123"
QUESTION = '{ wallet(address: "0x0000000000000000000000000000000000000001") { id } }'
STREAM = {"accept": "text/event-stream"}


class Broken(dict[str, int]):
    """What a resolver fails at."""

    def get(self, key: object, default: Any = None) -> NoReturn:
        """Fails."""
        raise RuntimeError(SECRET)


@dataclass
class Faulty:
    """A service whose wallets cannot be read; with `everywhere` set, nothing can be executed at all."""

    stage: Any
    everywhere: bool = False


@pytest.fixture
async def faulty(serve: Callable[..., Any], make: Any) -> AsyncIterator[Faulty]:
    """One that runs."""
    snapshots = SnapshotCache(make.snapshot(make.state(accrued=Broken({"x": 1})), version=1))
    options = ResolverOptions("mainnet", 100, 2500)
    faulty = Faulty(None)

    def make_context(snapshot: Snapshot) -> RequestContext:
        if faulty.everywhere:
            raise RuntimeError(SECRET)
        return RequestContext(snapshot, options)

    schema = build_schema(GraphqlSettings(), "mainnet")
    hub = LiveQueryHub(schema, snapshots, make_context, LiveSettings())
    faulty.stage = await serve(schema=schema, snapshots=snapshots, make_context=make_context, live_queries=hub)
    following = asyncio.create_task(hub.run())
    yield faulty
    await end([following])


async def by_post(stage: Any, question: str) -> str:
    """The answer to a POST."""
    async with httpx.AsyncClient(timeout=30) as client:
        return (await client.post(stage.url, json={"query": question})).text


async def by_get(stage: Any, question: str) -> str:
    """The answer to a GET."""
    async with httpx.AsyncClient(timeout=30) as client:
        return (await client.get(stage.url, params={"query": question})).text


async def by_stream(stage: Any, question: str) -> str:
    """All events."""
    async with httpx.AsyncClient(timeout=30) as client:
        return (await client.post(stage.url, json={"query": question}, headers=STREAM)).text


async def by_websocket(stage: Any, question: str) -> str:
    """The message that answers."""
    client = await stage.client()
    await client.init()
    await client.subscribe("1", question)
    return json.dumps(await client.hear())


async def by_legacy_websocket(stage: Any, question: str) -> str:
    """The same in the older protocol."""
    client = await stage.client("graphql-ws")
    await client.say(type="connection_init")
    await client.say(type="start", id="1", payload={"query": question})
    while (message := await client.hear())["type"] in {"connection_ack", "ka"}:
        continue
    return json.dumps(message)


def told_ids(text: str) -> list[str]:
    """The ids of all errors in an answer, whatever it is wrapped in."""
    return re.findall(r'"id": ?"([0-9a-f]{16})"', text)


@pytest.mark.parametrize("everywhere", [False, True], ids=["in a resolver", "outside of resolvers"])
@pytest.mark.parametrize(
    ("ask", "question"),
    [
        (by_post, QUESTION),
        (by_get, QUESTION),
        (by_stream, QUESTION),
        (by_stream, f"subscription {QUESTION}"),
        (by_websocket, QUESTION),
        (by_websocket, f"subscription {QUESTION}"),
        (by_legacy_websocket, QUESTION),
        (by_legacy_websocket, f"subscription {QUESTION}"),
    ],
)
async def test_a_fault_is_told_as_an_id_that_the_log_explains(
    faulty: Faulty, ask: Callable[[Any, str], Awaitable[str]], question: str, everywhere: bool
) -> None:
    faulty.everywhere = everywhere
    with capture_logs() as lines:
        answer = await ask(faulty.stage, question)
    assert '"INTERNAL"' in answer
    assert not any(word in answer for word in (SECRET, "rpc.example", "RuntimeError", "Traceback", ".py"))
    (explained,) = [line for line in lines if line["log_level"] == "error"]
    assert told_ids(answer) == [explained["id"]]
    assert str(explained["exc_info"]) == SECRET

    faulty.everywhere = False
    assert '"version"' in await ask(faulty.stage, "{ meta { version } }")
