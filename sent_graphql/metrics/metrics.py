"""All that is measured of one service, in a registry of its own."""

import socket

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from starlette.types import ASGIApp
from strawberry.extensions import SchemaExtension

from sent_graphql.metrics.loop_lag import LoopLag
from sent_graphql.metrics.operations import OperationMetrics
from sent_graphql.metrics.page import metrics_page
from sent_graphql.metrics.parts import PartsCollector, ServiceParts
from sent_graphql.metrics.requests import RequestMetrics
from sent_graphql.metrics.server import serve_scrapes
from sent_graphql.settings import MetricsSettings


class Metrics:
    """Made before the parts, since it counts what passes through them; `tell` adds the parts' own counts."""

    def __init__(self, settings: MetricsSettings, scrapes: socket.socket) -> None:
        """`scrapes`: the bound socket that /metrics is answered on."""
        self._scrapes = scrapes
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._operations = OperationMetrics(self._registry, settings.operation_names)
        self._requests = RequestMetrics(self._registry)
        self._loop_lag = LoopLag(self._registry)
        self.page = metrics_page(self._registry)

    def extension(self) -> SchemaExtension:
        """Counts one execution of the schema."""
        return self._operations.extension()

    def watching(self, app: ASGIApp) -> ASGIApp:
        """`app`, with its requests counted."""
        return self._requests.watching(app)

    def tell(self, parts: ServiceParts) -> None:
        """Has the counts of `parts` told too."""
        self._registry.register(PartsCollector(parts))

    async def watch_loop(self) -> None:
        """Watches the event loop for ever."""
        await self._loop_lag.run()

    async def serve(self) -> None:
        """Answers /metrics until cancelled."""
        await serve_scrapes(self.page, self._scrapes)
