"""How long what a connection has brought has waited to be read, as the system's network stack knows it.

A loop that is busy reads late, and a connection may wait long before it is even accepted: no clock of ours sees that.
"""

import socket
import struct
from typing import Any, Final, Protocol

ARRIVED: Final = "arrived"
"""Where a request's state tells since when it may have waited to be read, in seconds of time.monotonic."""

TCP_INFO: Final[int | None] = getattr(socket, "TCP_INFO", None)
"""Linux has it."""

LAST_RECEIVED: Final = struct.Struct("52xI")
"""Of Linux's `struct tcp_info`: milliseconds since data came last."""


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
