"""A database is one network's for ever."""

import pytest
from msgspec import structs
from sqlalchemy import URL

from sent_graphql.settings import DatabaseSettings
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.errors import SourceMisconfiguredError

MINE = Identity(chain_id=42161, service_node_rewards="0x5FbDB2315678afecb367f032d93F642f64180aa3")
OTHERS = [
    structs.replace(MINE, chain_id=421614),
    structs.replace(MINE, service_node_rewards="0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"),
]


async def opened(url: URL, identity: Identity) -> None:
    database = Database(url, DatabaseSettings(), identity)
    try:
        await database.open()
    finally:
        await database.close()


async def test_the_first_use_writes_it_down_and_the_next_finds_it(database_url: URL) -> None:
    await opened(database_url, MINE)
    await opened(database_url, MINE)

    database = Database(database_url, DatabaseSettings(), OTHERS[0])
    assert (await database.inspect()).identity == MINE
    await database.close()


@pytest.mark.parametrize("other", OTHERS)
async def test_another_chain_or_contract_is_refused_and_both_are_named(database_url: URL, other: Identity) -> None:
    await opened(database_url, MINE)

    with pytest.raises(SourceMisconfiguredError) as refusal:
        await opened(database_url, other)

    assert str(MINE) in str(refusal.value)
    assert str(other) in str(refusal.value)
    await opened(database_url, MINE)


async def test_a_refused_database_is_used_by_nobody(database_url: URL) -> None:
    await opened(database_url, MINE)
    database = Database(database_url, DatabaseSettings(), OTHERS[0])

    with pytest.raises(SourceMisconfiguredError):
        await database.run()

    with pytest.raises(Exception, match="not open"):
        async with database.reading():
            pass
    await database.close()
