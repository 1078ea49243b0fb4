"""Server-Sent Events, byte by byte."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

STREAM = {"accept": "text/event-stream"}
COUNT = {"query": "subscription { count }"}


@asynccontextmanager
async def _opened(stage: Any, body: Any = COUNT, method: str = "POST") -> AsyncIterator[Any]:
    arguments = {"json": body} if method == "POST" else {"params": body}
    async with (
        httpx.AsyncClient(timeout=30) as client,
        client.stream(method, stage.url, headers=STREAM, **arguments) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert "no-store" in response.headers["cache-control"]
        yield _events(response)


async def _events(response: httpx.Response) -> AsyncIterator[tuple[str | None, str | None]]:
    """Events as (name, data); comments have neither."""
    event: list[str] = []
    async for line in response.aiter_lines():
        if line:
            event.append(line)
            continue
        fields = dict(part.split(":", 1) for part in event if not part.startswith(":"))
        yield (fields["event"].strip(), fields["data"].strip()) if fields else (None, None)
        event = []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_subscription_is_a_stream_of_events(stage: Any, method: str) -> None:
    async with _opened(stage, method=method) as events:
        name, data = await anext(events)
        assert (name, json.loads(data)) == ("next", {"data": {"count": 1}})
        subscription = await stage.live.begun.get()
        await subscription.tell(b'{"data":{"count":2}}')
        assert json.loads((await anext(events))[1]) == {"data": {"count": 2}}
        await subscription.outlet.complete()
        assert await anext(events) == ("complete", "")
        with pytest.raises(StopAsyncIteration):
            await anext(events)


async def test_a_refused_subscription_is_one_event_with_errors(stage: Any) -> None:
    async with _opened(stage, {"query": "subscription { refused }"}) as events:
        assert json.loads((await anext(events))[1]) == {
            "errors": [{"message": "No such thing"}, {"message": "Nor that"}]
        }
        assert (await anext(events))[0] == "complete"


async def test_a_fault_of_ours_is_one_event_with_a_masked_error(stage: Any) -> None:
    async with _opened(stage, {"query": "subscription { broken }"}) as events:
        (error,) = json.loads((await anext(events))[1])["errors"]
        assert (error["message"], error["extensions"]["code"]) == ("Internal error", "INTERNAL")
        assert (await anext(events))[0] == "complete"


async def test_queries_and_mutations_are_answered_too(stage: Any) -> None:
    for query, data in (("{ one }", {"one": 1}), ("mutation { touch }", {"touch": True})):
        async with _opened(stage, {"query": query}) as events:
            assert json.loads((await anext(events))[1]) == {"data": data}
            assert (await anext(events))[0] == "complete"


async def test_a_client_that_is_gone_is_unsubscribed(stage: Any) -> None:
    async with _opened(stage) as events:
        await anext(events)
        subscription = await stage.live.begun.get()
    await asyncio.wait_for(subscription.stopped.wait(), 10)
    await stage.connections.emptied()


async def test_signs_of_life_come_between_events(serve: Any) -> None:
    async with _opened(await serve(ping_interval=0.05)) as events:
        await anext(events)
        assert await anext(events) == (None, None)
        assert await anext(events) == (None, None)


async def test_a_sign_of_life_that_comes_too_late_is_no_fault(stage: Any) -> None:
    async with _opened(stage) as events:
        await anext(events)
        subscription = await stage.live.begun.get()
        subscription.outlet._ping(60)
        await subscription.outlet.complete()
        await anext(events)
        await subscription.outlet._pinging


async def test_the_end_of_the_service_completes_streams(stage: Any) -> None:
    async with _opened(stage) as events:
        await anext(events)
        stage.serving.cancel()
        assert await anext(events) == ("complete", "")


@pytest.mark.parametrize(
    ("method", "arguments", "status"),
    [
        ("GET", {"params": {"query": "mutation { touch }"}}, 405),
        ("POST", {"json": {}}, 400),
        ("POST", {"content": "x", "headers": STREAM | {"content-type": "text/plain"}}, 415),
        ("HEAD", {"params": COUNT}, 405),
    ],
)
async def test_what_is_no_operation_of_a_stream_is_refused_before_it(
    stage: Any, method: str, arguments: Any, status: int
) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        response = await client.request(method, stage.url, **({"headers": STREAM} | arguments))
    assert response.status_code == status


async def test_there_are_only_so_many_streams(serve: Any) -> None:
    stage = await serve(max_connections_per_address=0)
    async with httpx.AsyncClient(timeout=30) as client:
        response = await client.post(stage.url, json=COUNT, headers=STREAM)
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (429, "TOO_MANY_CONNECTIONS")
    assert response.headers["retry-after"]


async def test_a_subscription_without_a_stream_is_refused_with_the_way(stage: Any) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        response = await client.post(stage.url, json=COUNT)
    assert response.status_code == 400
    assert "text/event-stream" in response.json()["errors"][0]["message"]
