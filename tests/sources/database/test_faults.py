"""Every way in which a driver fails has words of its own, and none of them repeats what may be secret."""

import sqlite3

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from sent_graphql.sources.database.faults import UNEXPECTED, in_words

SECONDS = 2.5


def sqlite_error(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("SECRET")
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (sqlite_error("SQLITE_BUSY"), "locked by another process"),
        (sqlite_error("SQLITE_BUSY_SNAPSHOT"), "locked by another process"),
        (sqlite_error("SQLITE_FULL"), "disk of the database is full"),
        (sqlite_error("SQLITE_READONLY_DBMOVED"), "read-only"),
        (sqlite_error("SQLITE_CANTOPEN"), "cannot be opened"),
        (sqlite_error("SQLITE_IOERR_FSYNC"), "disk of the database fails"),
        (sqlite_error("SQLITE_CORRUPT"), "damaged"),
        (sqlite_error("SQLITE_NOTADB"), "is none"),
        (sqlite_error("SQLITE_INTERRUPT"), "too long"),
        (asyncpg.DiskFullError("SECRET"), "disk of the database is full"),
        (asyncpg.ReadOnlySQLTransactionError("SECRET"), "read-only"),
        (asyncpg.InvalidPasswordError("SECRET"), "refuses this user or password"),
        (asyncpg.InvalidCatalogNameError("SECRET"), "no database of that name"),
        (asyncpg.InsufficientPrivilegeError("SECRET"), "may not do this"),
        (asyncpg.TooManyConnectionsError("SECRET"), "too many connections"),
        (asyncpg.CannotConnectNowError("SECRET"), "starting or stopping"),
        (asyncpg.AdminShutdownError("SECRET"), "starting or stopping"),
        (asyncpg.ConnectionDoesNotExistError("SECRET"), "connection to the database was lost"),
        (asyncpg.DeadlockDetectedError("SECRET"), "keep transactions apart"),
        (asyncpg.QueryCanceledError("SECRET"), "too long"),
        (TimeoutError("SECRET"), "within 2.5 s"),
        (ConnectionRefusedError("SECRET"), "cannot be reached"),
        (OSError("SECRET"), "cannot be reached"),
        (sqlite_error("SQLITE_MISUSE"), UNEXPECTED),
        (asyncpg.UndefinedTableError("SECRET"), UNEXPECTED),
        (asyncpg.InterfaceError("SECRET"), UNEXPECTED),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_the_words(error: Exception, words: str, *, wrapped: bool) -> None:
    if wrapped:
        error = DBAPIError("SELECT 1", {}, error)

    told = in_words(error, SECONDS)

    assert words in told
    assert "SECRET" not in told
