"""uvicorn's WebSockets, with a short way for messages that are sent to many: a finished frame and no coroutine.

And with bounds for clients that do not read, or that send a message in crumbs: uvicorn keeps what they leave unread,
answers to their pings among it, for as long as they like.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidHeader
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from sent_graphql.http.clients import party
from sent_graphql.http.heads import refusal_bytes
from sent_graphql.http.holdings import Holdings
from sent_graphql.http.lines import LINE

SHARED_FROM: Final = 64 * 1024
"""Bytes of a message from which its parts are sent as they are: many who do not read it share the bytes then."""

MAX_FRAGMENTS: Final = 1_000
"""Fragments of a message that are kept apart: each costs some 50 bytes, whatever little it holds."""

HANDSHAKE: Final[Mapping[str, str]] = {
    "Sec-WebSocket-Key": "`Sec-WebSocket-Key` must be 16 bytes in base64, once.",
    "Sec-WebSocket-Version": "`Sec-WebSocket-Version` must be 13, once.",
    "Sec-WebSocket-Protocol": "`Sec-WebSocket-Protocol` must be graphql-transport-ws or graphql-ws.",
}
NO_HANDSHAKE: Final = "This is no handshake of a WebSocket as RFC 6455 has it."
"""What a handshake lacks, by the name of a header."""

_WHOLE_TEXT: Final = 0x81
_LARGEST_SMALL, _LARGEST_MEDIUM = 125, 2**16 - 1
_MEDIUM, _LARGE = 126, 127


MOST_BUFFERED: Final = 16 * 1024
"""Bytes of small messages that may wait for a client before it counts as one that does not keep up."""


class FramingProtocol(WebSocketsSansIOProtocol):
    """Is the PushLine of its connection. Messages go out as they are: without deflate.

    Subclasses have what is held for clients: answers `unread`, and `unfinished` messages.
    """

    unread: Holdings
    unfinished: Holdings
    _is_unfinished = False
    _owed_pong = b""
    _largest = b""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's business
        super().__init__(*args, **kwargs)
        self._service = self.app
        self.app = self._served

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=MOST_BUFFERED)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends."""
        self.unread.release(self)
        self.unfinished.release(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes what has come. First of all that is a whole handshake: one that is not understood is refused."""
        super().data_received(data)
        if self.frames or self.conn.reader.buffer or self._is_unfinished:
            self._count_unfinished()
        if not (self.handshake_initiated or self.transport.is_closing()):
            self._refuse(431, "HEADERS_TOO_LARGE", "The handshake has too many headers, or too long a line.")

    def handle_connect(self, event: Request) -> None:
        """Begins the handshake, if it is one; the application is called after it."""
        if self.conn.accept(event).status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            fault = self.conn.handshake_exc
            words = HANDSHAKE.get(fault.name, NO_HANDSHAKE) if isinstance(fault, InvalidHeader) else NO_HANDSHAKE
            self._refuse(400, "BAD_REQUEST", words)
            return
        super().handle_connect(event)
        self.scope["state"][LINE] = self

    def send_receive_event_to_app(self) -> None:
        """Passes a message on. A text that is none ends the connection, and is nothing for the log."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_text(b"".join(self.frames)):
            self.conn.send_close(CloseCode.INVALID_DATA)
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    @property
    def is_free(self) -> bool:
        """See Line."""
        return self.writable.is_set() or self.close_sent or self.transport.is_closing()

    async def freed(self) -> None:
        """See Line."""
        await self.writable.wait()

    def cut(self) -> None:
        """See Line."""
        self.transport.abort()

    def push(self, *parts: bytes) -> bool:
        """See PushLine."""
        if not self.writable.is_set() or self.close_sent or self.transport.is_closing():
            return False
        size = sum(map(len, parts))
        if size < SHARED_FROM:
            self.transport.write(_head(size) + b"".join(parts))
        else:
            self._largest = max(parts, key=len)
            self.transport.writelines((_head(size), *parts))
            self._largest = b""
        return True

    @contextmanager
    def holding(self, payload: bytes) -> Iterator[None]:
        """See PushLine."""
        late = _Late(self)
        self.unread.hold(late, self._party(), payload, len(payload))
        try:
            yield
        finally:
            self.unread.release(late)

    def handle_ping(self) -> None:
        """Answers pings: of those that come while the client does not read, the last one, once it does."""
        pongs = self.conn.data_to_send()
        if self.writable.is_set():
            self.transport.write(b"".join(pongs))
        elif pongs:
            self._owed_pong = pongs[-1]

    def pause_writing(self) -> None:
        """The client does not keep up."""
        super().pause_writing()
        size = max(len(self._largest), self.transport.get_write_buffer_size())
        self.unread.hold(self, self._party(), self._largest or self, size)

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self.unread.release(self)
        owed, self._owed_pong = self._owed_pong, b""
        if owed and not (self.close_sent or self.transport.is_closing()):
            self.transport.write(owed)

    def handle_cont(self, event: Frame) -> None:
        """Takes one more part of a message."""
        super().handle_cont(event)
        if len(self.frames) > MAX_FRAGMENTS:
            self.frames = [b"".join(self.frames)]

    def send_keepalive_ping(self) -> None:
        """Asks for a sign of life. An ended connection is cut whose client has not read the end of it by now."""
        if self.transport.is_closing():
            self.transport.abort()
        elif self.close_sent:
            self.schedule_ping()
        else:
            super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Ends a connection that gave no sign of life; without a wait for it to read what it was sent."""
        super().keepalive_timeout()
        if self.transport.is_closing():
            self.transport.abort()
        else:
            self.schedule_ping()

    def _count_unfinished(self) -> None:
        """Notes what is held of a message, or of a handshake, whose rest has yet to come."""
        size = len(self.conn.reader.buffer) + sum(map(len, self.frames))
        self._is_unfinished = size > 0
        if self._is_unfinished:
            self.unfinished.hold(self, self._party(), self, size)
        else:
            self.unfinished.release(self)

    def _party(self) -> str:
        return party(self.client[0]) if self.client else ""

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Ends a connection that does not become a WebSocket's."""
        self.handshake_initiated = self.handshake_complete = self.close_sent = True
        error = {"message": message, "extensions": {"code": code}}
        self.transport.write(refusal_bytes(status, {"sec-websocket-version": "13"}, [error]))
        self.transport.close()

    async def _served(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        await self._service(scope, receive, send)
        if self.initial_response is not None:
            self.handshake_complete = True  # a refusal ends it too: uvicorn would log it as a fault of ours


class _Late:
    """A message that waits for the client, beside what is being sent to it."""

    def __init__(self, line: FramingProtocol) -> None:
        self._line = line

    def cut(self) -> None:
        """See Holder."""
        self._line.cut()


def framing_protocol(*, unread: Holdings, unfinished: Holdings) -> type[FramingProtocol]:
    """The WebSockets of one server; what is sent and not read counts in `unread`, parts of messages in `unfinished`."""
    unread_of_all, unfinished_of_all = unread, unfinished

    class ServedProtocol(FramingProtocol):
        unread = unread_of_all
        unfinished = unfinished_of_all

    return ServedProtocol


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _head(size: int) -> bytes:
    """What stands before the content of a server's frame."""
    if size <= _LARGEST_SMALL:
        return bytes((_WHOLE_TEXT, size))
    if size <= _LARGEST_MEDIUM:
        return bytes((_WHOLE_TEXT, _MEDIUM)) + size.to_bytes(2)
    return bytes((_WHOLE_TEXT, _LARGE)) + size.to_bytes(8)
