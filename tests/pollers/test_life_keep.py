"""Nodes that have left, in the database."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import URL
from structlog.testing import capture_logs

from sent_graphql.cache.snapshots import SnapshotCache
from sent_graphql.models.contracts import ContractsView, ScanProgress
from sent_graphql.models.network import ServiceNode, SourceName
from sent_graphql.models.oxend import OxendView
from sent_graphql.models.snapshot import Snapshot, SourceStatus
from sent_graphql.pollers.life_keep import CHUNK, LifeKeep
from sent_graphql.pollers.poller import Poller
from sent_graphql.pollers.publisher import SnapshotPublisher
from sent_graphql.settings import DatabaseSettings, PollSettings
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.database.lives import LifeRecord, LifeStore

IDENTITY = Identity(chain_id=1, service_node_rewards="0x1")
SETTINGS = PollSettings(interval=60, min_interval=1, timeout=5, backoff_max=60, stale_after=60)


class Run:
    """One run of the service: views are given by hand, everything else is real."""

    def __init__(self, make: Any, database: Database) -> None:
        self._oxend: Poller[OxendView] = Poller(SourceName.OXEND, self._never, SETTINGS, lambda: None)
        self._contracts: Poller[ContractsView] = Poller(SourceName.CONTRACTS, self._never, SETTINGS, lambda: None)
        self.cache = SnapshotCache(Snapshot(version=0, created_at=None, stale=True, sources=(), state=None))
        self.publisher = SnapshotPublisher(
            self._oxend,
            self._contracts,
            make.constants,
            lambda: ScanProgress(from_block=0, scanned_to=1, target=1, complete=True),
            self.cache.publish,
            database=lambda: SourceStatus(name=SourceName.DATABASE, healthy=True),
        )
        self.store = LifeStore(database)
        self.keep = LifeKeep(self.store, self.publisher)

    async def shows(self, oxend: OxendView, contracts: ContractsView) -> tuple[ServiceNode, ...]:
        """The past nodes, once these views have been joined."""
        self._oxend.restore(oxend, datetime.now(UTC))
        self._contracts.restore(contracts, datetime.now(UTC))
        await self.publisher.publish()
        state = (await self.cache.current()).state
        assert state is not None
        return state.past.nodes

    async def stored(self) -> list[LifeRecord]:
        return [record async for records in self.store.all() for record in records]

    async def _never(self, _: object) -> Any:
        raise AssertionError("nobody polls here")


@pytest.fixture
def living(make: Any) -> Any:
    """Nodes 1 to 3 on both sides."""
    numbers = (1, 2, 3)
    return (
        make.oxend_view([make.oxend_node(n) for n in numbers]),
        make.contracts_view([make.contract_node(n, n) for n in numbers]),
    )


@pytest.fixture
def left(make: Any) -> Any:
    """Nodes 1 and 2 have left, 3 is there."""
    return (
        make.oxend_view([make.oxend_node(3)]),
        make.contracts_view(
            [make.contract_node(3, 3)],
            registrations={n: make.registration(n, n) for n in (1, 2)},
            exits={n: make.exit(n) for n in (1, 2)},
        ),
    )


async def test_who_has_left_is_there_again_after_a_restart_as_it_was_seen(
    make: Any, database: Database, living: Any, left: Any
) -> None:
    run = Run(make, database)
    await run.keep.restore()
    await run.shows(*living)
    before = await run.shows(*left)
    assert len(run.keep.unsaved()) == 2
    await run.keep.save()
    assert run.keep.unsaved() == []
    again = Run(make, database)
    await again.keep.restore()
    assert sorted(await again.shows(*left), key=by_id) == sorted(before, key=by_id)
    assert {node.public_ip for node in before} == {"203.0.113.7"}
    assert again.keep.unsaved() == []


async def test_nothing_is_written_while_nobody_leaves(make: Any, database: Database, living: Any, left: Any) -> None:
    run = Run(make, database)
    await run.keep.restore()
    await run.shows(*living)
    await run.keep.save()
    assert await run.stored() == []
    await run.shows(*left)
    await run.keep.save()
    assert sorted(record.contract_id or 0 for record in await run.stored()) == [1, 2]


async def test_who_came_back_is_masked_and_written_anew_when_it_leaves_again(
    make: Any, database: Database, living: Any, left: Any
) -> None:
    run = Run(make, database)
    await run.keep.restore()
    await run.shows(*living)
    await run.shows(*left)
    await run.keep.save()
    again = Run(make, database)
    await again.keep.restore()
    assert await again.shows(*living) == ()
    oxend = make.oxend_view([make.oxend_node(n, public_ip="198.51.100.9") for n in (1, 2, 3)])
    await again.shows(oxend, living[1])
    await again.shows(*left)
    await again.keep.save()
    assert all("198.51.100.9" in record.node for record in await again.stored())


async def test_a_database_that_is_away_is_no_loss(
    make: Any, database: Database, database_url: URL, living: Any, left: Any
) -> None:
    closed = Database(database_url, DatabaseSettings(), IDENTITY)
    away = Run(make, closed)
    await away.keep.restore()
    await away.shows(*living)
    before = await away.shows(*left)
    await away.keep.save()
    kept = away.publisher.kept(away.keep.unsaved())
    assert kept is not None
    assert {node.id for node in kept.seen} == {node.id for node in before}
    again = Run(make, database)
    await again.keep.restore()
    again.publisher.restore(kept.version, kept.lives, kept.seen)
    assert sorted(await again.shows(kept.oxend, kept.contracts), key=by_id) == sorted(before, key=by_id)
    await again.keep.save()
    assert len(await again.stored()) == 2


async def test_what_could_not_be_read_at_the_start_is_read_later(
    make: Any, database_url: URL, living: Any, left: Any
) -> None:
    async with AsyncExitStack() as ends:
        early, late = (Database(database_url, DatabaseSettings(), IDENTITY) for _ in range(2))
        ends.push_async_callback(early.close)
        ends.push_async_callback(late.close)
        await early.open()
        first = Run(make, early)
        await first.keep.restore()
        await first.shows(*living)
        before = await first.shows(*left)
        await first.keep.save()
        run = Run(make, late)
        await run.keep.restore()
        assert {node.public_ip for node in await run.shows(*left)} == {None}
        await late.open()
        await run.keep.save()
        assert sorted(await run.shows(*left), key=by_id) == sorted(before, key=by_id)


async def test_more_than_one_transaction_holds_is_written_in_several(make: Any, database: Database) -> None:
    run = Run(make, database)
    await run.keep.restore()
    count = CHUNK + 1
    crowd = [make.oxend_node(number) for number in range(1, count + 1)]
    await run.shows(make.oxend_view(crowd), make.contracts_view())
    await run.shows(make.oxend_view([make.oxend_node(9_999)]), make.contracts_view())
    await run.keep.save()
    assert len(await run.stored()) == count


async def test_a_row_that_cannot_be_read_is_told_and_passed_over(
    make: Any, database: Database, living: Any, left: Any
) -> None:
    run = Run(make, database)
    await run.keep.restore()
    await run.shows(*living)
    await run.shows(*left)
    await run.keep.save()
    good, bad = await run.stored()
    await run.store.save([structs.replace(bad, node='{"id": 5}')])
    again = Run(make, database)
    with capture_logs() as lines:
        await again.keep.restore()
    assert [line["nodes"] for line in lines if "cannot be read" in line["event"]] == [1]
    # The events still tell of it.
    shown = {node.contract_id: node for node in await again.shows(*left)}
    assert shown[good.contract_id].public_ip is not None
    assert shown[bad.contract_id].public_ip is None


def by_id(node: ServiceNode) -> str:
    return node.id
