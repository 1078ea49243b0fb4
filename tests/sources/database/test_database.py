"""What transactions promise on both databases: all or nothing, one moment, one writer at a time."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import URL, func, insert, select
from sqlalchemy.ext.asyncio import create_async_engine

from sent_graphql.settings import DatabaseSettings
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.database.tables import blocks
from sent_graphql.tasks import end

IDENTITY = Identity(chain_id=1, service_node_rewards="0x1")


async def test_before_it_is_open_nothing_is_read_or_written(database_url: URL, numbers: Any) -> None:
    database = Database(database_url, DatabaseSettings(), IDENTITY)

    with pytest.raises(DatabaseUnavailableError, match="not open"):
        await numbers.write(database, 1)

    with pytest.raises(DatabaseUnavailableError, match="not open"):
        await numbers.read(database)


async def test_what_is_written_is_there_for_others(database: Database, database_url: URL, numbers: Any) -> None:
    await numbers.write(database, 1)

    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        assert list(await connection.scalars(select(blocks.c.number))) == [1]
    await engine.dispose()


async def test_an_error_within_undoes_all_and_stays_itself(database: Database, numbers: Any) -> None:
    async def failing() -> None:
        async with database.writing() as connection:
            await connection.execute(insert(blocks).values(number=1, hash="x"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()

    assert await numbers.read(database) == []
    assert database.health.healthy


async def test_one_that_is_cancelled_leaves_nothing_and_the_database_usable(database: Database, numbers: Any) -> None:
    within = asyncio.Event()

    async def writing() -> None:
        async with database.writing() as connection:
            await connection.execute(insert(blocks).values(number=1, hash="x"))
            within.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(writing())
    await within.wait()
    await end([task])

    await numbers.write(database, 2)
    assert await numbers.read(database) == [2]


async def test_a_reader_sees_one_moment(database: Database, numbers: Any) -> None:
    await numbers.write(database, 1)
    count = select(func.count()).select_from(blocks)
    async with database.reading() as connection:
        before = await connection.scalar(count)

        await numbers.write(database, 2)

        assert await connection.scalar(count) == before == 1
    assert await numbers.read(database) == [1, 2]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_on_postgresql_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseUnavailableError, match="read-only"):
        async with database.reading() as connection:
            await connection.execute(insert(blocks).values(number=1, hash="x"))


async def test_writers_of_several_processes_never_undo_each_other(
    database: Database, database_url: URL, numbers: Any
) -> None:
    other = Database(database_url, DatabaseSettings(), (await database.inspect()).identity or IDENTITY)
    await other.open()

    async def add_one(through: Database) -> None:
        async with through.writing() as connection:
            highest = await connection.scalar(select(func.max(blocks.c.number))) or 0
            await connection.execute(insert(blocks).values(number=highest + 1, hash="x"))

    await asyncio.gather(*(add_one(through) for _ in range(20) for through in (database, other)))
    await other.close()

    assert await numbers.read(database) == list(range(1, 41))


async def test_waiting_writers_leave_the_connections_to_readers(database_url: URL, opened: Any, numbers: Any) -> None:
    async with opened(database_url, connections=2) as database, database.writing():
        waiting = [asyncio.create_task(numbers.write(database, number)) for number in range(5)]
        await asyncio.sleep(0)

        assert await numbers.read(database) == []

        await end(waiting)


async def test_no_more_connections_are_made_than_allowed(database_url: URL, opened: Any) -> None:
    async with opened(database_url, connections=2) as database:
        inside, most = 0, 0

        async def read() -> None:
            nonlocal inside, most
            async with database.reading() as connection:
                inside, most = inside + 1, max(most, inside + 1)
                await connection.execute(select(1))
                inside -= 1

        await asyncio.gather(*(read() for _ in range(20)))

    assert most <= 2
