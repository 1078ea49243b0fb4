"""The current snapshot, held by aiocache and swapped in whole.

The memory backend hands out the live object without copying, so readers need no lock: what they hold never changes.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from aiocache import SimpleMemoryCache
from aiocache.serializers import NullSerializer

from sent_graphql.models.snapshot import Snapshot

_KEY: Final = "snapshot"


class SnapshotCache:
    """Where pollers put the newest snapshot and requests take theirs."""

    def __init__(self, first: Snapshot) -> None:
        self._first = first
        # Without its time limit, which memory does not need: kept by `wait_for`, it can lose the order to end a task.
        self._cache = SimpleMemoryCache(serializer=NullSerializer(), namespace="sent", timeout=None)
        self._newest = first
        self._followers: list[Callable[[Snapshot], None]] = []
        self._changed = asyncio.Condition()

    @property
    def newest(self) -> Snapshot:
        """The same as `current`, for those to whom the way through aiocache is too long."""
        return self._newest

    def follow(self, tell: Callable[[Snapshot], None]) -> None:
        """Has `tell` called with each snapshot in the moment in which it becomes the current one."""
        self._followers.append(tell)

    async def current(self) -> Snapshot:
        """The newest snapshot; before the first one is published, the one without data."""
        snapshot: Snapshot | None = await self._cache.get(_KEY)
        return snapshot if snapshot is not None else self._first

    async def publish(self, snapshot: Snapshot) -> None:
        """Makes `snapshot` the current one. Its version must be greater than every earlier one.

        Only what has no data yet keeps version 0 while the sources' health changes.
        """
        current = await self.current()
        if snapshot.version <= current.version and current.version != 0:
            raise ValueError(f"snapshot {snapshot.version} is not newer than {current.version}")
        await self._cache.set(_KEY, snapshot)
        self._newest = snapshot
        for tell in self._followers:
            tell(snapshot)
        async with self._changed:
            self._changed.notify_all()

    async def next(self, seen: Snapshot) -> Snapshot:
        """The current snapshot as soon as it is another one than `seen`."""
        async with self._changed:
            while (snapshot := await self.current()) is seen:
                await self._changed.wait()
            return snapshot
