"""Results as Server-Sent Events: graphql-sse's "distinct connections", one operation per request."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.schema.exceptions import InvalidOperationTypeError

from sent_graphql.http.clients import client_of
from sent_graphql.http.graphql_request import Parameters, RequestError
from sent_graphql.http.lines import Line, line_of, room_on
from sent_graphql.http.live_connections import LiveConnections, TooManyConnectionsError
from sent_graphql.http.media_types import EVENT_STREAM
from sent_graphql.http.operations import QUERIES, QUERIES_AND_MUTATIONS, Operations, encoded
from sent_graphql.http.replies import masked
from sent_graphql.live.subscriptions import LiveQueries, Subscription, SubscriptionRefusedError
from sent_graphql.schema.price import Price
from sent_graphql.settings import LiveSettings

NEXT: Final = b"event: next\ndata: "
END: Final = b"\n\n"
COMPLETE: Final = b"event: complete\ndata:\n\n"
"""With an empty line of data: without one, a browser does not tell its page of the event."""

PING: Final = b":\n\n"

HEADERS: Final = (
    (b"content-type", f"{EVENT_STREAM}; charset=utf-8".encode()),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
)
"""The last keeps nginx from collecting events before it passes them on."""


class EventStreams:
    """Makes the streams."""

    def __init__(
        self, *, live: LiveQueries, operations: Operations, connections: LiveConnections, settings: LiveSettings
    ) -> None:
        self._live = live
        self._operations = operations
        self._connections = connections
        self._settings = settings

    def response(self, request: Request, parameters: Parameters) -> Response:
        """The answer to a request that accepts events."""
        return _EventStream(self, request.method, parameters)

    async def serve(self, stream: "_EventStream", client: str, receive: Receive) -> None:
        """Sends the operation's results until either side has had enough."""
        try:
            with self._connections.admitted(stream, client):
                price = await self._operations.admit(stream.parameters, client)
                if self._operations.is_subscription(stream.parameters):
                    await self._subscribe(stream, receive)
                else:
                    await self._answer(stream, price)
        except TooManyConnectionsError as error:
            raise RequestError(error.status, str(error), {"retry-after": "5"}, code=error.code) from None

    async def _answer(self, stream: "_EventStream", price: Price) -> None:
        allowed = QUERIES if stream.method == "GET" else QUERIES_AND_MUTATIONS
        try:
            async with self._operations.room(price):
                payload = await encoded(await self._operations.run(stream.parameters, allowed))
        except InvalidOperationTypeError:
            raise RequestError(405, "Mutations are only served by POST.", {"allow": "POST"}) from None
        await stream.open()
        await stream.next(payload)
        await stream.complete()

    async def _subscribe(self, stream: "_EventStream", receive: Receive) -> None:
        await stream.open()
        subscription: Subscription | None = None
        try:
            subscription = await self._live.subscribe(stream.parameters.as_operation(), stream)
            stream.show_life(self._settings.ping_interval)
            while (await receive())["type"] != "http.disconnect":
                continue
        except SubscriptionRefusedError as error:
            await stream.error(error.json())
        except OSError:
            return  # the client is gone
        except Exception as fault:  # noqa: BLE001 - the answer has begun: its end must say why
            await stream.error(masked(fault))
        finally:
            stream.close()
            if subscription is not None:
                subscription.stop()


class _EventStream(Response):
    """One stream; as an outlet it wraps results into events."""

    def __init__(self, streams: EventStreams, method: str, parameters: Parameters) -> None:
        self.method = method
        self.parameters = parameters
        self._streams = streams
        self._send: Send | None = None
        self._line: Line | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pinging: asyncio.Task[None] | None = None
        self._over = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the request."""
        self._send = send
        self._line = line_of(scope)
        await self._streams.serve(self, client_of(scope), receive)

    async def open(self) -> None:
        """Begins the answer."""
        await self._say({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})

    def room(self) -> Coroutine[Any, Any, None] | None:
        """What to wait for until the client is ready for a result."""
        return room_on(self._line)

    async def next(self, payload: bytes) -> None:
        """Sends a result."""
        await self._event(NEXT + payload + END)

    async def error(self, errors: bytes) -> None:
        """Sends the errors that end it."""
        await self._event(NEXT + b'{"errors":' + errors + b"}" + END)
        await self.complete()

    async def complete(self) -> None:
        """Sends that it is over."""
        if self._over:
            return
        self.close()
        await self._say({"type": "http.response.body", "body": COMPLETE, "more_body": False})

    async def leave(self) -> None:
        """Ends it: the service goes down."""
        await self.complete()

    def cut(self) -> None:
        """Ends the connection of a client that takes nothing."""
        if self._line is not None:
            self._line.cut()

    def show_life(self, interval: float) -> None:
        """Sends a comment now and then: proxies cut silent connections, and a client that is gone is noticed."""
        if not self._over:
            self._timer = asyncio.get_running_loop().call_later(interval, self._ping, interval)

    def close(self) -> None:
        """Sends nothing more."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ping(self, interval: float) -> None:
        if self._pinging is None or self._pinging.done():
            self._pinging = asyncio.get_running_loop().create_task(self._say_ping())
        self.show_life(interval)

    async def _say_ping(self) -> None:
        """Unless it has ended meanwhile: nobody waits for this to be told so."""
        with contextlib.suppress(ConnectionAbortedError):
            await self._event(PING)

    async def _event(self, event: bytes) -> None:
        if self._over:
            raise ConnectionAbortedError
        await self._say({"type": "http.response.body", "body": event, "more_body": True})

    async def _say(self, message: dict[str, object]) -> None:
        assert self._send is not None, "an answer begins with its request"
        await self._send(message)
