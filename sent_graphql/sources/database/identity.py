"""Whose data a database holds: of one chain and one rewards contract, written down when it is first used."""

from msgspec import Struct
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sent_graphql.sources.database.tables import THE_ROW, network
from sent_graphql.sources.errors import SourceMisconfiguredError


class Identity(Struct, frozen=True):
    """A chain and, in canonical form, its rewards contract."""

    chain_id: int
    service_node_rewards: str

    def __str__(self) -> str:
        return f"chain {self.chain_id} and rewards contract {self.service_node_rewards}"


async def settle_identity(connection: AsyncConnection, wanted: Identity) -> None:
    """Leaves `wanted` written in the database; SourceMisconfiguredError where another identity is.

    It writes in any case: a database that only lets itself be read is found out here.
    """
    kept = await kept_identity(connection)
    refuse_other(kept, wanted)
    row = {network.c.chain_id: wanted.chain_id, network.c.service_node_rewards: wanted.service_node_rewards}
    if kept is None:
        await connection.execute(insert(network).values({network.c.id: THE_ROW, **row}))
    else:
        await connection.execute(update(network).values(row))


def refuse_other(kept: Identity | None, wanted: Identity) -> None:
    """SourceMisconfiguredError where `kept` is another network's."""
    if kept not in (None, wanted):
        raise SourceMisconfiguredError(
            f"the database holds the data of {kept}, but {wanted} are configured: "
            "set database.url to another database, or leave it unset and set cache.state_directory to another directory"
        )


async def kept_identity(connection: AsyncConnection) -> Identity | None:
    """What is written there; nothing in a database that was never used."""
    row = (await connection.execute(select(network.c.chain_id, network.c.service_node_rewards))).one_or_none()
    return None if row is None else Identity(row[0], row[1])
