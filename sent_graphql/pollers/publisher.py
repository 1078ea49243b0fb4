"""Makes a new snapshot whenever a source has spoken, fallen silent or grown stale."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

import structlog
from msgspec import Struct

from sent_graphql.models.contracts import ContractsView, ScanProgress
from sent_graphql.models.network import ServiceNode
from sent_graphql.models.oxend import OxendView
from sent_graphql.models.snapshot import NetworkState, Snapshot, SourceStatus
from sent_graphql.pollers.archive import EMPTY_ARCHIVE, Archive
from sent_graphql.pollers.assembly import Assembly, Difference, assemble
from sent_graphql.pollers.keep import Kept
from sent_graphql.pollers.lives import NO_LIVES, Lives
from sent_graphql.pollers.poller import Poller
from sent_graphql.pollers.states import OFF_OXENDS_LIST
from sent_graphql.settings import NetworkSettings
from sent_graphql.tallies import Tally

View = TypeVar("View")

POLLS_TO_WAIT = 2
"""Polls of the contracts that news from oxend waits for when it names a wallet whose rewards are not read yet.

Two, because one may have been under way already without that wallet."""

UNUSABLE = "internal error while joining both sides, see the log"
"""What users are told of a view that our own code cannot join."""

VERSIONS_UNKEPT = 10_000
"""More versions than can be published between two keepings of the snapshot: so many are passed over after a restart.

