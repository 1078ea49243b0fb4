"""Who asks for the whole network and does not read it, over real sockets: it delays nobody, and what it costs is
bounded, whatever it has asked for.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from sent_graphql.schema.build import build_schema
from sent_graphql.settings import GraphqlSettings

NODES = 200
UPDATES = 12
OPERATIONS = 10
TIMEOUT = 2.0
BUFFER = 8 * 1024
"""Bytes that the system takes for a reader, about; the rest waits in the service."""

MARK = 64 * 1024
"""Bytes that may wait for a reader until it counts as slow."""


def _leaves(kind: Any) -> str:
    assert isinstance(kind, GraphQLObjectType)
    return " ".join(name for name, field in kind.fields.items() if is_leaf_type(get_named_type(field.type)))


def _everything() -> str:
    kinds = build_schema(GraphqlSettings(), "mainnet")._schema.type_map
    node, contributor = _leaves(kinds["ServiceNode"]), _leaves(kinds["Contributor"])
    changes = _leaves(kinds["ServiceNodeChanges"])
    return f"subscription {{ serviceNodes {{ {changes} upserted {{ {node} contributors {{ {contributor} }} }} }} }}"


EVERYTHING = _everything()


class Crowd:
    """A network of many nodes, all of which change at each update, and one quick reader of everything."""

    def __init__(self, network: Any, make: Any, quick: Any) -> None:
        self.network = network
        self.largest = 0
        self._make = make
        self._quick = quick
        self._fee = 0

    def waiting(self) -> list[int]:
        """Bytes that the service keeps for the readers of each connection."""
        return [open_._line.transport.get_write_buffer_size() for open_ in self.network.stage.connections._open]

    async def move(self, updates: int) -> Any:
        """So many updates, each of which the quick reader has before the next one; what it was told last."""
        for _ in range(updates):
            self._fee += 1
            nodes = [self._make.node(number, operator_fee=self._fee) for number in range(1, NODES + 1)]
            await self.network.publish(self._make.state(*nodes))
            changes = await self._hear()
            assert {node["operatorFee"] for node in changes["upserted"]} == {self._fee}
        return changes

    async def watch(self) -> None:
        """Has the quick reader begin."""
        await self._quick.init()
        await self._quick.subscribe("1", EVERYTHING)
        await self._hear()

    async def until(self, *, members: int, connections: int) -> None:
        """Waits until there are so many subscriptions, on so many connections."""
        async with asyncio.timeout(30):
            while (  # noqa: ASYNC110 - nothing tells of it
                self.network.hub.members,
                len(self.network.stage.connections),
            ) != (members, connections):
                await asyncio.sleep(0.01)

    async def _hear(self) -> Any:
        text = await self._quick.socket.recv()
        self.largest = max(self.largest, len(text))
        return json.loads(text)["payload"]["data"]["serviceNodes"]


@pytest.fixture
async def crowd(networks: Any, make: Any) -> Callable[..., Any]:
    """Starts one, with live settings as a test wants them."""

    async def crowd(**live: Any) -> Crowd:
        network = await networks(send_buffer=BUFFER, **live)
        nodes = [make.node(number, operator_fee=0) for number in range(1, NODES + 1)]
        await network.publish(make.state(*nodes))
        crowd = Crowd(network, make, await network.stage.client())
        await crowd.watch()
        return crowd

    return crowd


async def test_a_slow_websocket_delays_nobody_and_is_sent_what_it_missed_as_one(crowd: Any, bare: Any) -> None:
    here = await crowd()
    slow = await bare(here.network.stage, receive_buffer=BUFFER)
    operations = [str(number) for number in range(OPERATIONS)]
    for operation in operations:
        await slow.say(type="subscribe", id=operation, payload={"query": EVERYTHING})
    await here.until(members=1 + OPERATIONS, connections=2)
    newest = await here.move(UPDATES)
    hub = here.network.hub
    assert sum(here.waiting()) <= here.largest + MARK
    assert hub.kept <= 4 * here.largest
    assert (hub.groups, hub.sending) == (1, OPERATIONS)
    assert hub.folded == OPERATIONS * UPDATES - 1, "the first was sent one message, and is waited for from the next"
    assert (await slow.hear())["type"] == "connection_ack"
    begun = await slow.hear()
    assert begun["payload"]["data"]["serviceNodes"]["previousVersion"] is None
    missed = {}
    for _ in operations:
        message = await slow.hear()
        missed[message["id"]] = message["payload"]["data"]["serviceNodes"]
    assert missed.keys() == set(operations)
    assert {changes["version"] for changes in missed.values()} == {newest["version"]}
    assert missed[begun["id"]]["previousVersion"] == begun["payload"]["data"]["serviceNodes"]["version"]
    assert [changes["upserted"] for changes in missed.values()] == [newest["upserted"]] * OPERATIONS


async def test_a_slow_event_stream_delays_nobody_and_is_sent_what_it_missed_as_one(crowd: Any) -> None:
    here = await crowd()
    async with streamed(here) as slow:
        await here.until(members=2, connections=2)
        newest = await here.move(UPDATES)
        (_, waiting) = sorted(here.waiting())
        assert waiting <= here.largest + MARK
        assert here.network.hub.kept <= 4 * here.largest
        assert here.network.hub.folded == UPDATES - 1
        first, missed = [json.loads(await event(slow))["data"]["serviceNodes"] for _ in range(2)]
    assert (first["previousVersion"], missed["previousVersion"]) == (None, first["version"])
    assert (missed["version"], missed["upserted"]) == (newest["version"], newest["upserted"])


async def test_a_websocket_that_is_too_slow_is_told_so_once_it_reads_and_lives_on(crowd: Any, bare: Any) -> None:
    here = await crowd(slow_reader_timeout=TIMEOUT)
    slow = await bare(here.network.stage, receive_buffer=BUFFER)
    await slow.say(type="subscribe", id="1", payload={"query": EVERYTHING})
    await here.until(members=2, connections=2)
    await here.move(1)
    await here.until(members=1, connections=2)
    heard = [await slow.hear() for _ in range(3)]
    assert [message["type"] for message in heard] == ["connection_ack", "next", "error"]
    assert heard[2]["payload"][0]["extensions"] == {"code": "SLOW_READER"}
    await slow.say(type="ping")
    assert await slow.hear() == {"type": "pong"}
    await here.move(1)


async def test_an_event_stream_that_is_too_slow_is_told_so_once_it_reads(crowd: Any) -> None:
    here = await crowd(slow_reader_timeout=TIMEOUT)
    async with streamed(here) as slow:
        await here.until(members=2, connections=2)
        await here.move(1)
        await here.until(members=1, connections=2)
        await event(slow)
        (error,) = json.loads(await event(slow))["errors"]
        assert error["extensions"] == {"code": "SLOW_READER"}
        assert await event(slow) == ""
    await here.move(1)


async def test_who_does_not_even_read_that_is_cut_off(crowd: Any, bare: Any) -> None:
    here = await crowd(slow_reader_timeout=0.1)
    slow = await bare(here.network.stage, receive_buffer=BUFFER)
    await slow.say(type="subscribe", id="1", payload={"query": EVERYTHING})
    async with streamed(here) as stream:
        await here.until(members=3, connections=3)
        await here.move(1)
        await here.until(members=1, connections=1)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await stream.readexactly(10 * here.largest)
    await here.move(1)
    assert (here.network.hub.members, here.network.hub.sending) == (1, 0)


@asynccontextmanager
async def streamed(here: Crowd) -> AsyncIterator[asyncio.StreamReader]:
    """An event stream of everything, whose reader takes next to nothing unless it is asked to."""
    connected = socket.socket()
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    connected.setblocking(False)
    port = here.network.stage.port
    await asyncio.get_running_loop().sock_connect(connected, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=connected, limit=BUFFER)
    body = json.dumps({"query": EVERYTHING})
    head = f"host: here\r\naccept: text/event-stream\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    writer.write(f"POST /graphql HTTP/1.1\r\n{head}\r\n\r\n{body}".encode())
    try:
        await reader.readuntil(b"\r\n\r\n")
        yield reader
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def event(reader: asyncio.StreamReader) -> str:
    """The data of the next event: one chunk of the answer."""
    while True:
        size = int(await reader.readuntil(b"\r\n"), 16)
        chunk = (await reader.readexactly(size + 2)).decode()
        if "data:" in chunk:
            return chunk.partition("data:")[2].strip()
