"""The steps make the tables that the code speaks of, all or none, once; older and newer databases are told."""

import asyncio
import sys
from asyncio.subprocess import PIPE

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

from sent_graphql.settings import DatabaseSettings
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.database.tables import metadata
from sent_graphql.sources.errors import SourceMisconfiguredError

IDENTITY = Identity(chain_id=31337, service_node_rewards="0x5FbDB2315678afecb367f032d93F642f64180aa3")
PROCESSES = 3

OPENING = """
import asyncio, sys
from sqlalchemy import make_url
from sent_graphql.settings import DatabaseSettings
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.identity import Identity

async def main():
    database = Database(make_url(sys.argv[1]), DatabaseSettings(), Identity(1, "0x1"))
    print("ready", flush=True)
    sys.stdin.readline()
    running = asyncio.create_task(database.run())
    await database.opened()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.close()

asyncio.run(main())
"""


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


def constraints(connection: Connection) -> set[str | None]:
    found = inspect(connection)
    return {check["name"] for table in found.get_table_names() for check in found.get_check_constraints(table)}


async def execute(url: URL, *statements: str) -> None:
    """Done from outside, as by somebody else's program."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def test_the_steps_make_the_tables_that_the_code_speaks_of(database: Database) -> None:
    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []
        assert {"ck_network_one_row", "ck_scan_one_row"} <= await connection.run_sync(constraints)


async def test_processes_that_start_together_make_them_once(database_url: URL) -> None:
    url = database_url.render_as_string(hide_password=False)
    command = (sys.executable, "-W", "error", "-c", OPENING, url)
    processes = [
        await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE) for _ in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"

    ends = await asyncio.gather(*(process.communicate(b"\n") for process in processes))

    assert [process.returncode for process in processes] == [0] * PROCESSES, ends
    assert sum(out.count(b"brought up to date") for out, _ in ends) == 1


async def test_a_step_that_fails_leaves_nothing(database_url: URL) -> None:
    await execute(database_url, "CREATE TABLE lives (somebody_elses INTEGER)")
    database = Database(database_url, DatabaseSettings(), IDENTITY)

    with pytest.raises(DatabaseUnavailableError):
        await database.open()

    await database.close()
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(lambda inner: inspect(inner).get_table_names()) == ["lives"]
    await engine.dispose()


async def test_without_leave_to_migrate_a_database_that_is_behind_is_refused_with_the_command(
    database_url: URL,
) -> None:
    database = Database(database_url, DatabaseSettings(migrate=False), IDENTITY)

    with pytest.raises(SourceMisconfiguredError, match="run `sent-graphql db upgrade`"):
        await database.open()

    assert (await database.inspect()).step is None
    await database.close()


async def test_without_leave_to_migrate_a_database_that_is_up_to_date_is_opened(
    database: Database, database_url: URL
) -> None:
    again = Database(database_url, DatabaseSettings(migrate=False), (await database.inspect()).identity or IDENTITY)

    await again.open()

    await again.close()


async def test_a_newer_database_is_refused_and_left_alone(database: Database, database_url: URL) -> None:
    await execute(database_url, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(SourceMisconfiguredError, match=r"newer version.* at step 9999, .* up to 0001"):
        await database.open()

    await execute(database_url, "UPDATE alembic_version SET version_num = '0001'")
    await database.open()
