"""The indexer: every event of the contracts, from the deployment block on, into memory's facts and the database.

At the head of the chain it writes what the refreshes bring. What they do not bring it reads itself, in the background,
in ranges as large as the provider gives: the past, and what passed while the database was away. A database that is away
holds up nobody: the facts are read on without it, and it is brought up to date when it is back.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from sent_graphql.models.contracts import ContractAddresses
from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.blocks import KnownBlocks, header_request, parse_header
from sent_graphql.sources.contracts.deployment import DeploymentUnknownError, find_deployment
from sent_graphql.sources.contracts.errors import RpcMalformedReplyError, RpcTimeoutError
from sent_graphql.sources.contracts.event_log import EventLog, EventRange
from sent_graphql.sources.contracts.event_range import RangeReader
from sent_graphql.sources.contracts.facts import FACT_KINDS, WALLET_KINDS
from sent_graphql.sources.contracts.fork import ForkedError, take_back
from sent_graphql.sources.contracts.log_limits import RangeStuckError
from sent_graphql.sources.contracts.mending import Mender
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.sources.database.events import EventStore, ScanGapError, ScanState
from sent_graphql.sources.errors import SourceError

PAUSE_MAX: Final = 60.0
"""Longest pause after failed steps, in seconds."""


class EventIndexer:
    """Brings the event log and the database up to the last view, and keeps them there."""

    def __init__(
        self,
        *,
        addresses: ContractAddresses,
        settings: ContractsSettings,
        rpc: JsonRpc,
        events: EventLog,
        reader: RangeReader,
        store: EventStore,
    ) -> None:
        self.error: str | None = None
        """Why it does not go on, for users; None while it does."""
        self._addresses = addresses
        self._settings = settings
        self._rpc = rpc
        self._events = events
        self._reader = reader
        self._store = store
        self._taken_up = False
        self._writing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._mender = Mender(rpc=rpc, events=events, reader=reader, store=store, writing=self._writing)
        self._log = structlog.get_logger(__name__)

    def wake(self) -> None:
        """A refresh has been made: there may be blocks to read."""
        self._wake.set()

    async def restore(self) -> None:
        """Take up the facts that the database holds. Where it is away, the chain will tell them again."""
        try:
            state = self._ours(await self._store.state())
            if state is not None:
                await self._restore_facts(state)
        except DatabaseUnavailableError as error:
            self._log.warning("events not restored", error=str(error))
            self._events.clear()
            return
        self._taken_up = True
        self._store.note_height(self._events.stored_to)

    async def follow(self, tail: EventRange) -> None:
        """Write what a refresh brought, if it joins what is there; else it is read again in the background.

        A database that fails is no fault of the refresh: it is remembered, and tried again in the background.
        """
        if self.error is not None or not self._joins(tail):
            return
        try:
            async with self._writing:
                if self._joins(tail):
                    await self._write(tail)
        except SourceError as error:
            self._note(error)

    async def run(self, on_progress: Callable[[], None]) -> None:
        """Read and write whenever there is something to, until cancelled; returns only where waiting would not help.

        `on_progress` is called after each step, and when `error` changes.
        """
        pause = self._settings.retry_initial
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._catch_up(on_progress)
            except (DeploymentUnknownError, RangeStuckError) as error:
                self._note(error)
                on_progress()
                return
            except SourceError as error:
                self._note(error)
                on_progress()
                self._wake.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_MAX)
            else:
                pause = self._settings.retry_initial
                if self.error is not None:
                    self.error = None
                    on_progress()

    async def _catch_up(self, on_progress: Callable[[], None]) -> None:
        """Bring database and facts up to the last view; what the views need does not wait for the database."""
        failure: SourceError | None = None
        try:
            while self._is_behind(storing=True):
                await self._advance(storing=True)
                self.error = None
                self._tell(on_progress)
        except (DatabaseUnavailableError, ScanGapError) as error:
            failure = error
            self._note(error)
        while self._is_behind(storing=False):
            await self._advance(storing=False)
            self._tell(on_progress)
        if failure is not None:
            raise failure
        if await self._mender.mend():
            self._tell(on_progress)

    def _is_behind(self, *, storing: bool) -> bool:
        target = self._events.target
        reached = self._reached(storing=storing)
        return target is not None and (reached is None or reached < target)

    def _reached(self, *, storing: bool) -> int | None:
        return self._events.stored_to if storing else self._events.scanned_to

    async def _advance(self, *, storing: bool) -> None:
        """One step: where to begin first, then range after range."""
        target = self._events.target
        if target is None:
            return
        if storing and not self._taken_up:
            await self._take_up(target)
        if self._events.from_block is None:
            await self._begin(target)
        if storing and self._events.stored_to is None:
            await self._begin_storing()
        if storing and not self._events.knows_up_to(self._events.stored_to or 0):
            # The facts come first: they name the contracts to ask for.
            storing = False
        reached = self._reached(storing=storing)
        if reached is None or reached >= target:
            return
        try:
            await self._step(reached, target, storing=storing)
        except ForkedError:
            await take_back(self._rpc, self._events)

    async def _step(self, reached: int, target: int, *, storing: bool) -> None:
        first, last = reached + 1, min(reached + self._reader.blocks, target)
        rollbacks = self._events.rollbacks
        try:
            found = await self._reader.read(first, last, closing=last == target)
        except RpcTimeoutError:
            # It may have been too much work; if it was an outage the range will grow again.
            self._reader.halve(last - first + 1)
            raise
        if found is None or self._events.rollbacks != rollbacks:
            return
        found = self._events.apply(found)
        if storing:
            async with self._writing:
                if self._joins(found) and self._events.rollbacks == rollbacks:
                    await self._write(found)

    def _joins(self, found: EventRange) -> bool:
        """Whether a range goes on from what is stored. It may begin below: after a reorganisation, or a restart."""
        stored_to, from_block = self._events.stored_to, self._events.from_block
        if stored_to is None or from_block is None or not found.whole:
            return False
        return from_block <= found.first <= stored_to + 1 and found.last > stored_to

    async def _write(self, found: EventRange) -> None:
        """One transaction; the hashes that the events rest on go with it."""
        rollbacks = self._events.rollbacks
        hashes = {number: text for number, text in self._events.blocks.items() if found.first <= number <= found.last}
        try:
            await self._store.write(found.first, found.last, hashes=hashes, told=found.events, seeded=found.seeds)
        except ScanGapError:
            self._taken_up, self._events.stored_to = False, None
            raise
        if self._events.rollbacks == rollbacks:
            self._events.stored_to = found.last
        self._store.note_height(found.last)

    async def _begin(self, head: int) -> None:
        """Find out where the chain's events begin."""
        rollbacks = self._events.rollbacks
        block = self._settings.deployment_block
        if block is None:
            block = await find_deployment(self._rpc, self._addresses.service_node_rewards, head)
        header = parse_header(await self._rpc.request(*header_request(block)))
        if header is None:
            raise RpcMalformedReplyError(f"the endpoint does not hold the deployment block {block}")
        if self._events.rollbacks == rollbacks:
            self._events.begin(block, header.hash)

    async def _begin_storing(self) -> None:
        block, rollbacks = self._events.from_block, self._events.rollbacks
        block_hash = None if block is None else self._events.blocks.get(block)
        if block is None or block_hash is None:
            return
        addresses = self._addresses
        async with self._writing:
            await self._store.begin(block, block_hash, addresses.contribution_factory, addresses.reward_rate_pool)
            if self._events.rollbacks == rollbacks:
                self._events.stored_to = block - 1
        self._store.note_height(None)

    async def _take_up(self, head: int) -> None:
        """Go on in a database that was away at the start, or that another process has written to.

        Its facts are not needed any more, but its blocks must still be on the chain.
        """
        state = self._ours(await self._store.state())
        rollbacks = self._events.rollbacks
        if state is not None and state.scanned_to >= state.from_block:
            kept = KnownBlocks(self._settings.reorg_depth)
            for number, block_hash in state.hashes.items():
                kept.add(number, block_hash)
            fork = await kept.find_fork(self._rpc, head)
            if self._events.rollbacks != rollbacks:
                return
            if fork is not None and fork >= state.from_block:
                for number, block_hash in kept.descending(fork):
                    self._events.blocks.add(number, block_hash)
                if self._events.from_block is None:
                    self._events.begin(state.from_block, state.hashes[state.from_block])
                if self._events.from_block == state.from_block:
                    self._events.stored_to = min(fork, state.scanned_to)
            self._store.note_height(state.scanned_to)
        self._taken_up = True

    def _ours(self, state: ScanState | None) -> ScanState | None:
        """The state, if its events are of the contracts and blocks that are configured."""
        if state is None:
            return None
        wanted, addresses = self._settings.deployment_block, self._addresses
        followed = (addresses.contribution_factory, addresses.reward_rate_pool)
        if followed == (state.contribution_factory, state.reward_rate_pool) and (
            wanted is None or wanted >= state.from_block
        ):
            return state
        self._log.warning("events are read anew", reason="contracts or deployment block of the settings have changed")
        return None

    async def _restore_facts(self, state: ScanState) -> None:
        events = self._events
        for kind in FACT_KINDS:
            async for told in self._store.told(kind):
                events.restore(told)
        async for wallets in self._store.wallets(WALLET_KINDS):
            events.restore_wallets(wallets)
        events.restore((), await self._store.seeded())
        for number, block_hash in state.hashes.items():
            events.blocks.add(number, block_hash)
        events.restore_range(state.from_block, state.scanned_to)
        self._log.info("events restored", from_block=state.from_block, scanned_to=state.scanned_to)

    def _note(self, error: SourceError) -> None:
        if self.error != str(error):
            self.error = str(error)
            self._log.warning("events are not read on", error=self.error, scanned_to=self._events.scanned_to)

    def _tell(self, on_progress: Callable[[], None]) -> None:
        events = self._events
        self._log.info("events read", to_block=events.scanned_to, stored_to=events.stored_to, target=events.target)
        on_progress()
