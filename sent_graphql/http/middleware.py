"""What every answer passes through: its log line and its headers. Plain ASGI, so streams pass unhindered."""

import logging
import os
import re
import time
from collections.abc import Iterable
from typing import Final

import structlog
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sent_graphql.http.replies import SECURITY_HEADERS, fault_told, json_reply

_LOGGED_PATH: Final = 200
"""Characters of a path that are logged."""

_OPERATION_NAME: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,99}")

REQUEST_ID: Final = b"x-request-id"

_SECURITY_HEADERS: Final = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class RequestLine:
    """The line that the log has for a request, at debug level. Bodies and query strings are never logged."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()

    def write(self, scope: Scope, status: int, size: int, began: float, *, operation: object, **more: str) -> None:
        """Write it: `size` bytes were sent, to a request that came when time.perf_counter() told `began`."""
        if not self._log.is_enabled_for(logging.DEBUG):
            return
        self._log.debug(
            "request",
            method=scope.get("method", "GET"),  # a handshake has none, and is a GET
            path=_printable(scope["path"]),
            status=status,
            duration_ms=round((time.perf_counter() - began) * 1000, 2),
            bytes=size,
            **_operation(operation),
            **more,
        )


class RequestLog:
    """One RequestLine for each request.

    Each has an id, which all lines written during it carry and the answer names in `x-request-id`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._line = RequestLine()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and logs how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = os.urandom(8).hex()
        answer = _Answer(send, request_id)
        state = scope.setdefault("state", {})
        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, answer.send)
            finally:
                self._line.write(scope, answer.status, answer.bytes, began, operation=state.get("operation"))


class _Answer:
    """Watches one answer go out. Its status is 500 until it has begun."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 500
        self.bytes = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (REQUEST_ID, self._request_id.encode())]
        elif message["type"] == "http.response.body":
            self.bytes += len(message.get("body", b""))
        await self._send(message)


class SecurityHeaders:
    """Adds SECURITY_HEADERS to every answer that does not bring its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                added = [header for header in _SECURITY_HEADERS if header[0] not in own]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Faults:
    """Answers what failed in us with a 500 that tells nothing but an id, under which the log tells the rest.

    Nothing is raised further, so the connection lives on, unless the answer had begun: then it is cut.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        begun = False

        async def watched_send(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except Exception as fault:
            error = fault_told("request failed", fault)
            if begun or scope["type"] != "http":
                raise
            await json_reply({"errors": [error]}, status=500)(scope, receive, send)


def cors(origins: Iterable[str]) -> list[Middleware]:
    """Lets pages of these origins ask from a browser; none of them means that no page of elsewhere may.

    No credentials are allowed, since the service has none.
    """
    allowed = list(origins)
    if not allowed:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=allowed,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["accept", "content-type"],
            expose_headers=["etag", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id"],
            max_age=3600,
        )
    ]


def _printable(path: str) -> str:
    return path[:_LOGGED_PATH].encode("unicode_escape").decode("ascii")


def _operation(name: object) -> dict[str, str]:
    """The operation's name as a log value, where it is a name."""
    return {"operation": name} if isinstance(name, str) and _OPERATION_NAME.fullmatch(name) else {}
