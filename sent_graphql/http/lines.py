"""What lies beneath an ASGI connection: whether its client takes what it is sent, and how to be rid of it."""

from collections.abc import Coroutine
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

LINE: Final = "line"
"""Where the state of a request, or of a WebSocket's handshake, has its Line, if the server is ours."""


class Line(Protocol):
    """One client's connection."""

    @property
    def is_free(self) -> bool:
        """Nothing, or little, waits for the client to read it. True of what has ended: sending will tell."""

    async def freed(self) -> None:
        """Waits until it is, or the connection has ended."""

    def cut(self) -> None:
        """Ends the connection at once, and forgets what was not read."""


class PushLine(Line, Protocol):
    """A WebSocket's, with a short way for messages that are sent to many: finished bytes and no coroutine."""

    def push(self, *parts: bytes) -> bool:
        """Sends one text message, in parts, at once.

        False where its client has to be waited for, or is gone: then `send` tells which.
        """

    def holding(self, payload: bytes) -> AbstractContextManager[None]:
        """While a message is held that the client has to be waited for; too much of it ends the connection."""


def line_of(scope: Any) -> Any:  # noqa: ANN401 - ASGI's scopes are dicts of anything
    """A request's Line, a WebSocket's PushLine; null under another server than ours."""
    return scope.get("state", {}).get(LINE)


def room_on(line: Line | None) -> Coroutine[Any, Any, None] | None:
    """What to wait for before more is sent; null where nothing has to be waited for, or it cannot be told."""
    return None if line is None or line.is_free else line.freed()
