"""The garbage collector's long pauses, moved to where nobody waits.

It looks through all objects again and again while new ones are made: in the middle of large questions, most of whose
objects are not garbage, and for tens of milliseconds. Objects that come and go are left to its quick rounds. All are
looked through between questions, where there is little but what is kept.
"""

import asyncio
import gc
import time
from collections.abc import Callable
from typing import Final

NEVER: Final = 2**31 - 1
"""Quick rounds after which the interpreter itself would look through all objects."""

DUE: Final = 10
"""The same as Python has it; from then on it is done when all is quiet."""

OVERDUE: Final = 200
"""From then on it is done whatever goes on: each round stands for some 7,000 objects more than were freed."""

LOOK_SECONDS: Final = 0.5
"""Time between two looks whether it is due."""

SHARE: Final = 0.01
"""Part of the time that looking through all objects may take."""


def keep_for_ever() -> None:
    """What there is now stays, and need not be looked through again."""
    gc.collect()
    gc.freeze()


class Collector:
    """Looks through all objects when that is due. `is_quiet` tells whether nothing is being answered."""

    def __init__(self, is_quiet: Callable[[], bool]) -> None:
        self._is_quiet = is_quiet
        self.collections = 0
        """How often it has been done."""

    async def run(self) -> None:
        """Takes over from the interpreter until cancelled."""
        usual = gc.get_threshold()
        gc.set_threshold(*usual[:2], NEVER)
        try:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                rounds = gc.get_count()[2]
                if rounds >= OVERDUE or (rounds >= DUE and self._is_quiet()):
                    await asyncio.sleep(self._collect() / SHARE)
        finally:
            gc.set_threshold(*usual)

    def _collect(self) -> float:
        """Seconds that it took."""
        began = time.perf_counter()
        gc.collect()
        self.collections += 1
        return time.perf_counter() - began
