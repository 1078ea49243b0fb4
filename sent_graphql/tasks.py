"""Ending tasks for certain."""

import asyncio
from collections.abc import Collection
from typing import Any, Final

PATIENCE_SECONDS: Final = 1.0
"""How long a task that was told to end may go on before it is told again."""

ORDERS: Final = 10
"""How often it is told."""


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancels `tasks` until all have ended.

    One order may be lost: `asyncio.wait_for`, which libraries put limits on their waits with, swallows it when the
    wait ends in the same moment. Raises TimeoutError for a task that ends on no order.
    """
    running = set(tasks)
    for _ in range(ORDERS):
        for task in running:
            task.cancel()
        if not running:
            return
        _, running = await asyncio.wait(running, timeout=PATIENCE_SECONDS)
    if running:
        raise TimeoutError(f"still running: {', '.join(sorted(task.get_name() for task in running))}")
