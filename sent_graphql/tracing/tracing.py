"""The tracing of one service: no global provider is set."""

from typing import Self

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from starlette.types import ASGIApp
from strawberry.extensions import SchemaExtension

from sent_graphql import __version__
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.oxend.transport import OxendTransport
from sent_graphql.tracing.delivery import Delivery
from sent_graphql.tracing.operations import TracedExecution
from sent_graphql.tracing.requests import traced_requests
from sent_graphql.tracing.sources import TracedTransport, traced_database, traced_rpc


class Tracing:
    """Puts spans around what passes through the parts, and sends them where `provider` does."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("sent_graphql", __version__)

    @classmethod
    def to_endpoint(cls, url: str, sample_ratio: float) -> Self:
        """Spans of that part of the requests go to `url` as OTLP over HTTP; a caller's own decision wins."""
        provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(sample_ratio)),
            resource=Resource.create({"service.name": "sent-graphql", "service.version": __version__}),
            shutdown_on_exit=False,
        )
        provider.add_span_processor(BatchSpanProcessor(Delivery(url)))
        return cls(provider)

    def watching(self, app: ASGIApp) -> ASGIApp:
        """`app`, with a span for each request."""
        return traced_requests(self._tracer, app)

    def extension(self) -> SchemaExtension:
        """A span for one execution."""
        return TracedExecution(self._tracer)

    def transport(self, transport: OxendTransport) -> OxendTransport:
        """`transport`, with a span for each request to oxend."""
        return TracedTransport(self._tracer, transport)

    @property
    def rpc(self) -> type[JsonRpc]:
        """The client of the L2, with a span for each batch."""
        return traced_rpc(self._tracer)

    @property
    def database(self) -> type[Database]:
        """The database, with a span for each transaction."""
        return traced_database(self._tracer)

    def close(self) -> None:
        """Sends what is left, for some seconds at most. It blocks."""
        self._provider.shutdown()
