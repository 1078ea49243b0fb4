"""A listening socket all of whose waiting connections are let in at each turn of the loop."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import pytest
import uvloop

from sent_graphql.door import Door

WAITING = 100
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


class Guest(asyncio.Protocol):
    """Is noted when it has come in."""

    def __init__(self, inside: list[asyncio.BaseTransport]) -> None:
        self._inside = inside

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._inside.append(transport)


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Awaitable[None]], None]:
    """Runs a coroutine on each loop that the service may run on."""

    def runs(coroutine: Awaitable[None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(coroutine)  # type: ignore[arg-type]

    return runs


def listening() -> socket.socket:
    """A socket that connections can wait at."""
    bound = socket.create_server(("127.0.0.1", 0), backlog=WAITING)
    bound.setblocking(False)
    return bound


async def turn() -> None:
    """Until the loop has looked at its sockets once, and done what came of it."""
    for _ in range(4):
        await asyncio.sleep(0)


def test_all_who_wait_are_let_in_at_one_turn(run: Callable[[Awaitable[None]], None]) -> None:
    async def many_wait() -> None:
        inside: list[asyncio.BaseTransport] = []
        bound = listening()
        with ExitStack() as clients:
            for _ in range(WAITING):
                clients.enter_context(socket.create_connection(bound.getsockname()))
            door = Door(bound, lambda: Guest(inside))
            door.open()
            await turn()
            assert len(inside) == WAITING
            door.close()
            for transport in inside:
                transport.close()
            await turn()

    run(many_wait())


def test_nobody_is_let_in_when_it_is_closed(run: Callable[[Awaitable[None]], None]) -> None:
    async def closed() -> None:
        inside: list[asyncio.BaseTransport] = []
        bound = listening()
        address = bound.getsockname()
        door = Door(bound, lambda: Guest(inside))
        door.open()
        door.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        await turn()
        assert not inside

    run(closed())


def test_one_who_has_gone_before_its_turn_keeps_nobody_else_out(run: Callable[[Awaitable[None]], None]) -> None:
    async def one_goes() -> None:
        inside: list[asyncio.BaseTransport] = []
        bound = listening()
        gone = socket.create_connection(bound.getsockname())
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, not an end
        gone.close()
        with socket.create_connection(bound.getsockname()) as client:
            door = Door(bound, lambda: Guest(inside))
            door.open()
            await turn()
            addresses = [one.get_extra_info("peername") for one in inside if not one.is_closing()]
            door.close()
            for transport in inside:
                transport.close()
            await turn()
            assert client.getsockname() in addresses

    run(one_goes())
