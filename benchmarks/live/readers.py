"""Subscribers by the thousand in one process, on bare sockets: reading has to cost less than serving.

Everything that one is sent is applied. Subscribers of a group are sent the same, so each message is understood once,
and remembered by its bytes and by what it was applied to.
"""

import asyncio
import struct
import time
from array import array
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final, cast

import orjson

from live.scenario import Question

HANDSHAKE: Final = (
    b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
OPENING: Final = 100
"""Connections that are made at once."""

PATIENCE: Final = 60.0
"""Seconds to wait for anything that must come, since the last thing that came."""

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MASKED: Final = 0x80
SMALL, MEDIUM = 126, 127
"""What a frame's length begins with where it does not fit into seven bits."""


class LostError(Exception):
    """A message does not go on from what its reader has, or a connection ended."""


class Reading:
    """What the readers of one question have been told: the answer at each version."""

    def __init__(self, number: int, question: Question) -> None:
        self.number = number
        payload = {"query": question.query, "variables": question.variables}
        subscribe = orjson.dumps({"id": "1", "type": "subscribe", "payload": payload})
        self.opening = frame(TEXT, b'{"type":"connection_init"}') + frame(TEXT, subscribe)
        self.answers: dict[int, Any] = {}
        self._question = question
        self._known: dict[tuple[int, bytes], int] = {}

    def apply(self, version: int, message: bytes) -> int:
        """The version to which `message` brings one who has `version`."""
        known = self._known.get((version, message))
        if known is None:
            known = self._known[version, message] = self._understood(version, message)
        return known

    def _understood(self, version: int, message: bytes) -> int:
        said = orjson.loads(message)
        if said["type"] == "connection_ack":
            return version
        if said["type"] != "next" or "errors" in said["payload"]:
            raise LostError(f"not a result: {message[:300]!r}")
        (value,) = said["payload"]["data"].values()
        reached = self._question.version_of(value)
        answer = applied(self.answers.get(version, {}), version, value) if self._question.is_list else value
        if self.answers.setdefault(reached, answer) != answer:
            raise LostError(f"two ways to version {reached} lead to different answers")
        return reached


def applied(items: Mapping[str, Any], version: int, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The items of a list after changes to those of that version, by their ids."""
    previous = changes["previousVersion"]
    if previous is None:
        return {item["id"]: item for item in changes["upserted"]}
    if int(previous) != version:
        raise LostError(f"changes go on from version {previous}, the reader has {version}")
    kept = {key: item for key, item in items.items() if key not in changes["removed"]}
    return kept | {item["id"]: item for item in changes["upserted"]}


class Reader(asyncio.Protocol):
    """One subscriber."""

    __slots__ = ("_buffer", "_open", "_readers", "_reading", "_transport", "version")

    def __init__(self, readers: "Readers", reading: Reading) -> None:
        self.version = 0
        self._readers = readers
        self._reading = reading
        self._buffer = b""
        self._open = False

    @property
    def answer(self) -> Any:  # noqa: ANN401 - JSON
        """What it knows."""
        return self._reading.answers.get(self.version)

    @property
    def question(self) -> int:
        """Number of its question."""
        return self._reading.number

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins the handshake."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        """Reads what is whole."""
        data = self._buffer + data if self._buffer else data
        if not self._open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._readers.lost(LostError(f"no handshake: {head[:200]!r}"))
                return
            self._open = True
            self._transport.write(self._reading.opening)
        position = 0
        while (whole := frame_at(data, position)) is not None:
            opcode, start, position = whole
            self._hear(opcode, data[start:position])
        self._buffer = data[position:]

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the measurement, unless it is over."""
        self._readers.lost(LostError(f"a connection ended: {exc}"))

    def close(self) -> None:
        """Goes without a word."""
        self._transport.abort()

    def _hear(self, opcode: int, content: bytes) -> None:
        if opcode in (TEXT, BINARY):
            try:
                version = self._reading.apply(self.version, content)
            except (LostError, ValueError, KeyError) as error:
                self._readers.lost(error)
                return
            if version != self.version:
                self.version = version
                self._readers.told(version, len(content))
        elif opcode == PING:
            self._transport.write(frame(PONG, content))
        elif opcode == CLOSE:
            self._readers.lost(LostError(f"closed: {content!r}"))


class Readers:
    """All subscribers, evenly spread over the questions."""

    def __init__(self, port: int, questions: list[Question]) -> None:
        self.received = 0
        self.bytes = 0
        self.versions = array("q")
        self.moments = array("d")
        """Of every message, which version it brought and when (time.monotonic)."""
        self._port = port
        self._readings = [Reading(number, question) for number, question in enumerate(questions)]
        self._readers: list[Reader] = []
        self._at: dict[int, int] = {}
        self._progress = asyncio.Event()
        self._fault: Exception | None = None
        self._closing = False

    def __iter__(self) -> Iterator[Reader]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)

    async def grow(self, count: int, version: int) -> None:
        """Connects more until there are `count`, and waits until all know `version`."""
        loop = asyncio.get_running_loop()
        while len(self._readers) < count:
            wanted = range(len(self._readers), min(len(self._readers) + OPENING, count))
            readings = [self._readings[number % len(self._readings)] for number in wanted]
            made = await asyncio.gather(
                *(
                    loop.create_connection(partial(Reader, self, reading), "127.0.0.1", self._port)
                    for reading in readings
                )
            )
            new = [reader for _, reader in made]
            await self._told_all(new, version)
            self._readers += new

    async def reached(self, version: int) -> None:
        """Waits until all know that version or a later one."""
        await self._told_all(self._readers, version)

    async def _told_all(self, readers: list[Reader], version: int) -> None:
        behind = readers
        now = asyncio.get_running_loop().time
        async with asyncio.timeout(PATIENCE) as patience:
            while behind := [reader for reader in behind if reader.version < version]:
                if self._fault is not None:
                    raise self._fault
                self._progress.clear()
                await self._progress.wait()
                patience.reschedule(now() + PATIENCE)

    def forget(self) -> None:
        """Begins to count anew."""
        self.received = self.bytes = 0
        self.versions, self.moments = array("q"), array("d")

    def told(self, version: int, size: int) -> None:
        """One has been told something new."""
        self.received += 1
        self.bytes += size
        self.versions.append(version)
        self.moments.append(time.monotonic())
        if not self._progress.is_set():
            self._progress.set()

    def lost(self, error: Exception) -> None:
        """Something went wrong."""
        if not self._closing:
            self._fault = self._fault or error
            self._progress.set()

    def close(self) -> None:
        """All go."""
        self._closing = True
        for reader in self._readers:
            reader.close()


def frame(opcode: int, content: bytes) -> bytes:
    """A client's frame; masked with zeros, which leaves the content as it is."""
    size = len(content)
    if size < SMALL:
        return bytes((MASKED | opcode, MASKED | size)) + bytes(4) + content
    return bytes((MASKED | opcode, MASKED | SMALL)) + struct.pack("!H", size) + bytes(4) + content


def frame_at(data: bytes, position: int) -> tuple[int, int, int] | None:
    """Opcode, start and end of the content of a server's frame; null while it is not whole."""
    if len(data) < position + 2:
        return None
    size, start = data[position + 1], position + 2
    if size == SMALL:
        if len(data) < position + 4:
            return None
        size, start = int.from_bytes(data[start : start + 2]), start + 2
    elif size == MEDIUM:
        if len(data) < position + 10:
            return None
        size, start = int.from_bytes(data[start : start + 8]), start + 8
    if len(data) < start + size:
        return None
    return data[position] & 0x0F, start, start + size
