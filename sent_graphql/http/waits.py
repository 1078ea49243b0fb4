"""How long what a connection has brought has waited to be read, as the system's network stack knows it.

A loop that is busy reads late, and a connection may wait long before it is even accepted: no clock of ours sees that.
"""

import asyncio
import math
import socket
import struct
from typing import Any, Final, Protocol

ARRIVED: Final = "arrived"
"""Where a request's state tells since when it may have waited to be read, in seconds of time.monotonic."""

TCP_INFO: Final[int | None] = getattr(socket, "TCP_INFO", None)
"""Linux has it."""

LAST_RECEIVED: Final = struct.Struct("52xI")
"""Of Linux's `struct tcp_info`: milliseconds since data came last."""


WORTH_ASKING: Final = 0.05
"""Seconds that what is read now may have waited at most: with less, the network stack is not asked."""


class Reads:
    """When an event loop reads off the network: between two turns, so that what comes during one waits for the next."""

    def __init__(self) -> None:
        self._before = self._began = -math.inf
        self._is_noted = False

    def longest_wait(self, now: float) -> float:
        """How long what is read at `now` (of time.monotonic) can have waited, on a connection that was read before."""
        if not self._is_noted:
            self._is_noted = True
            self._before, self._began = self._began, now
            asyncio.get_running_loop().call_soon(self._end)
        return now - self._before

    def _end(self) -> None:
        self._is_noted = False


class Connection(Protocol):
    """What both asyncio and uvloop give for a transport's socket."""

    def getsockopt(self, level: int, option: int, size: int, /) -> Any:  # noqa: ANN401 - as sockets have it
        """As of sockets."""


def unread_seconds(connection: Connection) -> float:
    """Since when the bytes that are read now have been there; zero where the system does not tell."""
    if TCP_INFO is None:
        return 0.0
    try:
        told = connection.getsockopt(socket.IPPROTO_TCP, TCP_INFO, LAST_RECEIVED.size)
    except OSError:
        return 0.0
    return float(LAST_RECEIVED.unpack(told)[0]) / 1_000 if len(told) == LAST_RECEIVED.size else 0.0
