"""How long what a connection has brought has waited to be read."""

import asyncio
import socket
import time
from collections.abc import Callable

import pytest
import uvloop

from sent_graphql.http.waits import unread_seconds

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
