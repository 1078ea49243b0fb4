"""Requests that are refused now and may be made again later: the client has asked for too much, or everybody has."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sent_graphql.http.handshakes import refuse
from sent_graphql.http.media_types import JSON
from sent_graphql.http.replies import json_reply

_REFUSAL: Final = "refusal"


class NotNowError(Exception):
    """Its text is for the client. `retry_after`: seconds until it is worth another try."""

    status: ClassVar[int]
    code: ClassVar[str]

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def formatted(self) -> dict[str, Any]:
        """As GraphQL writes errors."""
        return {"message": str(self), "extensions": {"code": self.code, "retryAfter": self.retry_after}}

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the HTTP answer."""
        return {"retry-after": str(self.retry_after)}

    def response(self, headers: Mapping[str, str] | None = None, *, media_type: str = JSON) -> Response:
        """The HTTP answer."""
        return json_reply(
            {"errors": [self.formatted()]},
            status=self.status,
            headers={**(headers or {}), **self.headers},
            media_type=media_type,
        )


class Refusing:
    """Answers requests that are refused ahead of the application, with the headers that `layers` give all answers."""

    def __init__(self, layers: Iterable[Middleware]) -> None:
        app: ASGIApp = self._answer
        for layer in reversed(list(layers)):
            app = layer.cls(app, *layer.args, **layer.kwargs)
        self._app = app

    async def __call__(self, error: NotNowError, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses one, or the handshake of a WebSocket."""
        if scope["type"] == "websocket":
            await refuse(error.response(), scope, receive, send)
            return
        scope.setdefault("state", {})[_REFUSAL] = error
        await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        error: NotNowError = scope["state"][_REFUSAL]
        await error.response()(scope, receive, send)


class RateLimitedError(NotNowError):
    """This client has asked for too much."""

    status = 429
    code = "RATE_LIMITED"


class OverloadError(NotNowError):
    """There is more to do than can be done."""

    status = 503
    code = "OVERLOADED"
