"""HTTP requests: how many there were of each route and status, and how long they took."""

import time
from collections.abc import Awaitable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sent_graphql.metrics.families import NAMESPACE
from sent_graphql.metrics.operations import OTHER, SECONDS

ROUTES: Final = frozenset({"/", "/graphql", "/info", "/healthz", "/readyz", "/store", "/registrations", "/static"})
"""First parts of paths that are told apart; all others count as one."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})


class RequestMetrics:
    """Counts the requests that pass through `watching`. WebSockets pass uncounted: LiveConnections knows them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "http_requests",
            "Answered HTTP requests.",
            ("route", "method", "status"),
            namespace=NAMESPACE,
            registry=registry,
        )
        self._seconds = Histogram(
            "http_request_seconds",
            "Time until an HTTP request was answered in full; streams are left out.",
            ("route",),
            namespace=NAMESPACE,
            registry=registry,
            buckets=SECONDS,
        )
        self._under_way = Gauge(
            "http_requests_under_way",
            "HTTP requests that are being answered, streams included.",
            namespace=NAMESPACE,
            registry=registry,
        )

    def watching(self, app: ASGIApp) -> ASGIApp:
        """`app`, with its requests counted."""

        def watched(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            if scope["type"] != "http":
                return app(scope, receive, send)  # no frame of ours for as long as it is open
            return self._count(app, scope, receive, send)

        return watched

    async def _count(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        status = 500
        streams = False

        async def watched_send(message: Message) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                streams = any(
                    name == b"content-type" and value.startswith(b"text/event-stream")
                    for name, value in message.get("headers", ())
                )
            await send(message)

        began = time.perf_counter()
        try:
            with self._under_way.track_inprogress():
                await app(scope, receive, watched_send)
        finally:
            route = _route(scope["path"])
            method = scope["method"] if scope["method"] in METHODS else OTHER
            self._requests.labels(route, method, str(status)).inc()
            if not streams:
                self._seconds.labels(route).observe(time.perf_counter() - began)


def _route(path: str) -> str:
    first = "/" + path.lstrip("/").partition("/")[0]
    return first if first in ROUTES else OTHER
