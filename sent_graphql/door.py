"""A listening socket all of whose waiting connections are let in at each turn of the event loop.

uvloop's own servers let in one a turn. Where turns take long, as under more load than can be served, connections would
wait for as many turns as there are others before them, those of health checks too.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

import structlog

AT_ONCE: Final = 2_048
"""Most connections that are let in at one turn."""

REST: Final = 1.0
"""Seconds before the next attempt where the system has no means for one more connection."""


class Door:
    """Leads from a bound socket to protocols. `make_protocol` makes one for each connection."""

    def __init__(self, bound: socket.socket, make_protocol: Callable[[], asyncio.Protocol]) -> None:
        bound.setblocking(False)  # or accepting would wait for who comes next, and hold the loop
        self._bound = bound
        self._make_protocol = make_protocol
        self._loop = asyncio.get_running_loop()
        self._entering: set[asyncio.Task[None]] = set()
        self._resting: asyncio.TimerHandle | None = None
        self._log = structlog.get_logger(__name__)

    def open(self) -> None:
        """Lets in who comes, from now on."""
        self._resting = None
        self._loop.add_reader(self._bound.fileno(), self._let_in)

    def close(self) -> None:
        """Lets in nobody more: the socket is closed, which refuses those who wait."""
        if self._resting is not None:
            self._resting.cancel()
        self._loop.remove_reader(self._bound.fileno())
        self._bound.close()

    def _let_in(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _ = self._bound.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:  # gone before its turn
                continue
            except OSError as error:
                self._log.warning("no connection can be accepted", error=error.strerror, again_in_seconds=REST)
                self._loop.remove_reader(self._bound.fileno())
                self._resting = self._loop.call_later(REST, self.open)
                return
            connection.setblocking(False)
            entering = self._loop.create_task(self._enter(connection))
            self._entering.add(entering)
            entering.add_done_callback(self._entering.discard)

    async def _enter(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError as error:
            connection.close()
            self._log.debug("a connection was lost at once", error=error.strerror)
