"""uvicorn's WebSockets, with a short way for messages that are sent to many: a finished frame and no coroutine."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

EXTENSION: Final = "sent_graphql.push"
"""ASGI's name of it: `scope["extensions"]` has it where the server knows the short way."""

Push: TypeAlias = Callable[[bytes], bool]
"""Sends one text message at once; false where its client has to be waited for, or is gone: then `send` tells which."""

_WHOLE_TEXT: Final = 0x81
_LARGEST_SMALL, _LARGEST_MEDIUM = 125, 2**16 - 1
_MEDIUM, _LARGE = 126, 127


class FramingProtocol(WebSocketsSansIOProtocol):
    """Tells the application of `push` when a connection begins. Messages go out as they are: without deflate."""

    def handle_connect(self, event: Request) -> None:
        """Begins the handshake; the application is called after it."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][EXTENSION] = {"push": self.push}

    def push(self, message: bytes) -> bool:
        """See Push."""
        if not self.writable.is_set() or self.close_sent or self.transport.is_closing():
            return False
        self.transport.write(_head(len(message)) + message)
        return True


def push_of(scope: Any) -> Push | None:  # noqa: ANN401 - ASGI's scopes are dicts of anything
    """The short way of a connection, where it has one."""
    push: Push | None = scope.get("extensions", {}).get(EXTENSION, {}).get("push")
    return push


def _head(size: int) -> bytes:
    """What stands before the content of a server's frame."""
    if size <= _LARGEST_SMALL:
        return bytes((_WHOLE_TEXT, size))
    if size <= _LARGEST_MEDIUM:
        return bytes((_WHOLE_TEXT, _MEDIUM)) + size.to_bytes(2)
    return bytes((_WHOLE_TEXT, _LARGE)) + size.to_bytes(8)
