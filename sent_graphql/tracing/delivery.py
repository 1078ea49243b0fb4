"""How spans are handed over to who collects them, and that it is told when they are not."""

import logging
from collections.abc import Sequence

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

TIMEOUT = 5.0
"""Seconds that one delivery may take, its further tries included; it is made in a thread, from a bounded queue."""


class Delivery(OTLPSpanExporter):
    """OTLP over HTTP to `url`. What cannot be delivered is lost.

    The library's own log has three lines for each delivery in vain, every few seconds for as long as the collector is
    away: it is heard the first time, for the reason, and then no more until spans are taken again.
    """

    def __init__(self, url: str) -> None:
        super().__init__(endpoint=url, timeout=TIMEOUT)
        self._its_log = logging.getLogger(OTLPSpanExporter.__module__)
        self._log = structlog.get_logger(__name__)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Delivers, in as many tries as there is time for."""
        result = super().export(spans)
        is_taken, was_taken = result is SpanExportResult.SUCCESS, not self._its_log.disabled
        if is_taken and not was_taken:
            self._log.info("traces are taken again")
        elif was_taken and not is_taken:
            self._log.warning("traces are lost until they are taken again")
        self._its_log.disabled = not is_taken
        return result
