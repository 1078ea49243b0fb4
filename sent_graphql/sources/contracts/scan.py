"""The scan of past events, from the deployment block up to where the refreshes began, in the background.

It asks for ranges as large as the provider gives, checks at every step that the block it stands on is still on the
chain, and keeps its progress in a file, from which a restart goes on.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from sent_graphql.models.contracts import ContractAddresses
from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.blocks import Header, anchors, header_request, parse_header
from sent_graphql.sources.contracts.deployment import DeploymentUnknownError, find_deployment
from sent_graphql.sources.contracts.errors import (
    RangeTooLargeError,
    RpcMalformedReplyError,
    RpcTimeoutError,
)
from sent_graphql.sources.contracts.event_log import EventLog
from sent_graphql.sources.contracts.events import ContractCreated, Finalized, PastEvent
from sent_graphql.sources.contracts.fork import ForkedError, take_back
from sent_graphql.sources.contracts.logs import (
    HISTORY_TOPICS,
    LogQuery,
    finalized_queries,
    past_event,
    unlinked_blocks,
)
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.scan_file import ScanFile
from sent_graphql.sources.errors import SourceError

SAVE_SECONDS: Final = 30.0
"""Least time between two writings of the file while the scan goes on."""

STEPS_BEFORE_GROWTH: Final = 8
"""Steps to succeed after a refusal before the range grows again."""

PAUSE_MAX: Final = 60.0
"""Longest pause after failed steps, in seconds."""


class RangeStuckError(SourceError):
    """The provider refuses the events of a single block."""


class ScanRange:
    """How many blocks to ask for at once: half as many after a refusal, twice as many after enough successes."""

    def __init__(self, initial: int, most: int) -> None:
        self.blocks = min(initial, most)
        self._most = most
        self._patience = 0

    def granted(self) -> None:
        """The provider gave that many."""
        if self._patience > 0:
            self._patience -= 1
        else:
            self.blocks = min(self.blocks * 2, self._most)

    def refused(self, asked: int) -> None:
        """The provider did not give `asked` blocks; raises RangeStuckError if that was one."""
        if asked <= 1:
            raise RangeStuckError("past events are not read: the endpoint refuses the events of a single block")
        self.blocks = asked // 2
        self._patience = STEPS_BEFORE_GROWTH


class HistoryScan:
    """Fills the event log from below."""

    def __init__(
        self,
        *,
        addresses: ContractAddresses,
        settings: ContractsSettings,
        rpc: JsonRpc,
        events: EventLog,
        file: ScanFile,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.error: str | None = None
        """Why the scan does not go on, for users; None while it does."""
        self._addresses = addresses
        self._settings = settings
        self._rpc = rpc
        self._events = events
        self._file = file
        self._clock = clock
        self._range = ScanRange(settings.scan_range, settings.scan_range_max)
        self._wake = asyncio.Event()
        self._saved_at = clock()
        self._saved_to: int | None = None
        self._log = structlog.get_logger(__name__)

    def wake(self) -> None:
        """A refresh has been made: there may be blocks to scan."""
        self._wake.set()

    async def restore(self) -> None:
        """Go on from the file, if there is one that can be read."""
        try:
            state = await asyncio.to_thread(self._file.load)
        except OSError as error:
            self._log.warning("scan state not read", path=str(self._file.path), error=str(error))
            return
        if state is None:
            return
        wanted = self._settings.deployment_block
        if wanted is not None and state.from_block > wanted:
            self._log.warning("scan begins anew", was_from=state.from_block, deployment_block=wanted)
            return
        self._events.restore(state)
        self._saved_to = state.scanned_to
        self._log.info("scan goes on", from_block=state.from_block, scanned_to=state.scanned_to)

    async def run(self, on_progress: Callable[[], None]) -> None:
        """Scan whenever there is something to scan, until cancelled; returns only where waiting would not help.

        `on_progress` is called after each step, and when `error` changes.
        """
        pause = self._settings.retry_initial
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._fill(on_progress)
            except (DeploymentUnknownError, RangeStuckError) as error:
                self._fail(error, on_progress)
                return
            except SourceError as error:
                self._fail(error, on_progress)
                self._wake.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_MAX)
            else:
                pause = self._settings.retry_initial

    async def save(self) -> None:
        """Write the state to the file; a disk that does not take it is logged, since only a restart needs it."""
        state = self._events.state()
        if state is None:
            return
        self._saved_at, self._saved_to = self._clock(), state.scanned_to
        try:
            await asyncio.to_thread(self._file.save, state)
        except OSError as error:
            self._log.warning("scan state not saved", path=str(self._file.path), error=str(error))

    def _fail(self, error: SourceError, on_progress: Callable[[], None]) -> None:
        self.error = str(error)
        self._log.warning("scan of past events failed", error=self.error, scanned_to=self._events.scanned_to)
        on_progress()

    async def _fill(self, on_progress: Callable[[], None]) -> None:
        """Scan up to the target, and keep the file up to date."""
        filled = False
        while self._events.target is not None and not self._events.complete:
            await self._advance()
            self.error = None
            filled = self._events.complete
            if filled or self._clock() - self._saved_at >= SAVE_SECONDS:
                await self.save()
            progress = self._events.progress
            self._log.info("events scanned", to_block=progress.scanned_to, target=progress.target)
            on_progress()
        moved = self._events.scanned_to != self._saved_to
        if moved and not filled and self._clock() - self._saved_at >= SAVE_SECONDS:
            await self.save()

    async def _advance(self) -> None:
        """One step: the deployment block first, then range after range."""
        scanned_to, target = self._events.scanned_to, self._events.target
        if target is None:
            return
        if scanned_to is None:
            await self._begin(target)
            return
        first = scanned_to + 1
        last = min(scanned_to + self._range.blocks, target)
        try:
            await self._step(first, last)
        except RangeTooLargeError as error:
            self._log.info("fewer blocks at once", asked=last - first + 1, error=str(error))
            self._range.refused(last - first + 1)
        except RpcTimeoutError:
            # It may have been too much work; if it was an outage the range will grow again.
            if last > first:
                self._range.refused(last - first + 1)
            raise
        except ForkedError:
            await take_back(self._rpc, self._events)
        else:
            self._range.granted()

    async def _begin(self, head: int) -> None:
        rollbacks = self._events.rollbacks
        block = self._settings.deployment_block
        if block is None:
            block = await find_deployment(self._rpc, self._addresses.service_node_rewards, head)
        header = parse_header(await self._rpc.request(*header_request(block)))
        if header is None:
            raise RpcMalformedReplyError(f"the endpoint does not hold the deployment block {block}")
        if self._events.rollbacks == rollbacks:
            self._events.begin(block, header.hash)

    async def _step(self, first: int, last: int) -> None:
        """Scan these blocks; raises ForkedError where the block before them is no longer the one scanned."""
        events = self._events
        rollbacks = events.rollbacks
        closing = last == events.target
        query = LogQuery(first, last, self._queried(), HISTORY_TOPICS)
        expected = events.blocks.get(first - 1)
        marks = [last, *(mark for mark in anchors(last, self._settings.reorg_depth) if mark >= first and closing)]
        before = [] if expected is None else [header_request(first - 1)]
        replies = await self._rpc.batch([query.request(), *map(header_request, marks), *before])
        headers = [_present(parse_header(reply)) for reply in replies[1 : 1 + len(marks)]]
        if before:
            header = parse_header(replies[-1])
            if header is None or header.hash != expected:
                raise ForkedError(f"block {first - 1} is no longer on the chain")
        found = await asyncio.to_thread(self._read, query, replies[0])
        found += await self._finalizations(found, closing=closing)
        if events.rollbacks != rollbacks:
            return
        for header in headers[1:]:
            events.blocks.add(header.number, header.hash)
        events.apply_scanned(last, headers[0].hash, found)

    def _queried(self) -> tuple[str, ...]:
        rewards, factory = self._addresses.service_node_rewards, self._addresses.contribution_factory
        return (rewards,) if factory is None else (rewards, factory)

    def _read(self, query: LogQuery, reply: object) -> list[PastEvent]:
        return [event for log in query.parse(reply) if (event := past_event(log, self._addresses)) is not None]

    async def _finalizations(self, found: list[PastEvent], *, closing: bool) -> list[PastEvent]:
        """The Finalized events that say which contract made a registration of the older generation.

        In the last step also of what the refreshes brought while the contracts were still unknown.
        """
        events = self._events
        contracts = {*events.contracts, *(event.address for event in found if isinstance(event, ContractCreated))}
        if not contracts:
            return []
        blocks = unlinked_blocks(found, contracts)
        if closing and events.target is not None and events.tail_to is not None:
            blocks.update(events.unlinked(events.target + 1, events.tail_to))
        queries = finalized_queries(blocks)
        finalized: list[PastEvent] = []
        for start in range(0, len(queries), self._settings.batch_size):
            piece = queries[start : start + self._settings.batch_size]
            replies = await self._rpc.batch([query.request() for query in piece])
            for query, reply in zip(piece, replies, strict=True):
                finalized += self._read(query, reply)
        return [event for event in finalized if isinstance(event, Finalized) and event.address in contracts]


def _present(header: Header | None) -> Header:
    if header is None:
        raise RpcMalformedReplyError("the endpoint lacks a block below its newest")
    return header
