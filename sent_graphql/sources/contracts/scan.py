"""The scan of past events, from the deployment block up to where the refreshes began, in the background.

It asks for ranges as large as the provider gives, checks at every step that the block it stands on is still on the
chain, and keeps its progress in a file, from which a restart goes on.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from sent_graphql.models.contracts import ContractAddresses
from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.blocks import Header, anchors, header_request, parse_header
from sent_graphql.sources.contracts.deployment import DeploymentUnknownError, find_deployment
from sent_graphql.sources.contracts.errors import (
    HistoryPrunedError,
    RangeTooLargeError,
    RpcMalformedReplyError,
    RpcRefusedError,
    RpcTimeoutError,
)
from sent_graphql.sources.contracts.event_log import EventLog
from sent_graphql.sources.contracts.events import ContractCreated, Finalized, PastEvent
from sent_graphql.sources.contracts.fork import ForkedError, take_back
from sent_graphql.sources.contracts.log_limits import LogLimits, RangeStuckError
from sent_graphql.sources.contracts.logs import (
    HISTORY_TOPICS,
    LogQuery,
    contract_queries,
    finalized_queries,
    past_event,
    unlinked_blocks,
)
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.scan_file import ScanFile
from sent_graphql.sources.errors import SourceError

SAVE_SECONDS: Final = 5.0
"""Least time between two writings of the file while the scan goes on: what a killed service has to scan again."""

FOLLOW_SAVE_SECONDS: Final = 30.0
"""The same once it is complete and follows the refreshes."""

PAUSE_MAX: Final = 60.0
"""Longest pause after failed steps, in seconds."""


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
        self._limits = LogLimits(settings.scan_range, settings.scan_range_max)
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
            if filled or self._saved_to is None or self._clock() - self._saved_at >= SAVE_SECONDS:
                await self.save()
            progress = self._events.progress
            self._log.info("events scanned", to_block=progress.scanned_to, target=progress.target)
            on_progress()
        moved = self._events.scanned_to != self._saved_to
        if moved and not filled and self._clock() - self._saved_at >= FOLLOW_SAVE_SECONDS:
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
        last = min(scanned_to + self._limits.blocks, target)
        try:
            await self._step(first, last)
        except RpcTimeoutError:
            # It may have been too much work; if it was an outage the range will grow again.
            self._limits.halve(last - first + 1)
            raise
        except ForkedError:
            await take_back(self._rpc, self._events)

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
        queries = contract_queries(
            first, last, self._queried(), HISTORY_TOPICS, blocks=last - first + 1, per_query=self._limits.addresses
        )
        expected = events.blocks.get(first - 1)
        marks = [last, *(mark for mark in anchors(last, self._settings.reorg_depth) if mark >= first and closing)]
        before = [] if expected is None else [header_request(first - 1)]
        requests = [*map(header_request, marks), *before, *(query.request() for query in queries)]
        replies = await self._rpc.batch(requests)
        headers = [_present(parse_header(reply)) for reply in replies[: len(marks)]]
        if before:
            header = parse_header(replies[len(marks)])
            if header is None or header.hash != expected:
                raise ForkedError(f"block {first - 1} is no longer on the chain")
        answers = list(zip(queries, replies[-len(queries) :], strict=True))
        for query, reply in answers:
            if isinstance(reply, RpcRefusedError):
                self._ask_for_less(query, reply)
                return
        self._limits.granted()
        found = await asyncio.to_thread(self._read, answers)
        finalized = await self._finalizations(found, closing=closing)
        if finalized is None or events.rollbacks != rollbacks:
            return
        for header in headers[1:]:
            events.blocks.add(header.number, header.hash)
        events.apply_scanned(last, headers[0].hash, found + finalized)

    def _queried(self) -> tuple[str, ...]:
        rewards, factory = self._addresses.service_node_rewards, self._addresses.contribution_factory
        return (rewards,) if factory is None else (rewards, factory)

    def _ask_for_less(self, query: LogQuery, error: RpcRefusedError) -> None:
        """Learn from a refusal, whatever its words; raises it where waiting may help more, or nothing does."""
        if isinstance(error, HistoryPrunedError):
            raise error
        self._log.info("fewer events at once", blocks=query.last - query.first + 1, error=str(error))
        try:
            self._limits.refused(query, error)
        except RangeStuckError:
            if isinstance(error, RangeTooLargeError):
                raise
            raise error from None

    def _read(self, answers: Iterable[tuple[LogQuery, object]]) -> list[PastEvent]:
        logs = (log for query, reply in answers for log in query.parse(reply))
        return [event for log in logs if (event := past_event(log, self._addresses)) is not None]

    async def _finalizations(self, found: list[PastEvent], *, closing: bool) -> list[PastEvent] | None:
        """The Finalized events that say which contract made a registration of the older generation.

        In the last step also of what the refreshes brought while the contracts were still unknown. None where the
        provider demands that less is asked for.
        """
        events = self._events
        contracts = {*events.contracts, *(event.address for event in found if isinstance(event, ContractCreated))}
        if not contracts:
            return []
        blocks = unlinked_blocks(found, contracts)
        if closing and events.target is not None and events.tail_to is not None:
            blocks.update(events.unlinked(events.target + 1, events.tail_to))
        queries = finalized_queries(blocks, sorted(contracts), self._limits.addresses)
        finalized: list[PastEvent] = []
        for start in range(0, len(queries), self._settings.batch_size):
            piece = queries[start : start + self._settings.batch_size]
            replies = await self._rpc.batch([query.request() for query in piece])
            for query, reply in zip(piece, replies, strict=True):
                if isinstance(reply, RpcRefusedError):
                    self._ask_for_less(query, reply)
                    return None
                finalized += self._read([(query, reply)])
        return [event for event in finalized if isinstance(event, Finalized) and event.address in contracts]


def _present(header: Header | None) -> Header:
    if header is None:
        raise RpcMalformedReplyError("the endpoint lacks a block below its newest")
    return header
