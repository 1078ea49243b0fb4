"""Databases with settings of a test's own, and a table of theirs to write numbers to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import URL, insert, select, text
from sqlalchemy.ext.asyncio import create_async_engine
from structlog.testing import capture_logs

from sent_graphql.settings import DatabaseSettings
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.database.tables import blocks
from sent_graphql.tasks import end

PATIENCE = 30
MOST_NUMBERS = 10_000

Opened = Callable[..., AbstractAsyncContextManager[Database]]


@pytest.fixture(autouse=True)
def logged() -> Iterator[Any]:
    """What is logged, for a test to see; to draw tracebacks in a terminal takes seconds."""
    with capture_logs() as lines:
        yield lines


class Numbers:
    """Block numbers, as something to write and to read."""

    async def write(self, database: Database, number: int, size: int = 1) -> None:
        async with database.writing() as connection:
            await connection.execute(insert(blocks).values(number=number, hash="x" * size))

    async def read(self, database: Database) -> list[int]:
        async with database.reading() as connection:
            return list(await connection.scalars(select(blocks.c.number).order_by(blocks.c.number)))

    async def write_until_it_fails(self, database: Database) -> tuple[int, str]:
        """Writes from 0 on: how many were answered, and the words of the failure."""
        for number in range(MOST_NUMBERS):
            try:
                await self.write(database, number, size=4_000)
            except DatabaseUnavailableError as error:
                return number, str(error)
        raise AssertionError("it never failed")


@pytest.fixture
def numbers() -> Numbers:
    return Numbers()


@pytest.fixture
def opened() -> Opened:
    """Opens a database with these settings for a block."""

    @asynccontextmanager
    async def open_(url: URL, **settings: Any) -> AsyncIterator[Database]:
        database = Database(url, DatabaseSettings(**settings), Identity(chain_id=1, service_node_rewards="0x1"))
        try:
            await database.open()
            yield database
        finally:
            await database.close()

    return open_


@pytest.fixture
def recovered() -> Callable[[Database], Any]:
    """Waits until a database that has failed, tried again in the background, is healthy."""

    async def recover(database: Database) -> None:
        changed = asyncio.Event()
        database._on_change = changed.set
        running = asyncio.create_task(database.run())
        async with asyncio.timeout(PATIENCE):
            while not database.health.healthy:
                changed.clear()
                await changed.wait()
        await end([running])

    return recover


@pytest.fixture
def administer(postgresql: URL) -> Callable[[str], Any]:
    """Has the server do something that is not this program's business."""

    async def do(statement: str) -> None:
        engine = create_async_engine(postgresql.set(database="postgres"), isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(statement))
        await engine.dispose()

    return do
