"""An OxenMQ server on asyncio that behaves on the wire as oxend's listener does, its defects included.

It knows frames, tags, error codes and block subscriptions; what a command answers is the handlers' business.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
import zmq
import zmq.asyncio

Reply = tuple[bytes, bytes]
"""Status (`200`, `400` or `500`) and body."""

Handler = Callable[[bytes | None], Awaitable[Reply | None]]
"""Answers one command: takes the body (None: no body was sent); None as answer means that no reply is ever sent."""

SUBSCRIPTION_SECONDS: Final = 1800.0
"""How long a subscription lasts when it is not renewed."""

MAX_QUEUED: Final = 1000
"""Requests under way at once; those beyond it are dropped without a word, as oxend's full queue does."""

MAX_PART_BYTES: Final = 1024 * 1024
"""Largest part accepted; the connection of a peer that sends more is cut."""

_CONTROL: Final = frozenset(
    {
        *(b"HELLO", b"BYE", b"REPLY", b"UNKNOWNCOMMAND", b"FORBIDDEN"),
        *(b"FORBIDDEN_SN", b"NOT_A_SERVICE_NODE", b"NO_REPLY_TAG"),
    }
)
"""First frames that never get an answer: an error must not be answered with an error."""


@dataclass(frozen=True, slots=True)
class CurveKeys:
    """The listener's long-term key pair, 32 raw bytes (or 40 Z85 characters) each."""

    public: bytes
    secret: bytes


class OmqServer:
    """One listener. Everything happens in the event loop that `start` was called in."""

    def __init__(
        self,
        endpoint: str,
        handlers: Mapping[str, Handler],
        *,
        curve: CurveKeys | None = None,
        forbidden: Collection[str] = (),
        subscription_seconds: float = SUBSCRIPTION_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Answers `handlers` at `endpoint` (`ipc://PATH`, `tcp://HOST:PORT`, `tcp://HOST:*` for a free port).

        Commands in `forbidden` exist but are refused, as admin commands are on a public listener.
        """
        self._wanted_endpoint = endpoint
        self._handlers = handlers
        self._curve = curve
        self._forbidden = frozenset(forbidden)
        self._subscription_seconds = subscription_seconds
        self._clock = clock
        self._log = structlog.get_logger()
        self._context: zmq.asyncio.Context | None = None
        self._socket: zmq.asyncio.Socket | None = None
        self._receiver: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[None]] = set()
        self._subscribers: dict[bytes, float] = {}

    @property
    def endpoint(self) -> str:
        """Where it listens, with the port that was taken. Only while it runs."""
        if self._socket is None:
            raise RuntimeError("the server is not running")
        return self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    @property
    def subscribers(self) -> int:
        """Block subscriptions that have not expired; a peer that has gone counts until its own does."""
        now = self._clock()
        return sum(expiry > now for expiry in self._subscribers.values())

    async def start(self) -> None:
        """Binds and begins to answer. Raises zmq.ZMQError when the address cannot be had."""
        self._context = zmq.asyncio.Context()
        socket = self._context.socket(zmq.ROUTER)
        socket.linger = 0
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_PART_BYTES)
        if self._curve is not None:
            socket.curve_server = True
            socket.curve_publickey = self._curve.public
            socket.curve_secretkey = self._curve.secret
        try:
            socket.bind(self._wanted_endpoint)
        except zmq.ZMQError:
            self._context.destroy(linger=0)
            raise
        self._socket = socket
        self._receiver = asyncio.create_task(self._receive(socket), name="omq server")

    async def close(self) -> None:
        """Stops answering: requests under way are never answered, all subscriptions are forgotten."""
        tasks = [*self._answering, *([self._receiver] if self._receiver else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._subscribers.clear()
        self._socket = self._receiver = None
        if self._context is not None:
            self._context.destroy(linger=0)
            self._context = None

    async def push_block(self, height: int, hash_bytes: bytes) -> None:
        """Tells every subscriber of a new top block; `hash_bytes` are the 32 raw bytes of its hash."""
        now = self._clock()
        self._subscribers = {peer: expiry for peer, expiry in self._subscribers.items() if expiry > now}
        for peer in list(self._subscribers):
            await self._send(peer, [b"notify.block", str(height).encode(), hash_bytes])

    async def _receive(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            peer, *frames = await socket.recv_multipart()
            if len(self._answering) >= MAX_QUEUED:
                continue
            task = asyncio.create_task(self._answer(peer, frames))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    async def _answer(self, peer: bytes, frames: list[bytes]) -> None:
        command, *rest = frames
        if command in _CONTROL:
            return
        if command == b"HI":
            await self._send(peer, [b"HELLO"])
            return
        name = command.decode("utf-8", "replace")
        known = name in self._handlers or name in self._forbidden or name in ("ping.ping", "sub.block")
        if not known:
            await self._send(peer, [b"UNKNOWNCOMMAND", command])
        elif name in self._forbidden:
            await self._send(peer, [b"FORBIDDEN", b"REPLY", rest[0]] if rest else [b"FORBIDDEN", command])
        elif not rest:
            await self._send(peer, [b"NO_REPLY_TAG", command])
        else:
            await self._answer_request(peer, name, rest[0], rest[1:])

    async def _answer_request(self, peer: bytes, name: str, tag: bytes, parts: list[bytes]) -> None:
        if name == "ping.ping":
            await self._send(peer, [b"REPLY", tag, b"pong"])
        elif name == "sub.block":
            await self._send(peer, [b"REPLY", tag, self._subscribe(peer)])
        else:
            if len(parts) > 1:
                # oxend complains and then goes on: two replies for one tag.
                text = f"Bad request: RPC commands must have at most one data part (received {len(parts)})"
                await self._send(peer, [b"REPLY", tag, b"400", text.encode()])
            await self._answer_rpc(peer, name, tag, parts[0] if parts else None)

    def _subscribe(self, peer: bytes) -> bytes:
        now = self._clock()
        renewed = self._subscribers.get(peer, now) > now
        self._subscribers[peer] = now + self._subscription_seconds
        return b"ALREADY" if renewed else b"OK"

    async def _answer_rpc(self, peer: bytes, name: str, tag: bytes, body: bytes | None) -> None:
        try:
            reply = await self._handlers[name](body)
        except Exception:  # noqa: BLE001  # a handler that throws sends nothing, and must not end the server
            self._log.exception("handler failed", command=name)
            return
        if reply is not None:
            await self._send(peer, [b"REPLY", tag, *reply])

    async def _send(self, peer: bytes, frames: list[bytes]) -> None:
        """Sends without ever waiting: what a peer that is gone or does not read should get is dropped."""
        if self._socket is None:
            return
        try:
            await self._socket.send_multipart([peer, *frames], flags=zmq.NOBLOCK)
        except zmq.ZMQError as error:
            self._log.debug("message dropped", reason=str(error))
