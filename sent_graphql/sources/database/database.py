"""The database of one network: transactions, how it fares, and how it comes back after it was away."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from sent_graphql.models.network import SourceName
from sent_graphql.models.snapshot import SourceStatus
from sent_graphql.settings import DatabaseSettings
from sent_graphql.sources.database.engines import MIGRATION_SECONDS, make_engines
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.sources.database.faults import DRIVER_ERRORS, UNEXPECTED, in_words
from sent_graphql.sources.database.identity import Identity, kept_identity, refuse_other, settle_identity
from sent_graphql.sources.database.location import sqlite_path
from sent_graphql.sources.database.migration import known_steps, refuse_old, step_of, upgrade
from sent_graphql.sources.errors import SourceMisconfiguredError
from sent_graphql.tallies import Tally

RETRY_INITIAL: Final = 0.25
"""Seconds of the first pause before a database that has failed is tried again; doubled each time."""


class Condition(Struct, frozen=True, kw_only=True):
    """What a database is like. `step`: the migration that it is at; nothing where it has no tables."""

    step: str | None
    newest: str
    identity: Identity | None

    @property
    def behind(self) -> bool:
        """Whether migrations are missing."""
        return self.step != self.newest


class Database:
    """Transactions on SQLite or PostgreSQL that end with a commit, a roll-back or DatabaseUnavailableError.

    Nothing is read or written before `open` has found the tables up to date and the data this network's. `run` sees
    to it in the background, as often as it takes, and again after every failure.
    """

    def __init__(
        self,
        url: URL,
        settings: DatabaseSettings,
        identity: Identity,
        *,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_change` is called when the database has failed or come back, which `health` then tells."""
        self.height: int | None = None
        """Block of the L2 up to which events are kept; set by who keeps them."""
        self.reads = Tally()
        self.writes = Tally()
        """Transactions, the wait for them included; those that were not done are failures."""
        self._url = url
        self._settings = settings
        self._identity = identity
        self._on_change = on_change
        self._engines = make_engines(url, settings)
        self._connections = asyncio.Semaphore(settings.connections)
        self._writer = asyncio.Lock()
        self._open = asyncio.Event()
        self._failure = asyncio.Event()
        self._healthy = False
        self._write_failed = False
        self._last_success_at: datetime | None = None
        self._last_error: str | None = None
        self._random = random.Random()  # noqa: S311 - jitter, not a secret
        self._log = structlog.get_logger().bind(source=SourceName.DATABASE.value)

    @property
    def health(self) -> SourceStatus:
        """Whether both reading and writing last went well, and when either last did."""
        return SourceStatus(
            name=SourceName.DATABASE,
            healthy=self._healthy,
            last_success_at=self._last_success_at,
            height=self.height,
            last_error=self._last_error,
        )

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction that sees the database as it is at its first statement.

        Raises DatabaseUnavailableError, also when it is not done within `database.timeout`. Never begin another
        transaction within it: it might wait for the connection that you hold.
        """
        return self._when_open(self._transaction(self._engines.reading, self._settings.timeout), writes=False)

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction that no other writer runs beside; once left without an error, it is committed and lasts.

        Raises as `reading` does: nothing is then written, unless the database fell silent in the very commit.
        """
        return self._when_open(self._writing(self._engines.writing, self._settings.timeout), writes=True)

    async def opened(self) -> None:
        """Returns when the database can be used for the first time."""
        await self._open.wait()

    async def open(self) -> None:
        """Brings the tables up to date (or refuses, with `database.migrate` off) and sees whose data it is.

        Raises SourceMisconfiguredError for tables or data that this program must not touch, DatabaseUnavailableError
        where the database does not answer.
        """
        path = sqlite_path(self._url)
        if path is not None:
            await self._make_directory(path.parent)
        await self._bring_up_to_date()
        async with self._writing(self._engines.writing, self._settings.timeout) as connection:
            await settle_identity(connection, self._identity)
        self._open.set()
        self._succeeded(writes=True)

    async def inspect(self) -> Condition:
        """Looks at what there is without changing it. Raises as `open` does, but not for data of another network."""
        steps = await known_steps()
        async with self._transaction(self._engines.reading, self._settings.timeout) as connection:
            step = await step_of(connection, steps)
            kept = None if step is None else await kept_identity(connection)
        return Condition(step=step, newest=steps.newest, identity=kept)

    async def run(self) -> None:
        """Opens the database, and tries it again with growing pauses whenever it has failed, until cancelled.

        Raises SourceMisconfiguredError when that is the outcome of the very first try.
        """
        pause = RETRY_INITIAL
        first = True
        while True:
            self._failure.clear()
            try:
                await self.open()
            except SourceMisconfiguredError as error:
                if first:
                    raise
                self._open.clear()
                self._failed(str(error))
            except DatabaseUnavailableError as error:
                self._log.warning("the database is tried again", error=str(error), pause=round(pause, 2))
            else:
                pause = RETRY_INITIAL
                await self._failure.wait()
            first = False
            await asyncio.sleep(pause * self._random.uniform(0.5, 1.0))
            pause = min(self._settings.retry_max, pause * 2)
            # A connection may outlive the reason why it was refused or read-only.
            await self.close()

    async def close(self) -> None:
        """Closes the connections that nobody uses; those in use are closed when they are given back."""
        for engine in self._engines:
            await engine.dispose()

    async def _make_directory(self, path: Path) -> None:
        try:
            await asyncio.to_thread(path.mkdir, parents=True, exist_ok=True)
        except OSError as error:
            self._failed("the directory of the database cannot be made")
            raise DatabaseUnavailableError("the directory of the database cannot be made") from error

    async def _bring_up_to_date(self) -> None:
        found = await self.inspect()
        refuse_other(found.identity, self._identity)
        if not found.behind:
            return
        if not self._settings.migrate:
            raise refuse_old(found.step, found.newest)
        async with self._writing(self._engines.migrating, MIGRATION_SECONDS) as connection:
            await upgrade(connection, await known_steps())

    @asynccontextmanager
    async def _when_open(
        self, transaction: AbstractAsyncContextManager[AsyncConnection], *, writes: bool
    ) -> AsyncIterator[AsyncConnection]:
        with (self.writes if writes else self.reads).measured():
            if not self._open.is_set():
                raise DatabaseUnavailableError(self._last_error or "the database is not open yet")
            async with transaction as connection:
                yield connection
        self._succeeded(writes=writes)

    @asynccontextmanager
    async def _writing(self, engine: AsyncEngine, seconds: float) -> AsyncIterator[AsyncConnection]:
        """In the order of asking: waiting writers must neither fight for the lock nor take the readers' connections."""
        try:
            async with asyncio.timeout(seconds):
                await self._writer.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailableError(f"the database was busy writing for {seconds:g} s") from error
        try:
            async with self._transaction(engine, seconds) as connection:
                yield connection
        except DatabaseUnavailableError:
            self._write_failed = True
            raise
        finally:
            self._writer.release()

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine, seconds: float) -> AsyncIterator[AsyncConnection]:
        try:
            async with asyncio.timeout(seconds), self._connections, engine.begin() as connection:
                yield connection
        except DRIVER_ERRORS as error:
            words = in_words(error, seconds)
            if words == UNEXPECTED:
                self._log.exception("a transaction failed unexpectedly")
            self._failed(words)
            raise DatabaseUnavailableError(words) from error

    def _succeeded(self, *, writes: bool) -> None:
        self._last_success_at = datetime.now(UTC)
        if self._write_failed and not writes:  # reading says nothing about a full disk
            return
        recovered = not self._healthy
        self._healthy = True
        self._write_failed = False
        self._last_error = None
        if recovered:
            self._log.info("the database answers")
            self._on_change()

    def _failed(self, words: str) -> None:
        changed = self._healthy or self._last_error != words
        self._healthy = False
        self._last_error = words
        self._failure.set()
        if changed:
            self._log.warning("the database failed", error=words)
            self._on_change()
