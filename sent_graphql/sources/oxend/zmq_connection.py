"""OxenMQ over plain libzmq: one DEALER socket, one receive loop, replies matched by tag in any order.

libzmq's silent reconnection is not used: it would hide that subscriptions are lost, and after a refused handshake
or an oversize reply it may never happen. A socket serves until its first disconnection, then another is made.
"""

import asyncio
import secrets
from typing import Final

import structlog
import zmq
import zmq.asyncio
from zmq.utils.monitor import parse_monitor_message

from sent_graphql.sources.oxend.connection import Frames, PushListener
from sent_graphql.sources.oxend.endpoints import Endpoint
from sent_graphql.sources.oxend.errors import OxendTimeoutError, OxendUnreachableError
from sent_graphql.sources.oxend.frames import ERROR_CODES, HI, InFlight, is_push, request_frames

HANDSHAKE_MS: Final = 10_000
HEARTBEAT_MS: Final = 15_000
HEARTBEAT_TIMEOUT_MS: Final = 30_000
"""liboxenmq's own values: what it takes to notice a dead peer."""

NEVER_MS: Final = 2**31 - 1
"""Pause before libzmq's own reconnection: so long that ours comes first."""

CUT_OFF_WAIT: Final = 0.25
"""Seconds after a disconnection in which libzmq would announce its retry; it does not after an oversize message."""

_FAILED_EVENTS: Final = {
    int(zmq.EVENT_CLOSED): "nobody listens there",
    int(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL): "the handshake failed: wrong key, or plain against curve",
    int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL): "the handshake failed: wrong key, or plain against curve",
    int(zmq.EVENT_HANDSHAKE_FAILED_AUTH): "oxend does not let us in",
}
_WATCHED_EVENTS: Final = sum(_FAILED_EVENTS) | int(zmq.EVENT_DISCONNECTED) | int(zmq.EVENT_CONNECT_RETRIED)


