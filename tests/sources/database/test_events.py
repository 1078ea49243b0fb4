"""The history's table: written in whole branches, read in windows that cost the same wherever they lie."""

import re
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from sent_graphql.models.contracts import NodeRegistration, Stake
from sent_graphql.models.history import EventArgument, EventFilter, StakingEvent, StakingEventKind
from sent_graphql.models.pages import Position, Slice, Window
from sent_graphql.sources.database import events as module
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.events import ORDER, EventStore, ScanGapError, _event, extent, selections
from sent_graphql.sources.database.tables import events
from sent_graphql.sources.database.windows import between

KINDS = list(StakingEventKind)


def event(block: int, index: int = 0, branch: str = "a", **fields: Any) -> StakingEvent:
    """An event whose fields follow from its place."""
    defaults: dict[str, Any] = {
        "kind": KINDS[(block + index) % len(KINDS)],
        "contract": "0xC0",
        "block_number": block,
        "block_hash": f"0x{branch}{block}",
        "timestamp": datetime.fromtimestamp(1_700_000_000 + block, UTC),
        "transaction_hash": f"0x{block}.{index}",
        "log_index": index,
        "initiator": None,
        "wallet": f"wallet {block % 3}",
        "amount": 2**80 + block,
        "contract_id": block % 4,
        "pubkey": f"key {block % 5}",
        "contribution_contract_address": f"contract {block % 6}",
        "arguments": (EventArgument("name", 'a "value", of [anything]'), EventArgument("empty", "")),
    }
    return StakingEvent(**(defaults | fields))


def seed(contract_id: int, block: int) -> NodeRegistration:
    return NodeRegistration(
        contract_id=contract_id,
        pubkey="0a" * 32,
        pubkey_bls="0b" * 64,
        operator="operator",
        fee=None,
        contributors=(Stake("operator", "operator", 2**70),),
        block_number=block,
        contribution_contract=None,
        added_at=5,
    )


def place(one: StakingEvent) -> Position:
    return (False, -one.position, one.id)


def matches(one: StakingEvent, wanted: EventFilter) -> bool:
    parts = (
        (wanted.contract_id, one.contract_id),
        (wanted.pubkey, one.pubkey),
        (wanted.wallet, one.wallet),
        (wanted.contribution_contract, one.contribution_contract_address),
    )
    return (
        all(value is None or value == held for value, held in parts)
        and (wanted.kinds is None or one.kind in wanted.kinds)
        and (wanted.from_block is None or one.block_number >= wanted.from_block)
        and (wanted.to_block is None or one.block_number <= wanted.to_block)
    )


@pytest.fixture
async def store(database: Database) -> EventStore:
    """A store whose history begins at block 1."""
    store = EventStore(database, 10)
    await store.begin(1, "0xa1", "factory", "pool")
    return store


async def write(store: EventStore, first: int, last: int, *told: StakingEvent, branch: str = "a") -> None:
    await store.write(first, last, hashes={last: f"0x{branch}{last}"}, told=told)


async def all_of(store: EventStore, wanted: EventFilter = EventFilter()) -> list[StakingEvent]:  # noqa: B008 - frozen
    return list((await store.events(wanted, Window(first=1_000))).items)


async def test_what_is_written_is_read_as_it_was(store: EventStore) -> None:
    told = [event(3), event(3, 1, initiator="someone", wallet=None, amount=None), event(5, contract_id=None)]
    await write(store, 1, 7, *told)
    assert await all_of(store) == list(reversed(told))
    assert await store.event(3, 1) == told[1]
    assert await store.event(4, 0) is None


async def test_the_state_tells_how_far_it_goes(database: Database) -> None:
    store = EventStore(database, 10)
    assert await store.state() is None
    await store.begin(5, "0xa5", "factory", None)
    state = await store.state()
    assert state is not None
    assert (state.from_block, state.scanned_to, state.contribution_factory) == (5, 4, "factory")
    await write(store, 5, 20)
    for block in range(21, 41):
        await write(store, block, block)
    state = await store.state()
    assert state is not None
    assert (state.scanned_to, state.reward_rate_pool) == (40, None)
    assert dict(state.hashes) == {number: f"0xa{number}" for number in (5, *range(30, 41))}


