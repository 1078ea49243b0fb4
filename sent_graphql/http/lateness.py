"""How late the event loop is: what it reads off the network now may have waited there for as long."""

import asyncio
from typing import Final

INTERVAL: Final = 0.05
"""Seconds between two looks at the clock."""


class Lateness:
    """Of the loop that it is begun in, until it is ended."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._last = 0.0

    def begin(self) -> None:
        """Begins to look."""
        self._loop = asyncio.get_running_loop()
        self._wait()

    def end(self) -> None:
        """Looks no more; nothing is late then."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop = self._timer = None
        self._last = 0.0

    def seconds(self) -> float:
        """How late the loop was when it began to read what it reads now."""
        if self._loop is None:
            return 0.0
        return max(self._last, self._loop.time() - self._due)

    def _wait(self) -> None:
        assert self._loop is not None, "it has begun"
        self._due = self._loop.time() + INTERVAL
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        assert self._loop is not None, "the timer ends with it"
        self._last = max(0.0, self._loop.time() - self._due)
        # Some loops look at their timers before they read: what they read behind this one has waited as long.
        self._loop.call_soon(self._loop.call_soon, self._forget)
        self._wait()

    def _forget(self) -> None:
        self._last = 0.0
