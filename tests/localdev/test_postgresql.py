"""A PostgreSQL of our own, for where none listens."""

import asyncpg
import pytest

from sent_graphql.localdev.postgresql import PostgresqlMissingError, emptied, own_server, scratch_database


async def test_a_server_of_our_own_gives_databases_and_takes_them_back() -> None:
    try:
        server = own_server()
        with server as url:
            async with scratch_database(url) as database:
                connection = await asyncpg.connect(database)
                await connection.execute("CREATE TABLE things (id integer)")
                await emptied(database)
                assert await connection.fetchval("SELECT to_regclass('things')") is None
                await connection.close()

            with pytest.raises(asyncpg.InvalidCatalogNameError):
                await asyncpg.connect(database)
    except PostgresqlMissingError as error:
        pytest.skip(f"PostgreSQL: {error}")

    with pytest.raises(OSError, match=r"refused|failed|Multiple"):
        await asyncpg.connect(url)
