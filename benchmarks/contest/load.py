"""The load generator: connections that ask again as soon as they are answered."""

import asyncio
from collections.abc import Iterator
from time import perf_counter
from typing import Final, cast

HEAD_ENDS: Final = b"\r\n\r\n"
LENGTH: Final = b"\r\ncontent-length:"
PATIENCE: Final = 60.0
"""Seconds that the last answers may take."""

LAST_CHUNK: Final = b"\r\n0\r\n\r\n"


class Load:
    """What one server is asked, and how it fares; all connections take their requests from `requests` in turn."""

    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self.requests = requests
        self.times: list[float] = []
        """Seconds from each request to the end of its answer."""
        self.size = 0
        """Bytes of the last answer, with its head."""
        self.until = 0.0
        self._port = port

    async def run(self, seconds: float, connections: int) -> float:
        """Asks for so long, and until all is answered; gives the seconds that this took."""
        loop = asyncio.get_running_loop()
        began = perf_counter()
        self.until = began + seconds
        made = [
            await loop.create_connection(lambda: Connection(self), "127.0.0.1", self._port) for _ in range(connections)
        ]
        async with asyncio.timeout(seconds + PATIENCE):
            await asyncio.gather(*(connection.ended for _, connection in made))
        return perf_counter() - began


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, load: Load) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._load = load
        self._left: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks for the first time."""
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def _ask(self) -> None:
        self._in_head, self._end, self._left, self._size = True, b"", None, 0
        self._asked = perf_counter()
        self._transport.write(next(self._load.requests))

    def data_received(self, data: bytes) -> None:
        """Waits for the end of the answer, then asks on."""
        self._size += len(data)
        if not self._is_end(data):
            return
        now = perf_counter()
        self._load.times.append(now - self._asked)
        self._load.size = self._size
        if now < self._load.until:
            self._ask()
        else:
            self._transport.close()

    def _is_end(self, data: bytes) -> bool:
        if self._in_head:
            head, found, data = (self._end + data).partition(HEAD_ENDS)
            if not found:
                self._end = head
                return False
            if not head.startswith(b"HTTP/1.1 200"):
                raise ValueError(f"not an answer: {head!r} {data!r}")
            self._in_head, self._end, self._left = False, b"", _length(head)
        if self._left is None:
            self._end = (self._end + data)[-len(LAST_CHUNK) :]
            return self._end == LAST_CHUNK
        self._left -= len(data)
        return not self._left

    def connection_lost(self, error: Exception | None) -> None:
        """All is answered, unless the server was the one who went."""
        if error is None and perf_counter() >= self._load.until:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error or EOFError("the server went away"))


def _length(head: bytes) -> int | None:
    """Bytes of the body; null where it comes in chunks."""
    at = head.lower().find(LENGTH)
    return None if at < 0 else int(head[at + len(LENGTH) :].partition(b"\r\n")[0])
