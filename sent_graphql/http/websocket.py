"""`/graphql` by WebSocket: who is let in, and which protocol is spoken."""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from sent_graphql.http.clients import client_of
from sent_graphql.http.dialects import Dialect, LegacyWs, TransportWs
from sent_graphql.http.handshakes import refuse
from sent_graphql.http.lines import line_of
from sent_graphql.http.live_connections import LiveConnections, TooManyConnectionsError
from sent_graphql.http.operations import Operations
from sent_graphql.http.origins import Origins
from sent_graphql.http.replies import refusal
from sent_graphql.http.websocket_connection import WebSocketConnection
from sent_graphql.live.subscriptions import LiveQueries
from sent_graphql.settings import LiveSettings

NO_SUBPROTOCOL: Final = 4406

RETRY_AFTER: Final = {"retry-after": "5"}
"""Seconds after which there may be room again."""


class WebSocketEndpoint:
    """The ASGI application of WebSockets. `origins`: whose pages may connect."""

    def __init__(
        self,
        *,
        live: LiveQueries,
        operations: Operations,
        connections: LiveConnections,
        settings: LiveSettings,
        origins: Origins,
    ) -> None:
        self._live = live
        self._operations = operations
        self._connections = connections
        self._settings = settings
        self._origins = origins
        self._dialects: dict[str, Dialect] = {dialect.name: dialect for dialect in (TransportWs(), LegacyWs())}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection from its handshake to its end."""
        await receive()  # websocket.connect
        if not self._origins.welcome(Headers(scope=scope)):
            foreign = refusal(403, "Pages of this origin may not connect here.", code="FORBIDDEN")
            await refuse(foreign, scope, receive, send)
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
            await refuse(refusal(error.status, str(error), RETRY_AFTER, code=error.code), scope, receive, send)
