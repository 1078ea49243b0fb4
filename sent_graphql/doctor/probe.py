"""One short OxenMQ conversation, step by step, so that it can be said which step failed."""

import asyncio
import secrets
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import zmq
import zmq.asyncio

from sent_graphql.sources.oxend.endpoints import Endpoint
from sent_graphql.sources.oxend.errors import OxendRefusedError, OxendTimeoutError
from sent_graphql.sources.oxend.frames import ERROR_CODES, HI, TAG_BYTES, request_frames

MAX_REPLY_BYTES: Final = 16 * 1024 * 1024


class Probe:
    """A connection of its own to one listener; an async context manager. One question at a time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.DEALER)

    async def __aenter__(self) -> Self:
        self._socket.linger = 0
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_REPLY_BYTES)
        self._socket.setsockopt(zmq.IPV6, 1)
        if self._endpoint.server_key is not None:
            public, secret = zmq.curve_keypair()
            self._socket.curve_serverkey = self._endpoint.server_key
            self._socket.curve_publickey = public
            self._socket.curve_secretkey = secret
        self._socket.connect(self._endpoint.address)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.destroy(linger=0)

    async def greet(self, seconds: float) -> None:
        """HI, and HELLO comes back within `seconds`; else OxendTimeoutError."""
        await self._exchange(HI, lambda frames: frames == [b"HELLO"], seconds)

    async def ask(self, command: str, seconds: float) -> list[bytes]:
        """The parts of the reply. Raises OxendRefusedError, OxendTimeoutError."""
        tag = secrets.token_bytes(TAG_BYTES)
        name = command.encode()
        frames = await self._exchange(
            request_frames(command, tag, None),
            lambda frames: frames[:2] == [b"REPLY", tag] or (frames[0] in ERROR_CODES and frames[-1] in (tag, name)),
            seconds,
        )
        if frames[0] in ERROR_CODES:
            raise OxendRefusedError(command, frames[0].decode())
        return frames[2:]

    async def _exchange(
        self, message: list[bytes], wanted: Callable[[list[bytes]], bool], seconds: float
    ) -> list[bytes]:
        try:
            async with asyncio.timeout(seconds):
                await self._socket.send_multipart(message)
                while True:
                    frames: list[bytes] = await self._socket.recv_multipart()
                    if wanted(frames):
                        return frames
        except TimeoutError:
            raise OxendTimeoutError(f"no answer within {seconds:g} s") from None
