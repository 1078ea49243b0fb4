"""How long what a connection has brought has waited to be read."""

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest
import uvloop

from sent_graphql.http.waits import WORTH_ASKING, Reads, unread_seconds

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
HELD = 0.2


class Listener(asyncio.Protocol):
    """Notes how long each part of what came had waited."""

    def __init__(self, waits: asyncio.Queue[float]) -> None:
        self._waits = waits

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waits.put_nowait(unread_seconds(self._transport.get_extra_info("socket")))


@pytest.mark.parametrize("new_loop", LOOPS, ids=["asyncio", "uvloop"])
def test_a_wait_is_told_that_a_loop_slept_through_also_before_it_accepted(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def look() -> None:
        waits: asyncio.Queue[float] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Listener(waits), "127.0.0.1", 0)
        with socket.create_connection(server.sockets[0].getsockname()) as client:
            client.sendall(b"a")
            time.sleep(HELD)  # noqa: ASYNC251 - the loop is held
            assert await waits.get() >= HELD * 0.9
            client.sendall(b"b")
            time.sleep(HELD)  # noqa: ASYNC251 - the loop is held
            assert await waits.get() >= HELD * 0.9
            time.sleep(HELD)  # noqa: ASYNC251 - the loop is held
            client.sendall(b"c")
            assert await waits.get() < HELD
        server.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(look())


def test_what_tells_nothing_has_not_waited() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"a")
        assert unread_seconds(ours) == 0


class Reader(asyncio.Protocol):
    """Notes what was told of each part that came: how long it may have waited, and how long it had."""

    def __init__(self, reads: Reads, told: asyncio.Queue[tuple[float, float]]) -> None:
        self._reads = reads
        self._told = told

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        waited = unread_seconds(self._transport.get_extra_info("socket"))
        self._told.put_nowait((self._reads.longest_wait(time.monotonic()), waited))


@pytest.mark.parametrize("new_loop", LOOPS, ids=["asyncio", "uvloop"])
def test_what_is_read_late_may_have_waited_as_long_as_it_had_on_every_connection_of_a_turn(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def look() -> None:
        reads = Reads()
        told: asyncio.Queue[tuple[float, float]] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Reader(reads, told), "127.0.0.1", 0)
        async with server:
            with ExitStack() as open_ones:
                address = server.sockets[0].getsockname()
                clients = [open_ones.enter_context(socket.create_connection(address)) for _ in range(5)]
                for round_ in range(6):
                    for client in clients:
                        client.sendall(b"a")
                    if round_ % 2:
                        time.sleep(HELD)  # noqa: ASYNC251 - the loop is held
                    for _ in clients:
                        may_have, had = await told.get()
                        assert may_have >= had - 0.01  # the network stack counts in hundredths, or nearly so
                        if round_ % 2:
                            assert had >= HELD * 0.9
                            assert may_have > WORTH_ASKING

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(look())


@pytest.mark.parametrize("new_loop", LOOPS, ids=["asyncio", "uvloop"])
def test_a_loop_that_turns_quickly_lets_nothing_wait(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def look() -> None:
        reads, now = Reads(), 1_000.0
        assert reads.longest_wait(now) == float("inf")
        await asyncio.sleep(0)
        assert reads.longest_wait(now + 0.004) == pytest.approx(0.004)
        assert reads.longest_wait(now + 0.007) == pytest.approx(0.007), "the same turn"
        await asyncio.sleep(0)
        assert reads.longest_wait(now + 3) == pytest.approx(2.996)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(look())
