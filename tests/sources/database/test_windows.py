"""Windows are the same that paging over the whole list in memory gives, and the database finds them by index."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, Select, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from sent_graphql.models.history import LOG_INDEX_BITS
from sent_graphql.models.pages import Position, Window
from sent_graphql.resolvers.context import ResolverOptions
from sent_graphql.resolvers.paging import Ordered, PageArguments, encode_cursor, paginate
from sent_graphql.settings import DatabaseSettings
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.database.tables import events
from sent_graphql.sources.database.windows import NewestFirst, between, fetch_window

ORDER = NewestFirst(
    (events.c.block_number, events.c.log_index),
    lambda number: (number >> LOG_INDEX_BITS, number & (1 << LOG_INDEX_BITS) - 1),
)
SCOPE = "events"
OPTIONS = ResolverOptions(nettype="mainnet", default_page_size=5, max_page_size=100)


def event(block_number: int, log_index: int, **fields: Any) -> dict[str, Any]:
    defaults = {"block_hash": "", "timestamp": 0, "transaction_hash": "", "kind": "", "contract": "", "arguments": "[]"}
    return {"block_number": block_number, "log_index": log_index, "wallet": None} | defaults | fields


async def store(database: Database, rows: list[dict[str, Any]]) -> None:
    async with database.writing() as connection:
        await connection.execute(insert(events), rows)


def numbered(block_number: int, log_index: int) -> int:
    return block_number << LOG_INDEX_BITS | log_index


PLACES = [(block, index) for block in range(4) for index in (0, 1, 2**31 + 5)]
STRANGE = [(True, 0, "x"), (False, -(2**250), "x"), (False, 2**250, "x"), (False, 0, "x"), (False, -7, "x")]
positions = st.none() | st.sampled_from([*((False, -numbered(*place), "x") for place in PLACES), *STRANGE])
"""The id has no part in the order of the rows, so a cursor's may be any."""


@given(after=positions, before=positions, size=st.integers(0, 13), forwards=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_window_is_the_page_of_the_whole_list(
    windows: "Windows", after: Position | None, before: Position | None, size: int, *, forwards: bool
) -> None:
    window = Window(after=after, before=before, **{"first" if forwards else "last": size})

    found = windows.fetch(window)

    assert found == windows.expected(window)


class Windows:
    """One database with a few events, asked from outside of the event loop that it lives in."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        self.runner = runner
        self.database = database

    def fetch(self, window: Window) -> tuple[list[tuple[int, int]], bool, bool]:
        return self.runner.run(self._fetch(window))

    async def _fetch(self, window: Window) -> tuple[list[tuple[int, int]], bool, bool]:
        async with self.database.reading() as connection:
            found = await fetch_window(connection, [select(events).where(events.c.kind == "a")], ORDER, window)
        return [(row.block_number, row.log_index) for row in found.items], found.more_before, found.more_after

    def expected(self, window: Window) -> tuple[list[tuple[int, int]], bool, bool]:
        """What paging in memory makes of it."""
        places = sorted(PLACES, reverse=True)
        whole = Ordered(SCOPE, tuple(places), lambda place: (False, -numbered(*place), "x"))
        cursors = {
            name: encode_cursor(SCOPE, position)
            for name, position in (("after", window.after), ("before", window.before))
            if position is not None
        }
        arguments = PageArguments(first=window.first, last=window.last, **cursors)
        page = paginate(whole, arguments, OPTIONS)
        return list(page.nodes), page.page_info.has_previous_page, page.page_info.has_next_page


@pytest.fixture
def windows(database_url: URL) -> Iterator[Windows]:
    with asyncio.Runner() as runner:
        database = runner.run(_filled(Database(database_url, DatabaseSettings(), Identity(1, ""))))
        yield Windows(runner, database)
        runner.run(database.close())


async def _filled(database: Database) -> Database:
    await database.open()
    rows = [event(*place, kind="a") for place in PLACES]
    await store(database, [*rows, *(event(block, 7, kind="b") for block in range(-1, 6))])
    return database


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({}, {"sqlite": "sqlite_autoindex_events_1", "postgresql": "pk_events"}),
        ({"wallet": "0x1"}, {"sqlite": "ix_events_wallet_block_number_log_index"}),
        ({"contract_id": 7}, {"sqlite": "ix_events_contract_id_block_number_log_index"}),
    ],
)
@pytest.mark.parametrize("forwards", [True, False])
async def test_the_database_goes_to_a_window_by_its_index_and_sorts_nothing(
    database: Database, filters: dict[str, Any], index: dict[str, str], *, forwards: bool
) -> None:
    rows = [event(n, 0, wallet=f"0x{n % 100}", contract_id=n % 50) for n in range(3_000)]
    await store(database, rows)
    window = Window(after=(False, -numbered(1_500, 0), ""), first=10)
    wanted = select(events).filter_by(**filters)

    async with database.writing() as connection:
        await connection.execute(text("ANALYZE"))
        if connection.dialect.name == "postgresql":  # which would rather sort so few rows
            await connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        plan = await explained(connection, between([wanted], ORDER, window, forwards=forwards))

    kind = connection.dialect.name
    assert index.get(kind, index["sqlite"]) in plan
    assert "(block_number,log_index)<(?,?)" in plan or "ROW(block_number, log_index) < ROW(" in plan
    assert "sort" not in plan.lower()
    assert "b-tree" not in plan.lower()


async def explained(connection: AsyncConnection, query: Select[Any]) -> str:
    """How the database means to answer `query`."""
    words = query.limit(11).compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    how = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    return "\n".join(str(row) for row in await connection.exec_driver_sql(how + str(words)))
