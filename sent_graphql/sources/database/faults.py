"""What the drivers raise, in a few words for users: never a URL, a host or a statement."""

import sqlite3
from collections.abc import Mapping
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError


class FileGoneError(OSError):
    """The file of an SQLite database was deleted, moved or replaced while it was open."""


DRIVER_ERRORS: Final = (
    DBAPIError,
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""What a transaction can end with that is no fault of the code around it; OSError has the time-outs in it."""

_SQLITE: Final[Mapping[str, str]] = {
    "SQLITE_BUSY": "the database is locked by another process",
    "SQLITE_LOCKED": "the database is locked",
    "SQLITE_FULL": "the disk of the database is full",
    "SQLITE_READONLY": "the database is read-only",
    "SQLITE_CANTOPEN": "the file of the database cannot be opened",
    "SQLITE_PERM": "the file of the database cannot be opened",
    "SQLITE_IOERR": "the disk of the database fails",
    "SQLITE_CORRUPT": "the file of the database is damaged",
    "SQLITE_NOTADB": "the file of the database is none",
    "SQLITE_INTERRUPT": "the database took too long",
}
"""By SQLite's primary error codes."""

_POSTGRESQL: Final[Mapping[str, str]] = {
    "08": "the connection to the database was lost",
    "25006": "the database is read-only",
    "28": "the database refuses this user or password",
    "3D": "there is no database of that name",
    "40": "the database could not keep transactions apart",
    "42501": "the user may not do this in the database",
    "53100": "the disk of the database is full",
    "53200": "the database is out of memory",
    "53300": "the database has too many connections",
    "55P03": "the database is locked",
    "57014": "the database took too long",
    "57P": "the database is starting or stopping",
    "58": "the disk of the database fails",
}
"""By SQLSTATE, or the beginning of it."""

UNEXPECTED: Final = "the database failed, see the log"


def in_words(error: BaseException, seconds: float) -> str:
    """What `error`, one of DRIVER_ERRORS, means; UNEXPECTED where that is not known. `seconds`: the time allowed."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    name: str | None = getattr(cause, "sqlite_errorname", None)
    state: str | None = getattr(cause, "sqlstate", None)
    if name is not None:
        return _SQLITE.get("_".join(name.split("_")[:2]), UNEXPECTED)
    if state is not None:
        return next((words for start, words in _POSTGRESQL.items() if state.startswith(start)), UNEXPECTED)
    if isinstance(cause, FileGoneError):
        return "the file of the database was deleted, moved or replaced"
    if isinstance(cause, TimeoutError):
        return f"no answer of the database within {seconds:g} s"
    if isinstance(cause, OSError) or getattr(error, "connection_invalidated", False):
        return "the database cannot be reached"
    return UNEXPECTED
