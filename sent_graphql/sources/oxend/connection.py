"""What a library that speaks OxenMQ must offer: one connection from its greeting to its loss, never mended."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from sent_graphql.sources.oxend.endpoints import Endpoint
from sent_graphql.sources.oxend.errors import OxendUnreachableError

Frames = list[bytes]

PushListener = Callable[[Frames], None]
"""Gets all frames of a command that oxend sends by itself, its name first."""


class Connection(Protocol):
    """A connection that has been greeted. Once lost it stays lost: another takes its place."""

    @property
    def lost(self) -> asyncio.Future[OxendUnreachableError]:
        """Done when the connection is no good any more; the result says why."""

    async def request(self, command: str, body: bytes | None, timeout: float) -> Frames:
        """The reply's frames after `REPLY, tag`. Raises OxendError; its wait ends after `timeout` seconds."""

    async def close(self) -> None:
        """Lets go of everything; requests under way fail."""


class Connector(Protocol):
    """Opens connections."""

    async def open(self, endpoint: Endpoint, on_push: PushListener) -> Connection:
        """A greeted connection. Raises OxendUnreachableError, within its own time limit."""

    async def close(self) -> None:
        """Lets go of what connections share."""
