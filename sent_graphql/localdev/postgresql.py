"""PostgreSQL to test against: the server that listens on this machine, or one started from the installed binaries."""

import asyncio
import getpass
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

import asyncpg

from sent_graphql.localdev.anvil import free_port
from sent_graphql.localdev.server_process import ServerProcess

STANDARD_SERVER: Final = "127.0.0.1:5432"
SUPERUSER: Final = "postgres"
CONNECT_SECONDS: Final = 5.0
START_PAUSE: Final = 0.05
"""Seconds between two tries while a server starts."""
DEBIAN_BINARIES: Final = Path("/usr/lib/postgresql")
"""Where Debian and its kin keep each version's binaries, off the PATH."""


class PostgresqlMissingError(Exception):
    """There is no PostgreSQL to use here; the message says what was tried."""


async def listening_server() -> str | None:
    """URL of the server on the standard port, where it lets us make databases without a password."""
    for user in dict.fromkeys((SUPERUSER, getpass.getuser())):
        url = f"postgresql://{user}@{STANDARD_SERVER}"
        with suppress(OSError, asyncpg.PostgresError):
            async with _connected(url) as connection:
                if await connection.fetchval("SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user"):
                    return url
    return None


@contextmanager
def own_server(timeout: float = 60.0) -> Iterator[str]:
    """URL of a new server that ends with the block. Raises PostgresqlMissingError, ProcessStartError."""
    binaries, user = _binaries(), _unprivileged_user()
    with tempfile.TemporaryDirectory(prefix="sent-graphql-postgresql-") as name:
        if user is not None:
            os.chown(name, user.pw_uid, user.pw_gid)
        account = None if user is None else user.pw_name
        subprocess.run(  # noqa: S603 - our own words
            [binaries / "initdb", "--auth=trust", "--no-sync", "-E", "UTF8", "-U", SUPERUSER, "-D", name],
            check=True,
            stdout=subprocess.DEVNULL,
            user=account,
            cwd="/",
        )
        port = free_port()
        command: list[str | Path] = [binaries / "postgres", "-D", name, "-h", "127.0.0.1", "-p", str(port), "-k", ""]
        command += ["-F", "-c", "log_min_messages=fatal"]
        url = f"postgresql://{SUPERUSER}@127.0.0.1:{port}"
        with ServerProcess.start(command, timeout=timeout, url=url, user=account):
            yield url


@asynccontextmanager
async def scratch_database(server: str) -> AsyncIterator[str]:
    """URL of a new, empty database of `server`, dropped at the end."""
    name = f"sent_graphql_test_{secrets.token_hex(8)}"
    async with _connected(server) as connection:
        await connection.execute(f"CREATE DATABASE {name}")
    try:
        yield f"{server}/{name}"
    finally:
        async with _connected(server) as connection:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def emptied(url: str) -> None:
    """Drops all tables of the database at `url`."""
    connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()


@asynccontextmanager
async def _connected(server: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the server's own database."""
    connection = await _connect(f"{server}/postgres")
    try:
        yield connection
    finally:
        await connection.close()


async def _connect(url: str) -> asyncpg.Connection:
    """A server listens a moment before it lets anybody in."""
    async with asyncio.timeout(CONNECT_SECONDS):
        while True:
            with suppress(asyncpg.CannotConnectNowError):
                return await asyncpg.connect(url, timeout=CONNECT_SECONDS)
            await asyncio.sleep(START_PAUSE)


def _binaries() -> Path:
    debian = sorted(DEBIAN_BINARIES.glob("*/bin"), key=lambda path: path.parent.name.zfill(4), reverse=True)
    on_path = shutil.which("initdb")
    for directory in (*debian, *([Path(on_path).parent] if on_path else [])):
        if (directory / "initdb").is_file() and (directory / "postgres").is_file():
            return directory
    raise PostgresqlMissingError(
        f"no PostgreSQL lets us in at {STANDARD_SERVER} without a password, and neither {DEBIAN_BINARIES} nor the PATH "
        "has initdb and postgres to start one"
    )


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Whom to run it as: ourselves, unless we are root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    for name in (SUPERUSER, "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresqlMissingError("PostgreSQL does not run as root, and there is no account to run it as")
