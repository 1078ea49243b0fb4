"""Clients that are many: how many connections there may be, and for whom there is room when there are too many."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.frames import Frame, Opcode

from sent_graphql.http import connections, guard

GET = b"GET /healthz HTTP/1.1\r\nhost: a\r\n"


async def test_one_address_has_a_bounded_number_of_connections(host: Any) -> None:
    here = await host(http={"max_connections_per_address": 3}, live={"max_connections_per_address": 2})
    strangers = [await here.stranger() for _ in range(5)]
    for stranger in strangers:
        await stranger.say(GET + b"\r\n")
        assert "200 OK" in await stranger.head()
    refused = await (await here.stranger()).rest()
    assert refused.startswith(b"HTTP/1.1 429 ")
    assert b"There are already 5 open connections from your address." in refused
    await strangers.pop().close()
    for _ in range(100):
        stranger = await here.stranger()
        try:
            await stranger.say(GET + b"\r\n")
            assert "200 OK" in await stranger.head()
            break
        except (ConnectionError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.01)
    else:
        pytest.fail("a place that has become free is not given away")


async def test_the_number_of_connections_is_bounded_also_for_proxies(host: Any) -> None:
    here = await host(
        http={
            "max_connections": 6,
            "reserved_connections": 2,
            "max_connections_per_address": 1,
            "trusted_proxies": ("127.0.0.0/8",),
        },
        live={"max_connections_per_address": 1},
    )
    for _ in range(8):
        stranger = await here.stranger()
        await stranger.say(GET + b"\r\n")
        assert "200 OK" in await stranger.head()
    refused = await here.stranger()
    assert (await refused.rest()).startswith(b"HTTP/1.1 503 ")


FLOOD = tuple(f"127.0.1.{number}" for number in range(1, 21))
"""Addresses of strangers: this machine's own is 127.0.0.1."""


async def test_a_flood_of_idle_connections_keeps_out_neither_health_checks_nor_proxies(host: Any) -> None:
    here = await host(
        http={"max_connections": 100, "reserved_connections": 10, "trusted_proxies": ("127.0.2.0/24",)},
    )
    flood = await asyncio.gather(*(here.stranger(address=address) for address in FLOOD * 5))
    refused = await asyncio.gather(*(here.stranger(address=address) for address in FLOOD))
    for stranger in refused:
        answer = await stranger.answer()
        assert answer.startswith("HTTP/1.1 503 ")
        assert "retry-after: 5" in answer
        assert '"message":"There are too many open connections."' in answer
        assert '"code":"TOO_MANY_CONNECTIONS"' in answer
    assert await here.is_well()
    proxied = await here.stranger(address="127.0.2.1")
    await proxied.say(GET + b"x-forwarded-for: 127.0.1.1\r\n\r\n")
    assert "200 OK" in await proxied.answer()
    for stranger in flood:
        await stranger.say(GET + b"\r\n")
        assert "200 OK" in await stranger.head()


async def test_who_asks_at_once_reads_why_there_is_no_room(host: Any) -> None:
    here = await host(http={"max_connections": 1, "reserved_connections": 0})
    assert await here.is_well()  # and its connection is kept
    for _ in range(20):
        async with httpx.AsyncClient(base_url=here.address) as client:
            response = await client.post("/graphql", json={"query": "{ __typename }"})
        assert response.status_code == 503
        assert response.json()["errors"][0]["extensions"]["code"] == "TOO_MANY_CONNECTIONS"


async def test_few_of_those_who_found_no_room_are_heard_out_and_not_for_long(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "MOST_HEARD_OUT", 2)
    monkeypatch.setattr(connections, "HEARD_OUT", 0.5)
    here = await host(http={"max_connections": 1, "reserved_connections": 0})
    assert await here.is_well()
    talking = [await here.stranger() for _ in range(2)]
    sending = [asyncio.create_task(stranger.trickle(b" " * 1_000)) for stranger in talking]
    for stranger in talking:
        assert (await stranger.answer()).startswith("HTTP/1.1 503 ")
    silent = await here.stranger()
    assert (await silent.rest()).startswith(b"HTTP/1.1 503 ")
    await silent.trickle(b" " * 1_000)
    assert not any(task.done() for task in sending)
    await asyncio.gather(*sending)
    assert await here.is_well()


def posted(size: int) -> tuple[bytes, bytes]:
    """A question in `size` bytes: nearly all of it, and the rest."""
    body = b'{"query":"{__typename}"}'.ljust(size)
    head = b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % size + body[:-10], body[-10:]


@pytest.mark.parametrize("missing", [0, 10], ids=["fragments", "parts of a frame"])
async def test_parts_of_messages_are_held_up_to_a_bound_of_all(host: Any, missing: int) -> None:
    here = await host(http={"max_awaited_bytes": 1_000_000})
    unfinished = here.guard.unfinished
    honest = await here.websocket()
    part = Frame(Opcode.TEXT, b" " * 200_000, fin=False).serialize(mask=True)
    opened = [await here.websocket() for _ in range(8)]
    for client in opened:
        client.transport.write(part[: len(part) - missing])
    for _ in range(1_000):
        if unfinished.cut == 3:
            break
        await asyncio.sleep(0.01)
    assert unfinished.bytes <= 1_000_000
    await honest.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": "{ meta { version } }"}}))
    assert json.loads(await honest.recv())["type"] == "next"
    await asyncio.gather(*(client.wait_closed() for client in opened[:3]))
    for client in opened:
        client.transport.abort()
    for _ in range(1_000):
        if not unfinished.bytes:
            break
        await asyncio.sleep(0.01)
    assert (unfinished.bytes, unfinished.cut) == (0, 3)


async def test_parts_of_bodies_are_held_up_to_a_bound_of_all(host: Any) -> None:
    here = await host(http={"max_awaited_bytes": 100_000})
    first, second, third = [await here.stranger() for _ in range(3)]
    begun, ending = posted(60_000)
    await first.say(begun)
    await here.is_well()  # so that it has been read
    await second.say(begun)
    refused = await second.answer()
    assert refused.startswith("HTTP/1.1 503 ")
    assert "retry-after: 2" in refused
    assert '"code":"OVERLOADED"' in refused
    await first.say(ending)
    assert '"__typename":"Query"' in await first.answer()
    await third.say(begun)
    await here.is_well()
    await third.close()
    assert await here.is_well()
    await second.say(ending + begun)
    assert await here.is_well()
    await second.say(ending)
    assert '"__typename":"Query"' in await second.answer()


async def test_a_websocket_leaves_its_place_among_the_connections_to_its_own_bound(host: Any) -> None:
    here = await host(http={"max_connections": 2, "max_connections_per_address": 2, "header_timeout": 0.1})
    sockets = [await here.websocket() for _ in range(6)]
    await asyncio.sleep(0.3)
    for socket in sockets:
        await socket.send('{"type":"ping"}')
        assert await socket.recv() == '{"type":"pong"}'
