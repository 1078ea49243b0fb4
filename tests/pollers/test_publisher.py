"""A new snapshot whenever a source has spoken, fallen silent or grown stale."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from msgspec import structs

from sent_graphql.cache.snapshots import SnapshotCache
from sent_graphql.models.contracts import ContractsView, ScanProgress
from sent_graphql.models.network import ServiceNodeState, SourceName
from sent_graphql.models.oxend import OxendView
from sent_graphql.models.snapshot import Snapshot, SourceStatus
from sent_graphql.pollers.poller import Poller
from sent_graphql.pollers.publisher import SnapshotPublisher
from sent_graphql.settings import PollSettings
from sent_graphql.sources.errors import SourceError

SCAN = ScanProgress(from_block=0, scanned_to=1, target=1, complete=True)
DATABASE = SourceStatus(name=SourceName.DATABASE, healthy=True, height=1)
EMPTY = Snapshot(version=0, created_at=None, stale=True, sources=(), state=None)


class Desk:
    """Two scripted sources, the pollers, the publisher and the cache, running."""

    def __init__(self, make: Any, *, stale_after: float = 3_600) -> None:
        settings = PollSettings(
            interval=3_600, min_interval=0.001, timeout=5, backoff_max=3_600, stale_after=stale_after
        )
        self.oxend_answer: OxendView | Exception = make.oxend_view([make.oxend_node()])
        self.contracts_answer: ContractsView | Exception = make.contracts_view([make.contract_node()])
        self.cache = SnapshotCache(EMPTY)
        self.oxend: Poller[OxendView] = Poller(SourceName.OXEND, self._ask_oxend, settings, self._changed)
        self.contracts: Poller[ContractsView] = Poller(
            SourceName.CONTRACTS, self._ask_contracts, settings, self._changed
        )
        self.publisher = SnapshotPublisher(
            self.oxend, self.contracts, make.constants, lambda: SCAN, self.cache.publish, database=lambda: DATABASE
        )

    async def _ask_oxend(self, _: OxendView | None) -> OxendView:
        if isinstance(self.oxend_answer, Exception):
            raise self.oxend_answer
        return self.oxend_answer

    async def _ask_contracts(self, _: ContractsView | None) -> ContractsView:
        if isinstance(self.contracts_answer, Exception):
            raise self.contracts_answer
        return self.contracts_answer

    def _changed(self) -> None:
        self.publisher.changed()

    async def until(self, condition: Any) -> Snapshot:
        """The first snapshot for which `condition` holds."""
        snapshot = await self.cache.current()
        while not condition(snapshot):
            snapshot = await self.cache.next(snapshot)
        return snapshot


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[Desk]:
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(part.run()) for part in (desk.oxend, desk.contracts, desk.publisher)]
        try:
            async with asyncio.timeout(20):
                yield desk
        finally:
            for task in started:
                task.cancel()


async def test_the_first_snapshot_waits_for_both_sides(make: Any) -> None:
    desk = Desk(make)
    desk.contracts_answer = SourceError("the RPC cannot be reached")
    async with running(desk):
        waiting = await desk.until(lambda s: s.sources and s.sources[1].last_error)
        assert (waiting.version, waiting.state, waiting.stale) == (0, None, True)
        assert [source.name for source in waiting.sources] == [
            SourceName.OXEND,
            SourceName.CONTRACTS,
            SourceName.DATABASE,
        ]
        desk.contracts_answer = make.contracts_view([make.contract_node()])
        desk.contracts.trigger()
        first = await desk.until(lambda s: s.state is not None)
        assert first.version > 0
        assert not first.stale
        assert [source.height for source in first.sources] == [make.top_height, 1_000, 1]


async def test_a_failed_poll_leaves_the_data_and_tells_the_fault_in_a_new_version(make: Any) -> None:
    desk = Desk(make)
    async with running(desk):
        good = await desk.until(lambda s: s.state is not None and s.sources[0].healthy and s.sources[1].healthy)
        desk.oxend_answer = SourceError("oxend is busy")
        desk.oxend.trigger()
        bad = await desk.until(lambda s: not s.sources[0].healthy)
        assert bad.version > good.version
        assert bad.state is good.state
        assert bad.sources[0].last_error == "oxend is busy"
        assert bad.sources[0].last_success_at == good.sources[0].last_success_at
        assert not bad.stale


async def test_data_grows_stale_after_its_allowance_and_fresh_again(make: Any) -> None:
    desk = Desk(make, stale_after=0.05)
    async with running(desk):
        stale = await desk.until(lambda s: s.state is not None and s.stale)
        assert stale.sources[0].healthy
        desk.oxend.trigger()
        desk.contracts.trigger()
        fresh = await desk.until(lambda s: not s.stale)
        assert fresh.version > stale.version


async def test_news_of_a_wallet_waits_for_its_rewards_on_the_contract(make: Any) -> None:
    desk = Desk(make)
    newcomer = make.address(0x77)
    async with running(desk):
        first = await desk.until(lambda s: s.state is not None)
        read = make.contracts_view([make.contract_node()], recipients={newcomer: make.recipient(credited=5, claimed=5)})
        desk.contracts_answer = read
        desk.oxend_answer = make.oxend_view([make.oxend_node()], accrued={newcomer: 9})
        desk.oxend.trigger()
        told = await desk.until(lambda s: s.state is not first.state)
        # The first snapshot that shows the accrued rewards knows what was credited already.
        assert told.state is not None
        assert told.state.wallet(newcomer).rewards.accrued == 9
        assert told.state.wallet(newcomer).rewards.pending == 4


async def test_news_does_not_wait_for_contracts_that_are_down(make: Any) -> None:
    desk = Desk(make)
    async with running(desk):
        await desk.until(lambda s: s.state is not None)
        desk.contracts_answer = SourceError("down")
        desk.oxend_answer = make.oxend_view([make.oxend_node(active=False)], accrued={make.address(0x77): 9})
        desk.oxend.trigger()
        told = await desk.until(
            lambda s: s.state.nodes[0].state is ServiceNodeState.DECOMMISSIONED and not s.sources[1].healthy
        )
        assert told.state is not None


async def test_a_restart_answers_from_what_was_kept_flagged_stale_with_the_same_ids(make: Any) -> None:
    desk = Desk(make)
    async with running(desk):
        before = await desk.until(lambda s: s.state is not None and not s.stale)
        kept = desk.publisher.kept(())
    assert kept is not None
    again = Desk(make)
    again.oxend_answer = again.contracts_answer = SourceError("not up yet")
    again.oxend.restore(kept.oxend, datetime.fromtimestamp(kept.oxend_at, UTC))
    again.contracts.restore(kept.contracts, datetime.fromtimestamp(kept.contracts_at, UTC))
    again.publisher.restore(kept.version, kept.lives, kept.seen)
    async with running(again):
        restored = await again.until(lambda s: s.state is not None)
        assert restored.stale
        assert restored.version > before.version
        assert restored.state is not None
        assert before.state is not None
        assert restored.state.nodes == before.state.nodes
        assert restored.sources[0].last_success_at == before.sources[0].last_success_at
        again.oxend_answer = structs.replace(kept.oxend, block_height=10_001, chain_height=10_002)
        again.oxend.trigger()
        half = await again.until(lambda s: s.sources[0].healthy)
        assert half.stale
        again.contracts_answer = kept.contracts
        again.contracts.trigger()
        whole = await again.until(lambda s: not s.stale)
        assert whole.state is not None
        assert whole.state.network.block_height == 10_001


async def test_what_oxend_told_of_a_node_before_it_dropped_it_survives_a_restart(make: Any) -> None:
    desk = Desk(make)
    async with running(desk):
        running_node = (await desk.until(lambda s: s.state is not None)).state
        desk.oxend_answer = make.oxend_view(exit_list=(make.removed_node(),))
        desk.oxend.trigger()
        await desk.until(lambda s: s.state.nodes[0].state is ServiceNodeState.AWAITING_EXIT)
        kept = desk.publisher.kept(())
    assert kept is not None
    assert running_node is not None
    again = Desk(make)
    again.oxend.restore(kept.oxend, datetime.fromtimestamp(kept.oxend_at, UTC))
    again.contracts.restore(kept.contracts, datetime.fromtimestamp(kept.contracts_at, UTC))
    again.publisher.restore(kept.version, kept.lives, kept.seen)
    await again.publisher.publish()
    state = (await again.cache.current()).state
    assert state is not None
    (node,) = state.nodes
    assert node.last_uptime_proof == running_node.nodes[0].last_uptime_proof
    assert node.public_ip == running_node.nodes[0].public_ip
    assert state.past.nodes == ()


async def test_nothing_new_makes_no_new_version(make: Any) -> None:
    desk = Desk(make)
    async with running(desk):
        first = await desk.until(lambda s: s.state is not None and s.sources[1].healthy)
        await desk.publisher.publish()
        assert (await desk.cache.current()).version == first.version


async def test_a_view_that_cannot_be_joined_leaves_the_last_good_part_and_marks_its_source(make: Any) -> None:
    desk = Desk(make)
    async with running(desk):
        good = await desk.until(lambda s: s.state is not None and s.sources[0].healthy and s.sources[1].healthy)
        # No decoder lets such a date through: it stands for a fault of ours that is not known yet.
        desk.oxend_answer = make.oxend_view([make.oxend_node(last_uptime_proof=10**30)])
        desk.oxend.trigger()
        bad = await desk.until(lambda s: not s.sources[0].healthy)
        assert bad.state is good.state
        assert bad.version > good.version
        assert bad.sources[0].last_success_at == good.sources[0].last_success_at
        assert "internal error" in (bad.sources[0].last_error or "")
        assert bad.sources[1].healthy
        # The other side's news goes on, and so does this one's as soon as it makes sense.
        desk.contracts_answer = make.contracts_view([make.contract_node()], block_number=1_001)
        desk.contracts.trigger()
        on = await desk.until(lambda s: s.state.network.l2_height == 1_001)
        assert not on.sources[0].healthy
        desk.oxend_answer = make.oxend_view([make.oxend_node()], block_height=make.top_height + 1)
        desk.oxend.trigger()
        well = await desk.until(lambda s: s.sources[0].healthy)
        assert well.state is not None
        assert well.state.network.block_height == make.top_height + 1


async def test_views_that_cannot_be_joined_at_the_start_are_no_end_of_the_service(make: Any) -> None:
    desk = Desk(make)
    desk.oxend_answer = make.oxend_view([make.oxend_node(last_uptime_proof=10**30)])
    async with running(desk):
        bad = await desk.until(lambda s: s.sources and s.sources[0].last_error)
        assert (bad.state, bad.stale) == (None, True)
        desk.oxend_answer = make.oxend_view([make.oxend_node()])
        desk.oxend.trigger()
        await desk.until(lambda s: s.sources[0].healthy)
        desk.contracts.trigger()
        well = await desk.until(lambda s: s.state is not None)
        assert not well.stale
