"""SQLAlchemy engines that behave alike on both databases: readers see one moment, and there is one writer at a time.

A writer holds the whole database for itself from its first moment, so that no two of them deadlock or undo each
other: on SQLite by BEGIN IMMEDIATE, on PostgreSQL by an advisory lock. Both bind all processes on the database.
"""

import math
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import URL, Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from sent_graphql.settings import DatabaseSettings
from sent_graphql.sources.database.faults import FileGoneError

MIGRATION_SECONDS: Final = 3_600.0
"""Longest time that a migration may take."""

LOCK_SHARE: Final = 0.75
"""Part of a transaction's time that SQLite may wait for another process's lock: the error can still name it."""

ADVISORY_LOCK: Final = 0x53454E54
"""PostgreSQL's number for the right to write."""

OPERATIONS_BETWEEN_LOOKS: Final = 20_000
"""Steps of SQLite's machine after which it looks whether its time is over: some milliseconds."""

_WRITES: Final = "sent_graphql_writes"
_SECONDS: Final = "sent_graphql_seconds"
_DEADLINE: Final = "sent_graphql_deadline"
_FILE: Final = "sent_graphql_file"


class Engines(NamedTuple):
    """One pool of connections, in the three ways to use it."""

    reading: AsyncEngine
    writing: AsyncEngine
    migrating: AsyncEngine


def make_engines(url: URL, settings: DatabaseSettings) -> Engines:
    """Engines that connect when they are first used."""
    engine = _sqlite(url, settings) if is_sqlite(url) else _postgresql(url, settings)
    seconds = {_SECONDS: settings.timeout}
    reading = seconds if is_sqlite(url) else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return Engines(
        reading=engine.execution_options(**reading),
        writing=engine.execution_options(**{_WRITES: True, **seconds}),
        migrating=engine.execution_options(**{_WRITES: True, _SECONDS: MIGRATION_SECONDS}),
    )


def is_sqlite(url: URL) -> bool:
    """Whether `url` names a file."""
    return url.get_backend_name() == "sqlite"


class _Deadline:
    """Ends a statement of SQLite that takes too long: cancelling the task that waits for it would not."""

    def __init__(self) -> None:
        self.at = math.inf

    def passed(self) -> bool:
        return time.monotonic() > self.at


def _sqlite(url: URL, settings: DatabaseSettings) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=settings.connections,
        max_overflow=0,
        hide_parameters=True,
        # No isolation level: transactions begin where we say, not where the driver guesses.
        connect_args={"isolation_level": None, "timeout": settings.timeout * LOCK_SHARE},
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:  # noqa: ANN401 - the driver's, which has no types
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.execute("PRAGMA database_list")
    path = cursor.fetchone()[2]
    cursor.close()
    record.info[_FILE] = (path, _inode(path))
    deadline = record.info[_DEADLINE] = _Deadline()
    connection.run_async(lambda driver: driver.set_progress_handler(deadline.passed, OPERATIONS_BETWEEN_LOOKS))


def _begin_sqlite(connection: Connection) -> None:
    path, opened = connection.info[_FILE]
    # SQLite would write on to a file that has no name any more, and all of it would be lost with the process.
    if _inode(path) != opened:
        raise FileGoneError
    options = connection.get_execution_options()
    connection.info[_DEADLINE].at = time.monotonic() + options.get(_SECONDS, math.inf)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(_WRITES) else "BEGIN")


def _inode(path: str) -> tuple[int, int] | None:
    """What tells a file from another one of its name; None where there is no file."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _postgresql(url: URL, settings: DatabaseSettings) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=settings.connections,
        max_overflow=0,
        hide_parameters=True,
        # A server that was restarted is noticed before a request is spent on it.
        pool_pre_ping=True,
        connect_args={"timeout": settings.timeout, "server_settings": {"application_name": "sent-graphql"}},
    )
    event.listen(engine.sync_engine, "begin", _begin_postgresql)
    return engine


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITES):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
