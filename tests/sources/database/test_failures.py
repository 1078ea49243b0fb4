"""How transactions fail on both databases, and that a failure lasts no longer than its cause."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, insert, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from sent_graphql.settings import DatabaseSettings
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.engines import ADVISORY_LOCK
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.database.tables import blocks
from sent_graphql.tasks import end

PATIENCE = 30
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@asynccontextmanager
async def held_for_writing(url: URL) -> AsyncIterator[None]:
    """Somebody else's program writes, and does not come to an end."""
    engine = create_async_engine(url, connect_args={"isolation_level": None} if "sqlite" in url.drivername else {})
    async with engine.connect() as connection:
        lock = "BEGIN IMMEDIATE" if "sqlite" in url.drivername else f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"
        await connection.execute(text(lock))
        yield
        await connection.rollback()
    await engine.dispose()


async def test_a_lock_that_is_not_given_up_is_told_and_outlived(database_url: URL, opened: Any, numbers: Any) -> None:
    async with opened(database_url, timeout=0.5) as database:
        await numbers.write(database, 1)
        async with held_for_writing(database_url):
            with pytest.raises(DatabaseUnavailableError, match=r"locked by another process|within 0.5 s"):
                await numbers.write(database, 2)

            assert await numbers.read(database) == [1]

        await numbers.write(database, 3)
        assert await numbers.read(database) == [1, 3]


async def test_a_statement_that_takes_too_long_is_ended_and_its_connection_used_again(
    database_url: URL, opened: Any, numbers: Any
) -> None:
    async with opened(database_url, timeout=0.5, connections=1) as database:
        for _ in range(2):
            with pytest.raises(DatabaseUnavailableError, match=r"too long|within 0.5 s"):
                async with database.reading() as connection:
                    await connection.execute(text(ENDLESS))

            async with asyncio.timeout(PATIENCE):
                assert await numbers.read(database) == []


async def test_a_faulty_statement_is_told_without_its_words(database: Database, numbers: Any, logged: Any) -> None:
    with pytest.raises(DatabaseUnavailableError) as failure:
        async with database.reading() as connection:
            await connection.execute(text("SELECT secret FROM nowhere"))

    assert any(line.get("exc_info") for line in logged)
    assert "secret" not in str(failure.value)
    assert "nowhere" not in (database.health.last_error or "")
    assert await numbers.read(database) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_lost_connections_are_told_and_made_anew(
    database_url: URL, opened: Any, numbers: Any, administer: Any
) -> None:
    async def cut_off(database: Database) -> None:
        async with database.writing() as connection:
            await connection.execute(insert(blocks).values(number=1, hash="x"))
            await cut(administer, database_url)
            await connection.execute(select(1))

    async with opened(database_url, timeout=5) as database:
        with pytest.raises(DatabaseUnavailableError, match=r"was lost|stopping|cannot be reached"):
            await cut_off(database)

        await numbers.write(database, 2)
        await cut(administer, database_url)
        await numbers.write(database, 3)
        assert await numbers.read(database) == [2, 3]


async def cut(administer: Any, url: URL) -> None:
    """Ends every connection to the database."""
    await administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.database}'")


async def test_a_database_that_is_away_at_the_start_is_used_once_it_is_there(
    database_url: URL, tmp_path: Path, opened: Any, numbers: Any
) -> None:
    async with hidden(database_url, tmp_path) as (url, show):
        changes: list[bool] = []
        changed = asyncio.Event()

        def note() -> None:
            changes.append(database.health.healthy)
            changed.set()

        identity = Identity(chain_id=1, service_node_rewards="0x1")
        database = Database(url, DatabaseSettings(timeout=5, retry_max=0.3), identity, on_change=note)
        running = asyncio.create_task(database.run())
        async with asyncio.timeout(PATIENCE):
            await changed.wait()
            with pytest.raises(DatabaseUnavailableError, match=r"cannot be reached|cannot be made"):
                await numbers.write(database, 1)
            assert database.health.last_success_at is None

            await show()
            await database.opened()

        await numbers.write(database, 1)
        assert await numbers.read(database) == [1]
        assert changes == [False, True]
        await end([running])
        await database.close()


async def test_its_health_tells_of_the_last_transaction(database_url: URL, opened: Any, numbers: Any) -> None:
    async with opened(database_url, timeout=0.3) as database:
        before = database.health
        assert before.healthy
        assert before.last_success_at is not None

        async with held_for_writing(database_url):
            with pytest.raises(DatabaseUnavailableError) as failure:
                await numbers.write(database, 1)

        assert not database.health.healthy
        assert database.health.last_error == str(failure.value)
        assert database.health.last_success_at == before.last_success_at

        assert await numbers.read(database) == []
        assert not database.health.healthy, "reading says nothing about writing"

        await numbers.write(database, 1)
        assert database.health.healthy
        assert database.health.last_error is None


@asynccontextmanager
async def hidden(url: URL, directory: Path) -> AsyncIterator[tuple[URL, Callable[[], Awaitable[None]]]]:
    """The database at `url` under another URL, which leads to it only once it is shown."""
    if "sqlite" in url.drivername:
        obstacle = directory / "obstacle"
        obstacle.touch()

        async def give_way() -> None:
            obstacle.unlink()

        yield url.set(database=str(obstacle / "test.db")), give_way
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert url.host is not None
    target = url.host, url.port or 5432
    async with AsyncExitStack() as ends:

        async def open_door() -> None:
            door = await asyncio.start_server(lambda *near: through(near, target), "127.0.0.1", port)
            ends.callback(door.close)

        yield url.set(host="127.0.0.1", port=port), open_door


async def through(near: tuple[asyncio.StreamReader, asyncio.StreamWriter], target: tuple[str, int]) -> None:
    """Passes one connection on to `target`."""
    reader, writer = near
    far_reader, far_writer = await asyncio.open_connection(*target)
    await asyncio.gather(pumped(reader, far_writer), pumped(far_reader, writer), return_exceptions=True)


async def pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()