class ZmqConnection:
    """One DEALER socket, from its connect to its end."""

    def __init__(
        self, socket: zmq.asyncio.Socket, endpoint: Endpoint, on_push: PushListener, greeting_timeout: float
    ) -> None:
        """Takes over `socket`, which has its options set and is not connected yet."""
        self._socket = socket
        self._endpoint = endpoint
        self._on_push = on_push
        self._greeting_timeout = greeting_timeout
        self._log = structlog.get_logger()
        self._in_flight = InFlight()
        self._heard = 0
        self._hello = asyncio.Event()
        self._lost: asyncio.Future[OxendUnreachableError] = asyncio.get_running_loop().create_future()
        self._monitor: zmq.asyncio.Socket = socket.get_monitor_socket(_WATCHED_EVENTS)
        self._tasks = {
            asyncio.create_task(self._receive(), name="oxend receiver"),
            asyncio.create_task(self._watch(), name="oxend connection watch"),
        }
        self._probe: asyncio.Task[None] | None = None

    @property
    def lost(self) -> asyncio.Future[OxendUnreachableError]:
        """See Connection."""
        return self._lost

    async def greet(self) -> None:
        """Connects and waits for the peer's HELLO. Raises OxendUnreachableError."""
        try:
            self._socket.connect(self._endpoint.address)
        except zmq.ZMQError as error:
            self._lose(str(error))
        if not self._lost.done() and not await self._says_hello():
            self._lose(f"no answer within {self._greeting_timeout:g} s")
        if self._lost.done():
            raise self._lost.result()

    async def request(self, command: str, body: bytes | None, timeout: float) -> Frames:
        """See Connection."""
        if self._lost.done():
            raise self._lost.result()
        heard = self._heard
        tag, reply = self._in_flight.add(command)
        try:
            async with asyncio.timeout(timeout):
                await self._socket.send_multipart(request_frames(command, tag, body))
                return await reply
        except TimeoutError:
            if self._heard == heard:
                self._suspect()
            raise OxendTimeoutError(f"no reply to {command} within {timeout:.3g} s") from None
        except zmq.ZMQError as error:
            self._lose(str(error))
            raise self._lost.result() from error
        finally:
            self._in_flight.forget(tag)

    async def close(self) -> None:
        """See Connection."""
        self._lose("the connection was closed")
        tasks = [*self._tasks, *([self._probe] if self._probe else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._socket.disable_monitor()
        self._monitor.close(linger=0)
        self._socket.close(linger=0)

    async def _receive(self) -> None:
        try:
            while True:
                frames = await self._socket.recv_multipart()
                self._heard += 1
                self._take(frames)
        except zmq.ZMQError as error:
            self._lose(str(error))

    def _take(self, frames: Frames) -> None:
        if frames[0] == b"REPLY":
            self._in_flight.reply(frames)
        elif frames[0] in ERROR_CODES:
            self._in_flight.refuse(frames)
        elif frames[0] == b"HELLO":
            self._hello.set()
        elif frames[0] == b"BYE":
            self._lose("oxend took leave")
        elif is_push(frames):
            self._on_push(frames)
        else:
            self._log.debug("message dropped: not OxenMQ", frames=len(frames))

    async def _watch(self) -> None:
        """Follows libzmq's own account of the connection."""
        try:
            while not self._lost.done():
                kind = await self._next_event()
                if kind == zmq.EVENT_DISCONNECTED:
                    self._lose(await self._why_disconnected())
                elif kind in _FAILED_EVENTS:
                    self._lose(_FAILED_EVENTS[kind])
        except zmq.ZMQError as error:
            self._lose(str(error))

    async def _next_event(self) -> int:
        return int(parse_monitor_message(await self._monitor.recv_multipart())["event"])

    async def _why_disconnected(self) -> str:
        """libzmq retries after an ordinary disconnection and gives up for good after a message beyond the limit."""
        try:
            async with asyncio.timeout(CUT_OFF_WAIT):
                await self._next_event()
        except TimeoutError:
            return "the connection was cut off, probably by a reply larger than oxend.max_message_bytes"
        return "the connection broke"

    def _suspect(self) -> None:
        """A peer that let a request time out and said nothing else may be gone: greets it once more."""
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._check_alive(), name="oxend probe")

    async def _check_alive(self) -> None:
        if not await self._says_hello():
            self._lose("oxend has gone silent")

    async def _says_hello(self) -> bool:
        """Whether a greeting is answered in time; true also for a connection lost meanwhile, which says why itself."""
        self._hello.clear()
        try:
            async with asyncio.timeout(self._greeting_timeout):
                await self._socket.send_multipart(HI)
                await self._hello.wait()
        except TimeoutError:
            return False
        except zmq.ZMQError as error:
            self._lose(str(error))
        return True

    def _lose(self, reason: str) -> None:
        if not self._lost.done():
            error = OxendUnreachableError(f"{self._endpoint.label}: {reason}")
            self._lost.set_result(error)
            self._in_flight.fail(error)
            self._hello.set()


class ZmqConnector:
    """Opens ZmqConnections, all in one libzmq context."""

    def __init__(self, *, connect_timeout: float, max_message_bytes: int) -> None:
        """`connect_timeout`: seconds until HELLO must have come; `max_message_bytes`: largest reply part."""
        self._connect_timeout = connect_timeout
        self._max_message_bytes = max_message_bytes
        self._context: zmq.asyncio.Context | None = None

    async def open(self, endpoint: Endpoint, on_push: PushListener) -> ZmqConnection:
        """See Connector."""
        try:
            connection = ZmqConnection(self._socket(endpoint), endpoint, on_push, self._connect_timeout)
        except zmq.ZMQError as error:
            raise OxendUnreachableError(f"{endpoint.label}: {error}") from error
        try:
            await connection.greet()
        except BaseException:
            await connection.close()
            raise
        return connection

    async def close(self) -> None:
        """See Connector."""
        if self._context is not None:
            self._context.destroy(linger=0)
            self._context = None

    def _socket(self, endpoint: Endpoint) -> zmq.asyncio.Socket:
        if self._context is None:
            self._context = zmq.asyncio.Context()
        socket = self._context.socket(zmq.DEALER)
        socket.linger = 0
        # Two live sockets with one routing id can bring oxend down, so it is never used twice.
        socket.routing_id = b"G" + secrets.token_bytes(24)
        socket.setsockopt(zmq.MAXMSGSIZE, self._max_message_bytes)
        socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
        socket.setsockopt(zmq.RECONNECT_IVL, NEVER_MS)
        # Only for a literal address: with it, a name that has both kinds would be taken as IPv6 alone.
        socket.setsockopt(zmq.IPV6, int("[" in endpoint.address))
        if endpoint.server_key is not None:
            public, secret = zmq.curve_keypair()
            socket.curve_serverkey = endpoint.server_key
            socket.curve_publickey = public
            socket.curve_secretkey = secret
        return socket
