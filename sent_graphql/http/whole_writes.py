"""A connection's writes, put together: a head and the body behind it leave in one system call.

The server writes an answer in two pieces, and the event loop hands each to the system at once. For a short answer the
second call costs as much as making all of it.
"""

import asyncio
from typing import Any, Final

MOST_HELD: Final = 32 * 1024
"""Bytes that wait for what comes behind them; more goes out at once, so that the client's pace is felt."""


class WholeWrites(asyncio.Transport):
    """Writes to `transport`, at the latest when the event loop has its next turn.

    Whoever needs the rest of the transport takes `beneath`, and nothing must be held then.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.beneath = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0
        self._due: asyncio.Handle | None = None
        self.largest = b""
        """Of what is being sent just now, where it is much, the largest piece."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends `data`, or holds it for now."""
        self._held.append(bytes(data))
        self._size += len(data)
        if self._size > MOST_HELD:
            self.flush()
        elif self._due is None:
            self._due = self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Sends what is held."""
        is_much = self._size > MOST_HELD
        held = self._forget()
        if held and not self.beneath.is_closing():
            self.largest = max(held, key=len) if is_much else b""
            self.beneath.writelines(held)
            self.largest = b""

    def close(self) -> None:
        """Ends the connection when everything has been sent."""
        self.flush()
        self.beneath.close()

    def abort(self) -> None:
        """Ends it at once."""
        self._forget()
        self.beneath.abort()

    def is_closing(self) -> bool:
        """Whether its end has begun."""
        return self.beneath.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as transports have it
        """What lies beneath tells of itself."""
        return self.beneath.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Bytes that wait to be read by the client."""
        return self._size + self.beneath.get_write_buffer_size()

    def _forget(self) -> list[bytes]:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        held, self._held, self._size = self._held, [], 0
        return held
