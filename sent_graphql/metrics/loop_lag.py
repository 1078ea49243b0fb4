"""How late the event loop is: what everybody waits for when something holds it."""

import asyncio
from time import monotonic
from typing import Final

from prometheus_client import CollectorRegistry, Histogram

from sent_graphql.metrics.families import NAMESPACE

INTERVAL: Final = 0.25
"""Seconds between two looks at the clock."""

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class LoopLag:
    """Sleeps and sees how much later than wished it is woken."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = Histogram(
            "event_loop_lag_seconds",
            f"How much later than wished a timer went off; looked at every {INTERVAL:g} s.",
            namespace=NAMESPACE,
            registry=registry,
            buckets=SECONDS,
        )

    async def run(self) -> None:
        """Looks for ever."""
        while True:
            due = monotonic() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self._lag.observe(max(0.0, monotonic() - due))
