"""Turns of the event loop that end in time, however much there is to do.

A loop reads off the network between two turns only. What would make one long waits for the next, so that the loop sees
soon who else has come: health checks among them, and those that are to be refused.
"""

import asyncio
from time import monotonic
from typing import Final

LONGEST: Final = 0.1
"""Seconds after which nothing new is begun in a turn."""


class Turns:
    """Of the loop that asks for them."""

    def __init__(self) -> None:
        self._began = 0.0
        self._is_watched = False

    async def room(self, patience: float) -> bool:
        """Waits, in the order of asking, for a turn with time left; false when `patience` (in seconds) has ended."""
        until = monotonic() + patience
        while (now := self._now()) - self._began > LONGEST:
            if now > until:
                return False
            await asyncio.sleep(0)
        return True

    def _now(self) -> float:
        now = monotonic()
        if not self._is_watched:
            self._is_watched = True
            self._began = now
            asyncio.get_running_loop().call_soon(self._end)
        return now

    def _end(self) -> None:
        self._is_watched = False
