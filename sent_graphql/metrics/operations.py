"""GraphQL operations: how many there were of each kind, what came of them, what they took and cost."""

import asyncio
import time
from collections.abc import Collection, Iterator
from itertools import product
from typing import Final

from graphql import OperationType
from prometheus_client import CollectorRegistry, Counter, Histogram
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext

from sent_graphql.incidents import INTERNAL
from sent_graphql.metrics.families import NAMESPACE
from sent_graphql.schema.cost_limit import COST
from sent_graphql.schema.policy import operation_name

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds of the histograms of durations."""

COSTS: Final = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
"""Bounds of the histogram of costs."""

KINDS: Final = tuple(kind.value for kind in OperationType)
UNNAMED: Final = "unnamed"
OTHER: Final = "other"
UNKNOWN: Final = "unknown"
"""Kind of an operation whose document tells none."""

FAILED: Final = "failed"
"""What became of an operation that met a fault of ours."""


class OperationMetrics:
    """Counts executions. `names`: operation names that are told apart; all others count as one.

    Names are the clients' own words: were each a label, a stranger could fill the memory of all who keep metrics.
    """

    def __init__(self, registry: CollectorRegistry, names: Collection[str]) -> None:
        self._names = frozenset(names)
        self._operations = Counter(
            "operations",
            "Executed or refused operations, subscriptions' repeated executions included.",
            ("kind", "operation", "outcome"),
            namespace=NAMESPACE,
            registry=registry,
        )
        # An alert watches how these grow, and a series that begins with its first failure has not grown.
        for kind, name in product(KINDS, (*self._names, OTHER, UNNAMED)):
            self._operations.labels(kind, name, FAILED)
        self._seconds = Histogram(
            "operation_seconds",
            "Time of an execution, the parsing and checking included.",
            ("kind",),
            namespace=NAMESPACE,
            registry=registry,
            buckets=SECONDS,
        )
        self._cost = Histogram(
            "operation_cost",
            "Estimated cost of an operation.",
            ("kind",),
            namespace=NAMESPACE,
            registry=registry,
            buckets=COSTS,
        )

    def extension(self) -> SchemaExtension:
        """What counts one execution."""
        return _Counted(self)

    def record(self, context: ExecutionContext, seconds: float) -> None:
        """Counts an execution that has ended."""
        kind = _kind(context)
        self._operations.labels(kind, self._label(operation_name(context)), _outcome(context)).inc()
        self._seconds.labels(kind).observe(seconds)
        price = context.extensions_results.get(COST)
        if price is not None:
            self._cost.labels(kind).observe(price["estimate"])

    def _label(self, name: str | None) -> str:
        if not name:
            return UNNAMED
        return name if name in self._names else OTHER


class _Counted(SchemaExtension):
    def __init__(self, metrics: OperationMetrics) -> None:
        self._metrics = metrics

    def on_operation(self) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        except asyncio.CancelledError:  # nobody waits for it: it came to nothing
            raise
        except BaseException:
            self._metrics.record(self.execution_context, time.perf_counter() - began)
            raise
        self._metrics.record(self.execution_context, time.perf_counter() - began)


def _kind(context: ExecutionContext) -> str:
    try:
        return context.operation_type.value
    except Exception:  # noqa: BLE001 - Strawberry raises bare RuntimeErrors for what has no operation
        return UNKNOWN


def _outcome(context: ExecutionContext) -> str:
    """`ok`, `refused` (never ran), `errors` (a user's own), FAILED (ours)."""
    if context.result is None or context.pre_execution_errors:
        return "refused"
    errors = context.result.errors or ()
    if any((error.extensions or {}).get("code") == INTERNAL for error in errors):
        return FAILED
    return "errors" if errors else "ok"
