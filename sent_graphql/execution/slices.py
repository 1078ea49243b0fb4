"""Slices of time: an operation works for one slice, then lets the event loop have a turn."""

import math
from asyncio import Lock, sleep
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

SLICE: Final = 0.008
"""Seconds that one operation works at a stretch. What it does beyond is no more than one object's worth."""


class Slices:
    """The slices of one operation; the first begins at once. All of the operation's work goes on in one of them."""

    def __init__(self, *, may_wait: bool, seconds: float) -> None:
        self._seconds = seconds
        self._ends = perf_counter() + seconds if may_wait else math.inf
        self._working: Lock | None = None

    def used_up(self) -> bool:
        """Whether it is time to wait for the next one."""
        return perf_counter() >= self._ends

    async def next(self) -> None:
        """Let others go on; a new slice begins."""
        await sleep(0)
        self._ends = perf_counter() + self._seconds

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One at a time: several that go on side by side would take a slice each in one turn of the event loop."""
        self._working = self._working or Lock()
        async with self._working:
            if self.used_up():
                await self.next()
            yield


class Later(Generic[T]):
    """Work that begins when it is awaited. Unlike a coroutine, it may be given up without ever being awaited."""

    def __init__(self, begin: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._begin = begin

    def __await__(self) -> Generator[Any, Any, T]:
        return self._begin().__await__()
