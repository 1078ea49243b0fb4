"""How the rest of this room reaches oxend, whichever library carries the messages."""

from collections.abc import Callable
from typing import Protocol

import structlog

from sent_graphql.settings import OxendSettings
from sent_graphql.sources.errors import SourceMisconfiguredError
from sent_graphql.sources.oxend.connection import Connector, PushListener
from sent_graphql.sources.oxend.endpoints import parse_endpoint
from sent_graphql.sources.oxend.optional import optional_module
from sent_graphql.sources.oxend.oxenmq_connection import OxenmqConnector
from sent_graphql.sources.oxend.reconnecting import ReconnectingTransport
from sent_graphql.sources.oxend.zmq_connection import ZmqConnector


class OxendTransport(Protocol):
    """Requests to oxend and messages from it. All in one event loop."""

    async def start(self) -> None:
        """Begins to connect, and stays at it; an oxend that is not there is no error."""

    async def request(self, command: str, body: bytes | None = None, *, timeout: float | None = None) -> list[bytes]:
        """Asks `command` (`category.name`) with at most one body; gives the reply's frames after `REPLY, tag`.

        The wait ends after `timeout` seconds (else the setting's). Raises OxendUnreachableError, OxendTimeoutError
        or OxendRefusedError.
        """

    def on_push(self, listener: PushListener) -> None:
        """Has `listener` called with the frames of every command that oxend sends by itself."""

    def on_connected(self, listener: Callable[[], None]) -> None:
        """Has `listener` called after every new connection: subscriptions of the one before are gone."""

    async def close(self) -> None:
        """Ends everything; requests under way fail."""


def make_transport(settings: OxendSettings) -> OxendTransport:
    """The transport that the settings ask for, not started yet. Raises SourceMisconfiguredError."""
    endpoints = [parse_endpoint(text) for text in settings.endpoints]
    return ReconnectingTransport(endpoints, _connector(settings), settings)


def _connector(settings: OxendSettings) -> Connector:
    oxenmq = None if settings.transport == "zmq" else optional_module("oxenmq")
    if oxenmq is not None:
        structlog.get_logger().info("oxend transport", library="oxenmq")
        return OxenmqConnector(
            oxenmq,
            connect_timeout=settings.connect_timeout,
            max_message_bytes=settings.max_message_bytes,
            threads=settings.max_in_flight,
        )
    if settings.transport == "oxenmq":
        raise SourceMisconfiguredError(
            'the package oxenmq does not import here: install it, or set oxend.transport to "zmq"'
        )
    return ZmqConnector(connect_timeout=settings.connect_timeout, max_message_bytes=settings.max_message_bytes)
