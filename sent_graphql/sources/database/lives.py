"""Nodes that have left, as they were last seen: what the sources forget."""

from collections.abc import AsyncIterator, Sequence

from msgspec import Struct, structs
from sqlalchemy import bindparam, delete, insert, select

from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.tables import lives

CHUNK = 500
"""Lives read in one transaction."""


class LifeRecord(Struct, frozen=True, kw_only=True, gc=False):
    """One life of a node."""

    id: str
    """Local part of the node's global id."""
    contract_id: int | None
    pubkey: str
    registration_height: int | None
    node: str
    """JSON; what is in it is the business of who keeps it."""


class LifeStore:
    """Keeps lives. Its methods raise DatabaseUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, records: Sequence[LifeRecord]) -> None:
        """Keeps all of them or, after an error, none; each replaces what is kept under its id."""
        latest = {record.id: record for record in records}
        if not latest:
            return
        async with self._database.writing() as connection:
            await connection.execute(
                delete(lives).where(lives.c.id == bindparam("replaced")), [{"replaced": name} for name in latest]
            )
            await connection.execute(insert(lives), [structs.asdict(record) for record in latest.values()])

    async def all(self) -> AsyncIterator[list[LifeRecord]]:
        """Every life, some at a time, in no promised order."""
        rows = select(lives).order_by(lives.c.id).limit(CHUNK)
        last: str | None = None
        while True:
            behind = rows if last is None else rows.where(lives.c.id > last)
            async with self._database.reading() as connection:
                found = (await connection.execute(behind)).fetchall()
            if found:
                yield [LifeRecord(**row._mapping) for row in found]  # noqa: SLF001 - SQLAlchemy's public name for it
            if len(found) < CHUNK:
                return
            last = found[-1].id
