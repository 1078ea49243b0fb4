"""The history in the database: whole, in step with the views, and what happens when the database is away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import URL, select, text

from sent_graphql.models.history import EventFilter, StakingEvent, StakingEventKind
from sent_graphql.models.keys import eth_address
from sent_graphql.models.pages import Window
from sent_graphql.settings import DatabaseSettings
from sent_graphql.sources.contracts import event_range
from sent_graphql.sources.contracts.abi import Event
from sent_graphql.sources.contracts.source import ContractsSource
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.events import EventStore
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.database.tables import events, scan

pytestmark = pytest.mark.xdist_group("postgresql")

IDENTITY = Identity(31337, eth_address("0x" + "c2" * 20))


@pytest.fixture
async def database(database_url: URL) -> AsyncIterator[Database]:
    """Both kinds of database."""
    opened = Database(database_url, DatabaseSettings(), IDENTITY)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def away(database_url: URL, database: Database) -> AsyncIterator[Database]:
    """The same database, for a service that has not reached it yet."""
    unopened = Database(database_url, DatabaseSettings(), IDENTITY)
    yield unopened
    await unopened.close()


KIND = list(events.c).index(events.c.kind)


async def rows(database: Database) -> list[tuple[Any, ...]]:
    """All of the history, oldest first."""
    async with database.reading() as connection:
        wanted = select(events).order_by(events.c.block_number, events.c.log_index)
        return [tuple(row) for row in await connection.execute(wanted)]


async def kept(database: Database) -> list[StakingEvent]:
    """The same as events."""
    found = await EventStore(database, 100).events(EventFilter(), Window(first=10_000))
    return list(reversed(found.items))


async def scanned_to(database: Database) -> int | None:
    async with database.reading() as connection:
        return (await connection.execute(select(scan.c.scanned_to))).scalar_one_or_none()


async def rename(database: Database, table: str, to: str) -> None:
    async with database.writing() as connection:
        await connection.execute(text(f"ALTER TABLE {table} RENAME TO {to}"))


async def scan_until(source: ContractsSource, condition: Callable[[], bool]) -> None:
    """Runs the scan until the condition holds after some step."""
    told = asyncio.Event()
    task = asyncio.create_task(source.scan(told.set))
    async with asyncio.timeout(20):
        while not condition():
            await told.wait()
            told.clear()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def live(chain: Any, person: Any) -> None:
    """Something of everything, over some blocks."""
    first = chain.register(person(1), person(2))
    chain.mine(2)
    contract = chain.deploy(1, person(3))
    chain.contribute(contract, person(3), 25_000, at=1)
    chain.mine(2)
    chain.finalize(contract)
    chain.request_exit(first)
    chain.credit(person(4), 7)
    chain.mine()
    chain.claim(person(4), 7)
    chain.exit(first)
    chain.mine(2)


KINDS = [
    StakingEventKind.NEW_SERVICE_NODE,
    StakingEventKind.NEW_CONTRIBUTION_CONTRACT,
    StakingEventKind.NEW_CONTRIBUTION,
    StakingEventKind.CONTRIBUTION_FINALIZED,
    StakingEventKind.NEW_SERVICE_NODE,
    StakingEventKind.SERVICE_NODE_EXIT_REQUEST,
    StakingEventKind.REWARDS_BALANCE_UPDATED,
    StakingEventKind.REWARDS_CLAIMED,
    StakingEventKind.SERVICE_NODE_EXIT,
]


@pytest.mark.parametrize("old_generation", [True, False])
async def test_what_a_refresh_brings_is_there_before_its_view(
    chain: Any, source: ContractsSource, scan_through: Any, database: Database, person: Any, old_generation: bool
) -> None:
    chain.old_generation = old_generation
    view = await source.fetch(None, ())
    await scan_through(source)
    live(chain, person)
    chain.log_queries.clear()
    view = await source.fetch(view, ())
    found = await kept(database)
    assert [event.kind for event in found] == KINDS
    assert await scanned_to(database) == database.height == view.block_number
    contract = next(iter(view.contribution_contracts))
    assert [event.contribution_contract_address for event in found] == [None, *[contract] * 4, *[None] * 4]
    made = found[4]
    assert (made.pubkey, made.contract_id) == (found[1].pubkey, 2)
    assert [found[index].pubkey for index in (2, 3, 5, 8)] == [made.pubkey] * 2 + [found[0].pubkey] * 2
    assert [event.timestamp.timestamp() for event in found] == [1_700_000_000 + event.block_number for event in found]
    assert {first for first, _ in chain.log_queries} == {6, 8}, "nothing is read twice but what a new contract told"


async def test_reading_the_past_finds_what_following_finds(
    chain: Any, make_source: Any, scan_through: Any, database: Database, person: Any
) -> None:
    follower = await make_source()
    view = await follower.fetch(None, ())
    await scan_through(follower)
    for _ in range(3):
        live(chain, person)
        view = await follower.fetch(view, ())
    followed = await rows(database)
    assert len(followed) == 3 * len(KINDS)

    async with database.writing() as connection:
        await connection.execute(scan.delete())
        await connection.execute(events.delete())
    reader = await make_source(scan_range=3, scan_range_max=3)
    await reader.fetch(None, ())
    await scan_through(reader)
    assert await rows(database) == followed
    again = await reader.fetch(None, ())
    assert (again.registrations, again.exits) == (view.registrations, view.exits)
    assert list(again.exits) == [1, 3, 5]


async def test_a_restart_asks_the_chain_for_nothing_that_it_knew(
    chain: Any, make_source: Any, scan_through: Any, database: Database, person: Any
) -> None:
    chain.register(person(5), seeded=True)
    live(chain, person)
    first = await make_source()
    view = await first.fetch(None, ())
    await scan_through(first)
    view = await first.fetch(view, ())
    chain.mine(3)
    chain.log_queries.clear()
    second = await make_source()
    assert second.progress.scanned_to == view.block_number
    again = await second.fetch(None, ())
    await scan_through(second)
    assert (again.registrations, again.exits, again.recipients) == (view.registrations, view.exits, view.recipients)
    assert list(again.contribution_contracts) == list(view.contribution_contracts)
    assert min(begin for begin, _ in chain.log_queries) == view.block_number + 1
    assert len(await rows(database)) == 1 + len(KINDS)


async def test_a_reorganisation_replaces_the_lost_branch(
    chain: Any, source: ContractsSource, scan_through: Any, database: Database, person: Any
) -> None:
    view = await source.fetch(None, ())
    await scan_through(source)
    live(chain, person)
    view = await source.fetch(view, ())
    before = await rows(database)
    chain.register(person(7))
    chain.credit(person(4), 9)
    chain.mine(3)
    view = await source.fetch(view, ())
    assert len(await rows(database)) == len(before) + 2

    chain.reorganise(3, length=0)
    chain.credit(person(8), 1)
    chain.mine(4)
    view = await source.fetch(view, ())
    found = await rows(database)
    assert found[:-1] == before
    assert found[-1][KIND] == "rewards_balance_updated"
    assert await scanned_to(database) == chain.head == view.block_number

    chain.register(person(9))
    for _ in range(2):
        chain.mine()
        view = await source.fetch(view, ())
    chain.reorganise(2, length=1)
    await source.fetch(view, ())
    assert await rows(database) == found, "a shorter branch takes back what was above it"
    assert await scanned_to(database) == chain.head


async def test_a_database_that_fails_fails_no_refresh_and_is_caught_up(
    chain: Any, source: ContractsSource, scan_through: Any, database: Database, person: Any
) -> None:
    view = await source.fetch(None, ())
    await scan_through(source)
    before = await scanned_to(database)
    await rename(database, "events", "away")
    live(chain, person)
    view = await source.fetch(view, ())
    assert list(view.exits) == [1]
    assert view.scan.complete
    assert source.progress.error is not None
    chain.register(person(9))
    chain.mine()
    view = await source.fetch(view, ())
    assert list(view.registrations) == [1, 2, 3]
    assert await scanned_to(database) == before
    await rename(database, "away", "events")

    await scan_until(source, lambda: source.progress.error is None)
    assert [event.kind for event in await kept(database)] == [*KINDS, StakingEventKind.NEW_SERVICE_NODE]
    assert await scanned_to(database) == chain.head
    chain.credit(person(1), 4)
    chain.mine()
    await source.fetch(view, ())
    assert await scanned_to(database) == chain.head, "and the refreshes are followed again"


async def test_without_the_database_the_views_know_the_past_all_the_same(
    chain: Any, make_source: Any, person: Any, away: Database
) -> None:
    live(chain, person)
    source = await make_source(database=away)
    view = await source.fetch(None, ())
    await scan_until(source, lambda: source.progress.complete)
    view = await source.fetch(view, ())
    assert (list(view.registrations), list(view.exits)) == ([1, 2], [1])
    assert len(view.contribution_contracts) == 1
    assert "not open" in (source.progress.error or "")
    await away.open()
    await scan_until(source, lambda: source.progress.error is None)
    assert [event.kind for event in await kept(away)] == KINDS


async def test_a_database_that_comes_late_is_taken_up_where_it_stopped(
    chain: Any, make_source: Any, scan_through: Any, person: Any, away: Database
) -> None:
    live(chain, person)
    first = await make_source()
    await first.fetch(None, ())
    await scan_through(first)
    stopped_at = chain.head
    chain.reorganise(1, length=0)
    live(chain, person)

    second = await make_source(database=away)
    await second.fetch(None, ())
    await away.open()
    chain.log_queries.clear()
    await scan_until(second, lambda: away.height == chain.head and second.progress.complete)
    begins = [begin for begin, _ in chain.log_queries]
    assert begins[0] == chain.deployed_at, "the facts come first: they name the contracts"
    assert any(chain.deployed_at < begin <= stopped_at for begin in begins)
    assert [event.kind for event in await kept(away)] == KINDS * 2


@pytest.mark.parametrize("changes", [{"contribution_factory": None}, {"reward_rate_pool": None}])
async def test_a_contract_that_is_configured_later_begins_the_history_anew(
    chain: Any, make_source: Any, scan_through: Any, database: Database, person: Any, changes: dict[str, Any]
) -> None:
    live(chain, person)
    chain.log(eth_address("0x" + "11" * 20), Event.FUNDS_RELEASED.topic, data=(5).to_bytes(32, "big"))
    chain.mine()
    first = await make_source(**changes)
    await first.fetch(None, ())
    await scan_through(first)
    part = await rows(database)
    second = await make_source()
    assert second.progress.scanned_to is None
    await second.fetch(None, ())
    assert await rows(database) == part, "until there is something better"
    await scan_through(second)
    assert [event.kind for event in await kept(database)] == [*KINDS, StakingEventKind.REWARDS_RELEASED]


async def test_two_services_on_one_database_leave_no_gap(
    chain: Any, make_source: Any, scan_through: Any, database: Database, person: Any
) -> None:
    one, other = await make_source(), await make_source()
    views = [await source.fetch(None, ()) for source in (one, other)]
    await scan_through(one)
    await scan_through(other)
    live(chain, person)
    views[0] = await one.fetch(views[0], ())
    async with database.writing() as connection:
        await connection.execute(scan.update().values(scanned_to=views[1].block_number - 1))
        await connection.execute(events.delete())
    chain.credit(person(1), 4)
    chain.mine()
    views[0] = await one.fetch(views[0], ())
    assert one.progress.error is not None
    assert await rows(database) == [], "nothing is written that does not join"
    await scan_until(one, lambda: one.progress.error is None)
    assert [event.kind for event in await kept(database)] == [*KINDS, StakingEventKind.REWARDS_BALANCE_UPDATED]


@pytest.mark.parametrize("state_kept", [True, False])
async def test_seeded_nodes_are_known_by_their_contributors_for_ever(
    chain: Any, make_source: Any, scan_through: Any, person: Any, state_kept: bool
) -> None:
    chain.register(person(1), person(2), seeded=True)
    chain.mine(3)
    chain.state_kept_from = 0 if state_kept else chain.head
    first = await make_source(deployment_block=3)
    view = await first.fetch(None, ())
    await scan_through(first)
    view = await first.fetch(view, ())
    stakers = [stake.address for stake in view.registrations[1].contributors]
    assert stakers == [person(1), person(2)]
    chain.exit(1)
    chain.mine()
    view = await first.fetch(view, ())
    assert (list(view.nodes), list(view.exits)) == ([], [1])
    again = await (await make_source(deployment_block=3)).fetch(None, ())
    assert again.registrations[1] == view.registrations[1]


async def test_a_seeded_node_that_left_long_ago_is_known_where_the_state_is_kept(
    chain: Any, source: ContractsSource, scan_through: Any, person: Any
) -> None:
    chain.register(person(1), person(2), seeded=True)
    chain.mine(3)
    chain.exit(1)
    chain.mine(3)
    view = await source.fetch(None, ())
    await scan_through(source)
    view = await source.fetch(view, ())
    assert [stake.address for stake in view.registrations[1].contributors] == [person(1), person(2)]


async def test_times_that_the_logs_tell_are_not_asked_for(
    chain: Any, source: ContractsSource, scan_through: Any, database: Database, person: Any
) -> None:
    chain.tells_times = True
    live(chain, person)
    view = await source.fetch(None, ())
    asked: list[str] = []
    chain.before_answer = lambda method, params: asked.append(params[0]) if method == "eth_getBlockByNumber" else None
    await scan_through(source)
    blocks = {hex(event.block_number) for event in await kept(database)}
    past = {hex(chain.head), *(hex(chain.head - distance) for distance in (1, 2, 4, 8))}
    assert not (set(asked) - past) & blocks
    asked.clear()
    chain.register(person(1))
    chain.mine(5)
    before = chain.round_trips
    view = await source.fetch(view, ())
    assert hex(chain.head - 4) not in asked
    assert chain.round_trips - before <= 4
    assert (await kept(database))[-1].timestamp.timestamp() == 1_700_000_000 + chain.head - 4


async def test_many_events_are_taken_in_small_transactions(
    chain: Any, make_source: Any, scan_through: Any, database: Database, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_range, "EVENTS_PER_STEP", 10)
    for number in range(60):
        chain.credit(person(number % 5), number + 1)
        if number % 3 == 0:
            chain.mine()
    chain.mine()
    for _ in range(15):
        chain.credit(person(1), 100)
    chain.mine(4)
    source = await make_source(scan_range=1_000)
    await source.fetch(None, ())
    steps = await scan_through(source)
    assert len(await rows(database)) == 75
    assert steps > 5


async def test_a_log_that_does_not_decode_stops_nothing(
    chain: Any, source: ContractsSource, scan_through: Any, database: Database, addresses: Any, person: Any
) -> None:
    chain.log(addresses.rewards, Event.SERVICE_NODE_EXIT.topic)
    live(chain, person)
    view = await source.fetch(None, ())
    await scan_through(source)
    chain.log(addresses.rewards, Event.NEW_SERVICE_NODE_V2.topic, 1, data=b"\0" * 32)
    chain.credit(person(4), 9)
    chain.mine()
    await source.fetch(view, ())
    assert source.progress.error is None
    found = [event.kind for event in await kept(database)]
    assert found == [*KINDS, StakingEventKind.REWARDS_BALANCE_UPDATED]
