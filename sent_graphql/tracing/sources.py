"""Spans for what is asked of oxend, of the L2 and of the database."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from opentelemetry.trace import SpanKind, Tracer
from sqlalchemy.ext.asyncio import AsyncConnection

from sent_graphql.sources.contracts.errors import RpcRefusedError
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.transports import Request
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.oxend.connection import PushListener
from sent_graphql.sources.oxend.transport import OxendTransport

METHODS_NAMED = 8
"""Different methods of a batch that its span names."""


class TracedTransport:
    """An OxendTransport with a span for each request."""

    def __init__(self, tracer: Tracer, transport: OxendTransport) -> None:
        self._tracer = tracer
        self._transport = transport

    async def start(self) -> None:
        """As the transport's own."""
        await self._transport.start()

    async def request(self, command: str, body: bytes | None = None, *, timeout: float | None = None) -> list[bytes]:
        """As the transport's own."""
        with self._tracer.start_as_current_span(f"oxend {command}", kind=SpanKind.CLIENT):
            return await self._transport.request(command, body, timeout=timeout)

    def on_push(self, listener: PushListener) -> None:
        """As the transport's own."""
        self._transport.on_push(listener)

    def on_connected(self, listener: Callable[[], None]) -> None:
        """As the transport's own."""
        self._transport.on_connected(listener)

    async def close(self) -> None:
        """As the transport's own."""
        await self._transport.close()


def traced_rpc(tracer: Tracer) -> type[JsonRpc]:
    """A JsonRpc with a span for each batch."""

    class TracedRpc(JsonRpc):
        async def batch(
            self, requests: Sequence[Request], *, deadline: float | None = None
        ) -> list[object | RpcRefusedError]:
            with tracer.start_as_current_span("rpc batch", kind=SpanKind.CLIENT) as span:
                span.set_attribute("rpc.system", "jsonrpc")
                span.set_attribute("rpc.method", sorted({method for method, _ in requests})[:METHODS_NAMED])
                span.set_attribute("sent_graphql.requests", len(requests))
                return await super().batch(requests, deadline=deadline)

    return TracedRpc


def traced_database(tracer: Tracer) -> type[Database]:
    """A Database with a span for each transaction, the wait for it included."""

    @asynccontextmanager
    async def traced(
        name: str, transaction: AbstractAsyncContextManager[AsyncConnection]
    ) -> AsyncIterator[AsyncConnection]:
        with tracer.start_as_current_span(name, kind=SpanKind.CLIENT):
            async with transaction as connection:
                yield connection

    class TracedDatabase(Database):
        def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
            return traced("database read", super().reading())

        def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
            return traced("database write", super().writing())

    return TracedDatabase
