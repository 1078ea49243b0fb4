"""Reading again the blocks in which events must have been that no answer told."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog
from msgspec import structs

from sent_graphql.sources.contracts.errors import RpcError
from sent_graphql.sources.contracts.event_log import EventLog, EventRange
from sent_graphql.sources.contracts.event_range import RangeReader
from sent_graphql.sources.contracts.gaps import Gap
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.database.events import EventStore

TRIES: Final = 8
"""How often the blocks of one gap are read again, before it is left as it is, and told."""

PAUSE_INITIAL: Final = 1.0
"""Seconds until the second try; doubled each time."""


class LeftOutError(RpcError):
    """An endpoint has left out events."""


class Mender:
    """Fills the event log's gap, and the database's with it. `writing`: held by whoever writes events."""

    def __init__(
        self,
        *,
        rpc: JsonRpc,
        events: EventLog,
        reader: RangeReader,
        store: EventStore,
        writing: asyncio.Lock,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rpc = rpc
        self._events = events
        self._reader = reader
        self._store = store
        self._writing = writing
        self._clock = clock
        self._tried: Gap | None = None
        self._tries = 0
        self._not_before = 0.0
        self._unstored: Gap | None = None
        self._log = structlog.get_logger(__name__)

    async def mend(self) -> bool:
        """Reads again what is missing, if it is time to; whether it did. Raises SourceError where that fails."""
        gap = self._events.gap or self._unstored
        if gap is None:
            return False
        if not gap.is_of(self._tried):
            self._tried, self._tries, self._not_before = gap, 0, 0.0
        if self._tries == TRIES or self._clock() < self._not_before:
            return False
        self._not_before = self._clock() + PAUSE_INITIAL * 2**self._tries
        self._tries += 1
        self._log.warning("events are missing", reason=str(gap), tries=self._tries)
        # An endpoint's index may only lag behind its state; the second time, another one is asked.
        if self._tries > 1:
            self._rpc.turn_away(LeftOutError(str(gap)))
        self._unstored = gap
        if await self._read(gap):
            self._unstored = None
        return True

    async def _read(self, gap: Gap) -> bool:
        """Whether all of the blocks were read and stored, without a reorganisation in between."""
        rollbacks = self._events.rollbacks
        first = gap.first
        while first <= gap.last:
            last = min(first + self._reader.blocks - 1, gap.last)
            found = await self._reader.read(first, last, closing=False)
            if self._events.rollbacks != rollbacks:
                return False
            if found is None:  # fewer blocks next time
                continue
            found = self._events.apply(structs.replace(found, whole=False))
            async with self._writing:
                if self._events.rollbacks != rollbacks:
                    return False
                await self._write(found)
            first = last + 1
        return True

    async def _write(self, found: EventRange) -> None:
        """What the database has not come to yet, it will be told in its turn."""
        stored_to = self._events.stored_to
        if stored_to is None or stored_to < found.first:
            return
        last = min(found.last, stored_to)
        told = [event for event in found.events if event.block_number <= last]
        seeds = [seed for seed in found.seeds if seed.block_number <= last]
        await self._store.mend(found.first, last, told=told, seeded=seeds)