async def test_a_branch_replaces_another_in_one_transaction(store: EventStore, database: Database) -> None:
    kept = [event(3), event(4)]
    await store.write(1, 4, hashes={4: "0xa4"}, told=kept, seeded=[seed(1, 3)])
    await store.write(5, 9, hashes={9: "0xa9"}, told=[event(5), event(8)], seeded=[seed(2, 8)])
    new = [event(6, branch="b")]
    async with database.reading() as before:
        assert len((await before.execute(select(events))).fetchall()) == 4
        await write(store, 5, 7, *new, branch="b")
        assert len((await before.execute(select(events))).fetchall()) == 4, "a reader sees one moment"
    assert await all_of(store) == [*new, kept[1], kept[0]]
    state = await store.state()
    assert state is not None
    assert (state.scanned_to, dict(state.hashes)) == (7, {1: "0xa1", 4: "0xa4", 7: "0xb7"})
    assert [registration.contract_id for registration in await store.seeded()] == [1]


async def test_nothing_is_written_that_leaves_a_gap_or_does_not_fit(store: EventStore, database: Database) -> None:
    await write(store, 1, 4, event(3))
    for first in (6, 0):
        with pytest.raises(ScanGapError):
            await write(store, first, 9, event(first + 1))
    assert len(await all_of(store)) == 1
    await EventStore(database, 10).begin(7, "0xa7", None, None)
    assert await all_of(store) == []
    with pytest.raises(ScanGapError):
        await write(store, 5, 9)


async def test_facts_are_read_back_in_the_order_of_the_chain(store: EventStore) -> None:
    rewards, claimed = StakingEventKind.REWARDS_BALANCE_UPDATED, StakingEventKind.REWARDS_CLAIMED
    told = [event(block, index, kind=rewards, wallet=f"w{block % 7:04}") for block in range(2, 800) for index in (0, 1)]
    told[5] = event(4, 1, kind=claimed, wallet="early")
    told.append(event(900, kind=claimed, wallet="early"))
    told.append(event(901, kind=StakingEventKind.PAUSED, wallet="other"))
    await write(store, 1, 1_000, *told)
    back = [one async for chunk in store.told(rewards) for one in chunk]
    assert back == [one for one in told if one.kind is rewards]
    wallets = [named async for chunk in store.wallets((rewards, claimed)) for named in chunk]
    assert dict(wallets) == {"early": 4, **{f"w{block % 7:04}": block for block in range(8, 1, -1)}}


FILTERS = st.builds(
    EventFilter,
    kinds=st.none() | st.frozensets(st.sampled_from(KINDS[:6]), max_size=4),
    contract_id=st.none() | st.integers(0, 4),
    pubkey=st.none() | st.sampled_from(["key 0", "key 1"]),
    wallet=st.none() | st.sampled_from(["wallet 0", "wallet 9"]),
    contribution_contract=st.none() | st.sampled_from(["contract 0", "contract 1"]),
    from_block=st.none() | st.integers(0, 70) | st.just(2**70),
    to_block=st.none() | st.integers(0, 70) | st.just(2**70),
)
TOLD = [event(block, index) for block in range(2, 62) for index in range(block % 3)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    wanted=FILTERS,
    after=st.none() | st.sampled_from(TOLD),
    before=st.none() | st.sampled_from(TOLD),
    size=st.integers(0, 7),
    forwards=st.booleans(),
)
async def test_a_window_holds_what_the_list_holds_there(
    filled: EventStore, wanted: EventFilter, after: Any, before: Any, size: int, forwards: bool
) -> None:
    window = Window(
        after=None if after is None else place(after),
        before=None if before is None else place(before),
        first=size if forwards else None,
        last=None if forwards else size,
    )
    found = await filled.events(wanted, window)
    matching = [one for one in reversed(TOLD) if matches(one, wanted)]
    within = [
        one
        for one in matching
        if (after is None or one.position < after.position) and (before is None or one.position > before.position)
    ]
    cut = within[:size] if forwards else within[max(len(within) - size, 0) :]
    assert list(found.items) == cut
    if cut:
        assert found.more_before == (matching[0] != cut[0])
        assert found.more_after == (matching[-1] != cut[-1])