The clock sees to it that they grow; only where it was set back and the last run was killed, it does not."""

EXAMPLES_LOGGED = 5
"""Contradictions between the sides that one log line names."""


class _Joined(Struct, frozen=True):
    """An assembly and the very views that it was made from."""

    oxend: OxendView
    contracts: ContractsView
    assembly: Assembly


class SnapshotPublisher:
    """Joins the pollers' last good views and hands every new snapshot to `publish`."""

    def __init__(
        self,
        oxend: Poller[OxendView],
        contracts: Poller[ContractsView],
        constants: NetworkSettings,
        scan_progress: Callable[[], ScanProgress],
        publish: Callable[[Snapshot], Awaitable[None]],
        *,
        database: Callable[[], SourceStatus],
    ) -> None:
        self._oxend = oxend
        self._contracts = contracts
        self._constants = constants
        self._scan_progress = scan_progress
        self._publish = publish
        self._database = database
        self.joining = Tally()
        """Assemblies of both sides."""
        self._changed = asyncio.Event()
        self._joined: _Joined | None = None
        self._lives = NO_LIVES
        self._archive = EMPTY_ARCHIVE
        self._remembered: tuple[ServiceNode, ...] | None = None
        self._last: Snapshot | None = None
        self._version = 0
        self._waiting_since: int | None = None
        self._log = structlog.get_logger()

    @property
    def state(self) -> NetworkState | None:
        """The newest joined state, if there is one."""
        return None if self._joined is None else self._joined.assembly.state

    def changed(self) -> None:
        """Tells that a poll has ended, the scan has come on, or the database has failed or come back."""
        self._changed.set()

    @property
    def archive(self) -> Archive:
        """The nodes that have left, as of the last assembly."""
        return self._archive

    def restore(self, version: int, lives: Lives, seen: Iterable[ServiceNode]) -> None:
        """Goes on from an earlier run: greater versions, the same ids. The pollers have their views already.

        `seen`: nodes that were seen otherwise than the views tell.
        """
        self._version = version + VERSIONS_UNKEPT
        self._lives = lives
        self._archive = self._archive.remembering(seen)

    def remember(self, records: Iterable[ServiceNode]) -> None:
        """Takes in the nodes that have left in earlier runs; before the first snapshot, so that all keep their ids."""
        self._remembered = tuple(records)
        self._changed.set()

    def kept(self, unsaved: Iterable[ServiceNode]) -> Kept | None:
        """What is worth keeping for the next start: the newest joined views, once there are any.

        `unsaved`: nodes that have left and are kept nowhere else yet.
        """
        at = [poller.health.last_success_at for poller in (self._oxend, self._contracts)]
        if self._joined is None or at[0] is None or at[1] is None:
            return None
        leaving = (node for node in self._joined.assembly.state.nodes if node.state in OFF_OXENDS_LIST)
        return Kept(
            chain_id=self._joined.contracts.chain_id,
            service_node_rewards=self._joined.contracts.addresses.service_node_rewards,
            version=self._version,
            oxend=self._joined.oxend,
            oxend_at=at[0].timestamp(),
            contracts=self._joined.contracts,
            contracts_at=at[1].timestamp(),
            lives=self._joined.assembly.lives,
            seen=(*leaving, *unsaved),
        )

    async def run(self) -> None:
        """Publishes for ever."""
        while True:
            self._changed.clear()
            await self.publish()
            try:
                async with asyncio.timeout_at(self._next_staleness()):
                    await self._changed.wait()
            except TimeoutError:
                self._log.warning("the data has grown stale")

    async def publish(self) -> None:
        """Joins what is new and publishes, unless everything is as it was."""
        await self._join()
        joined = self._joined
        if joined is not None:
            self._oxend.accept(joined.oxend)
            self._contracts.accept(joined.contracts)
        state = joined.assembly.state if joined is not None else None
        sources = (
            self._status(self._oxend, joined.oxend.block_height if joined else None),
            self._status(self._contracts, joined.contracts.block_number if joined else None, self._scan_progress()),
            self._database(),
        )
        stale = state is None or self._is_stale()
        last = self._last
        if last is not None and last.state is state and last.sources == sources and last.stale == stale:
            return
        if state is not None:
            self._version = max(self._version + 1, time.time_ns() // 1_000_000)
        self._last = Snapshot(
            version=self._version if state is not None else 0,
            created_at=datetime.now(UTC) if state is not None else None,
            stale=stale,
            sources=sources,
            state=state,
        )
        await self._publish(self._last)

    async def _join(self) -> None:
        oxend, contracts, joined = self._oxend.view, self._contracts.view, self._joined
        if oxend is None or contracts is None:
            return
        remembered = self._remembered
        is_new = joined is None or joined.oxend is not oxend or joined.contracts is not contracts
        if remembered is None and not is_new:
            return
        if is_new and self._must_wait_for_wallets(oxend, contracts):
            return
        try:
            # In a thread: thousands of nodes take longer than the event loop may be held.
            with self.joining.measured():
                assembly = await asyncio.to_thread(self._assemble, oxend, contracts, remembered)
        except Exception:  # noqa: BLE001 - a fault of ours must not end the service; it is logged whole and shown
            self._log.exception("joining both sides failed unexpectedly")
            self._reject_news(oxend, contracts)
            return
        if self._remembered is remembered:
            self._remembered = None
        self._report(assembly.differences, joined.assembly.differences if joined is not None else frozenset())
        self._lives = assembly.lives
        self._archive = assembly.archive
        self._joined = _Joined(oxend, contracts, assembly)

    def _assemble(
        self, oxend: OxendView, contracts: ContractsView, remembered: tuple[ServiceNode, ...] | None
    ) -> Assembly:
        archive = self._archive if remembered is None else self._archive.remembering(remembered)
        if self._joined is None:
            return assemble(oxend, contracts, self._constants, self._lives, archive=archive)
        last = self._joined.assembly
        return assemble(oxend, contracts, self._constants, self._lives, last.state, archive, last.known)

    def _reject_news(self, oxend: OxendView, contracts: ContractsView) -> None:
        """Gives back what is new since the last assembly; where both sides are, the next polls tell which it was."""
        joined = self._joined
        if joined is None or joined.oxend is not oxend:
            self._oxend.reject(oxend, UNUSABLE)
        if joined is None or joined.contracts is not contracts:
            self._contracts.reject(contracts, UNUSABLE)

    def _must_wait_for_wallets(self, oxend: OxendView, contracts: ContractsView) -> bool:
        """Whether oxend names wallets whose rewards a poll of the contracts is about to read."""
        known = contracts.recipients
        unread = any(address.startswith("0x") and address not in known for address in oxend.accrued)
        if not unread or not self._contracts.health.healthy:
            self._waiting_since = None
            return False
        if self._waiting_since is None:
            self._waiting_since = self._contracts.attempts
        if self._contracts.attempts - self._waiting_since >= POLLS_TO_WAIT:
            return False
        self._contracts.trigger()
        return True

    def _status(self, poller: Poller[View], height: int | None, scan: ScanProgress | None = None) -> SourceStatus:
        health = poller.health
        return SourceStatus(
            name=poller.name,
            healthy=health.healthy,
            last_success_at=health.last_success_at,
            height=height,
            last_error=health.last_error,
            scan=scan,
        )

    def _is_stale(self) -> bool:
        now = asyncio.get_running_loop().time()
        return any(deadline is None or deadline <= now for deadline in self._deadlines())

    def _next_staleness(self) -> float | None:
        now = asyncio.get_running_loop().time()
        return min(
            (deadline for deadline in self._deadlines() if deadline is not None and deadline > now), default=None
        )

    def _deadlines(self) -> tuple[float | None, float | None]:
        return (self._oxend.health.fresh_until, self._contracts.health.fresh_until)

    def _report(self, now: frozenset[Difference], before: frozenset[Difference]) -> None:
        new = sorted(now - before)
        if new:
            self._log.warning(
                "oxend and the contract disagree; the contract's values are shown",
                new=len(new),
                total=len(now),
                examples=[f"{item.field} of {item.pubkey}" for item in new[:EXAMPLES_LOGGED]],
            )
