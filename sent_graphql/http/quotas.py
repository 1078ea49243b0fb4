"""What every request costs its client, and what its answer tells of what is left."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sent_graphql.http.clients import client_of
from sent_graphql.http.not_now import RateLimitedError, Refusing
from sent_graphql.http.rate_limit import REQUEST, RateLimit

FREE: Final = frozenset({"/healthz", "/readyz"})
"""Who watches over the service is never refused."""


class Quotas:
    """Charges for requests and handshakes, and adds the headers of rate limits to answers.

    `refusing` answers who has asked for too much.
    """

    def __init__(self, app: ASGIApp, limit: RateLimit, refusing: Refusing) -> None:
        self._app = app
        self._refusing = refusing
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers it with 429."""
        if scope["type"] == "lifespan" or scope["path"] in FREE:
            await self._app(scope, receive, send)
            return
        client = client_of(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._limit.headers(client)]
            await send(message)

        try:
            self._limit.charge(client, REQUEST)
        except RateLimitedError as error:
            await self._refusing(error, scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