async def test_large_pages_are_decoded_in_a_thread(filled: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def decoded(row: Any) -> Any:
        threads.append(threading.current_thread() is threading.main_thread())
        return _event(row)

    monkeypatch.setattr(module, "_event", decoded)
    monkeypatch.setattr(module, "DECODED_AT_ONCE", 5)
    assert len((await filled.events(EventFilter(), Window(first=5))).items) == 5
    assert len((await filled.events(EventFilter(), Window(first=6))).items) == 6
    assert threads == [True] * 5 + [False] * 6


@pytest.fixture
async def filled(store: EventStore) -> EventStore:
    """The history of `TOLD`."""
    await write(store, 1, 100, *TOLD)
    return store


SINGLE = {
    "none": EventFilter(),
    "kind": EventFilter(kinds=frozenset({StakingEventKind.PAUSED})),
    "kinds": EventFilter(kinds=frozenset({StakingEventKind.PAUSED, StakingEventKind.REWARDS_CLAIMED})),
    "all kinds": EventFilter(kinds=frozenset(StakingEventKind)),
    "contract_id": EventFilter(contract_id=3),
    "pubkey": EventFilter(pubkey="key 3"),
    "wallet": EventFilter(wallet="wallet 2"),
    "contribution_contract": EventFilter(contribution_contract="contract 3"),
    "from_block": EventFilter(from_block=50),
    "to_block": EventFilter(to_block=19_000),
}
"""One part of a filter at a time; of several, one is looked up and the others are looked at row by row."""

PAGE = 50
MANY = 20_000


async def fill(connection: AsyncConnection) -> None:
    """Many rows, as they would be after years."""
    row = {column.name: None for column in events.c} | {
        "block_hash": "0x",
        "timestamp": 5,
        "transaction_hash": "0x",
        "contract": "0x",
        "arguments": "[]",
    }
    for start in range(0, MANY, 2_000):
        made = [
            row
            | {
                "block_number": number,
                "log_index": 0,
                "kind": ("rewards_claimed", "paused")[number % 200 == 0],
                "wallet": f"wallet {number % 3}",
                "pubkey": f"key {number % 4}",
                "contract_id": number % 4,
                "contribution_contract": f"contract {number % 4}",
            }
            for number in range(start, start + 2_000)
        ]
        await connection.execute(insert(events), made)


async def rows_looked_at(connection: AsyncConnection, wanted: EventFilter, window: Window) -> tuple[int, str]:
    """How many rows the database touches for a window, and its plan."""
    query = between(selections(wanted), ORDER, window, extent(wanted), forwards=True).limit(PAGE + 1)
    compiled = str(query.compile(connection.engine, compile_kwargs={"literal_binds": True}))
    lines = (await connection.execute(text(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {compiled}"))).scalars().all()
    plan = "\n".join(str(line) for line in lines)
    removed = sum(int(count) for count in re.findall(r"Rows Removed by Filter: (\d+)", plan))
    return removed + int(re.findall(r"rows=(\d+)", plan)[0]), plan


async def test_page_1000_costs_what_page_1_costs(database: Database) -> None:
    async with database.writing() as connection:
        await fill(connection)
        await connection.execute(text("ANALYZE"))
        sqlite = connection.dialect.name == "sqlite"
    deep = (False, -(event(MANY // 4).position), "")
    async with database.reading() as connection:
        for name, wanted in SINGLE.items():
            for after in (None, deep):
                window = Window(after=after, first=PAGE)
                if sqlite:
                    plan = await sqlite_plan(connection, wanted, window)
                    assert "SCAN" not in plan.replace("SCAN events USING INDEX", ""), (name, plan)
                    assert "TEMP B-TREE" not in plan, (name, plan)
                    assert after is None or "(block_number,log_index)<" in plan, (name, plan)
                else:
                    looked_at, plan = await rows_looked_at(connection, wanted, window)
                    assert "Sort Method" not in plan, (name, plan)
                    assert looked_at <= 4 * (PAGE + 1) * max(1, len(wanted.kinds or ())), (name, plan)


async def sqlite_plan(connection: AsyncConnection, wanted: EventFilter, window: Window) -> str:
    query = between(selections(wanted), ORDER, window, extent(wanted), forwards=True).limit(PAGE + 1)
    compiled = str(query.compile(connection.engine, compile_kwargs={"literal_binds": True}))
    return "\n".join(str(row[3]) for row in await connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}")))


async def test_no_kind_matches_nothing(filled: EventStore) -> None:
    found = await filled.events(EventFilter(kinds=frozenset()), Window(first=5))
    assert found == Slice(items=(), more_before=False, more_after=False)
