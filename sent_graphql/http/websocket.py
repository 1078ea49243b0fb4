"""`/graphql` by WebSocket: who is let in, and which protocol is spoken."""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from sent_graphql.http.clients import client_of
from sent_graphql.http.dialects import Dialect, LegacyWs, TransportWs
from sent_graphql.http.lines import line_of
from sent_graphql.http.live_connections import LiveConnections, TooManyConnectionsError
from sent_graphql.http.operations import Operations
from sent_graphql.http.replies import refusal
from sent_graphql.http.websocket_connection import WebSocketConnection
from sent_graphql.live.subscriptions import LiveQueries
from sent_graphql.settings import LiveSettings

NO_SUBPROTOCOL: Final = 4406

RETRY_AFTER: Final = {"retry-after": "5"}
"""Seconds after which there may be room again."""


class WebSocketEndpoint:
    """The ASGI application of WebSockets. `origins`: whose pages may connect besides our own; "*" is everybody's."""

    def __init__(
        self,
        *,
        live: LiveQueries,
        operations: Operations,
        connections: LiveConnections,
        settings: LiveSettings,
        origins: tuple[str, ...],
    ) -> None:
        self._live = live
        self._operations = operations
        self._connections = connections
        self._settings = settings
        self._origins = frozenset(origins)
        self._dialects: dict[str, Dialect] = {dialect.name: dialect for dialect in (TransportWs(), LegacyWs())}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection from its handshake to its end."""
        await receive()  # websocket.connect
        headers = Headers(scope=scope)
        if not self._is_welcome(headers):
            await refusal(403, "Pages of this origin may not connect here.", code="FORBIDDEN")(scope, receive, send)
            return
        dialect = next((self._dialects[name] for name in scope["subprotocols"] if name in self._dialects), None)
        if dialect is None:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": NO_SUBPROTOCOL, "reason": "Subprotocol not acceptable"})
            return
        client = client_of(scope)
        connection = WebSocketConnection(
            dialect,
            client=client,
            live=self._live,
            operations=self._operations,
            settings=self._settings,
            receive=receive,
            send=send,
            line=line_of(scope),
        )
        try:
            with self._connections.admitted(connection, client):
                await connection.run()
        except TooManyConnectionsError as error:
            await refusal(error.status, str(error), RETRY_AFTER, code=error.code)(scope, receive, send)

    def _is_welcome(self, headers: Headers) -> bool:
        """Browsers tell the page's origin and let any page connect: it is ours to refuse."""
        origin = headers.get("origin")
        if origin is None or "*" in self._origins or origin in self._origins:
            return True
        host = origin.partition("://")[2]
        return bool(host) and host == headers.get("host")
