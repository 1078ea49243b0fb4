"""The tasks of live queries, kept until they have ended."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from sent_graphql.tasks import end


class Tasks:
    """Tasks that end by themselves."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs `work` in a task of its own."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def finished(self) -> None:
        """Waits for those that run now."""
        if self._running:
            await asyncio.wait(self._running)

    async def end(self) -> None:
        """Ends all."""
        await end(self._running)
