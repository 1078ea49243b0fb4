"""A span for each HTTP request, within the trace that the caller's `traceparent` names."""

from collections.abc import Awaitable

from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SERVER_ERROR = 500


def traced_requests(tracer: Tracer, app: ASGIApp) -> ASGIApp:
    """`app`, whose requests are traced. WebSockets are not: theirs would be spans of hours."""
    propagator = TraceContextTextMapPropagator()

    def traced(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return app(scope, receive, send)
        return trace(scope, receive, send)

    async def trace(scope: Scope, receive: Receive, send: Send) -> None:
        parent = propagator.extract(Headers(scope=scope))
        # Not the path: it is the client's own, and names of spans are few.
        with tracer.start_as_current_span(scope["method"], parent, SpanKind.SERVER) as span:
            span.set_attribute("http.request.method", scope["method"])
            span.set_attribute("url.path", scope["path"][:200])

            async def watched_send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= SERVER_ERROR:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            await app(scope, receive, watched_send)

    return traced
