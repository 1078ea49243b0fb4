"""A span for each execution of an operation."""

from collections.abc import Iterator

from opentelemetry.trace import Span, StatusCode, Tracer
from strawberry.extensions import SchemaExtension

from sent_graphql.schema.cost_limit import COST
from sent_graphql.schema.policy import operation_name


class TracedExecution(SchemaExtension):
    """One execution, its parsing and checking included. The document itself is not told: it may hold addresses."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def on_operation(self) -> Iterator[None]:
        """Begins and ends the span. Exceptions are not told either: they may quote the document."""
        with self._tracer.start_as_current_span(
            "graphql.execute", record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            finally:
                self._describe(span)

    def _describe(self, span: Span) -> None:
        context = self.execution_context
        span.set_attribute("graphql.operation.name", operation_name(context) or "")
        price = context.extensions_results.get(COST)
        if price is not None:
            span.set_attribute("sent_graphql.cost", price["estimate"])
        if context.result is None or context.result.errors:
            span.set_status(StatusCode.ERROR)
