"""Work that many ask for at the same time, done once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Flights(Generic[V]):
    """Work under way. Who asks first does it, the others wait; where that one goes away or fails, the next does it."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Future[tuple[V] | None]] = {}

    async def once(self, key: Hashable, work: Callable[[], Awaitable[V]]) -> V:
        """What `work` gives; it is the same work for all who ask under `key`."""
        while (landing := self._under_way.get(key)) is not None:
            landed = await asyncio.shield(landing)
            if landed is not None:
                return landed[0]
        landing = self._under_way[key] = asyncio.get_running_loop().create_future()
        landed = None
        try:
            landed = (await work(),)
            return landed[0]
        finally:
            del self._under_way[key]
            landing.set_result(landed)
