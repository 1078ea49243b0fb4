"""A process that is killed while it stores leaves a database that opens and holds every write that it answered."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from typing import Any

from sqlalchemy import URL, select, text

from sent_graphql.models.registrations import RegistrationKind
from sent_graphql.settings import RegistrationsSettings
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.registrations import RegistrationStore
from sent_graphql.sources.database.tables import registrations

ROUNDS = 4
ANSWERS_BEFORE_THE_KILL = 60
PATIENCE = 60

STORING = """
import asyncio, sys
from datetime import UTC, datetime
from itertools import count
from sqlalchemy import make_url
from sent_graphql.models.registrations import Registration, RegistrationKind
from sent_graphql.settings import DatabaseSettings, RegistrationsSettings
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.database.registrations import RegistrationStore

async def store_on(store, numbers):
    for number in numbers:
        kept = await store.store(Registration(
            kind=RegistrationKind.SOLO, pubkey=f"{number:064x}", pubkey_bls="b" * 128, sig_ed25519="e" * 128,
            sig_bls="b" * 256, operator=f"0x{number % 7:040x}", contract=None, stored_at=datetime.now(UTC),
        ))
        print("answered", number, kept.stored_at.isoformat(), flush=True)

async def main():
    database = Database(make_url(sys.argv[1]), DatabaseSettings(), Identity(1, "0x1"))
    await database.open()
    bounds = RegistrationsSettings(max_per_operator=100_000, max_total=1_000_000)
    store = RegistrationStore(database, bounds, lambda _: False)
    numbers = count(int(sys.argv[2]))
    await asyncio.gather(*(store_on(store, numbers) for _ in range(8)))

asyncio.run(main())
"""


async def answered_until_killed(url: URL, start: int) -> dict[str, str]:
    """What one process had answered when it was killed in the midst of its work: when each key was stored."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STORING, url.render_as_string(hide_password=False), str(start)),
        stdout=PIPE,
        stderr=DEVNULL,
    )
    assert process.stdout is not None
    answered = {}
    async with asyncio.timeout(PATIENCE):
        while line := await process.stdout.readline():
            if not line.startswith(b"answered ") or not line.endswith(b"\n"):
                continue
            _, number, moment = line.split()
            answered[f"{int(number):064x}"] = moment.decode()
            if len(answered) == ANSWERS_BEFORE_THE_KILL:
                os.kill(process.pid, signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
    return answered


async def test_every_answered_write_outlives_a_kill(database_url: URL, opened: Any) -> None:
    answered: dict[str, str] = {}
    for turn in range(ROUNDS):
        answered |= await answered_until_killed(database_url, turn * 1_000_000)

        async with opened(database_url) as database:
            assert await damages(database) == []
            async with database.reading() as connection:
                kept = {row.pubkey: row for row in await connection.execute(select(registrations))}
            store = RegistrationStore(database, RegistrationsSettings(), lambda _: False)
            one = await store.find(next(iter(answered)), RegistrationKind.SOLO)

        assert answered.keys() <= kept.keys()
        assert all(row.sig_bls == "b" * 256 for row in kept.values())
        assert one is not None
        assert one.stored_at.isoformat() == answered[one.pubkey]
    assert len(answered) >= ROUNDS * ANSWERS_BEFORE_THE_KILL


async def damages(database: Database) -> list[str]:
    """What SQLite finds wrong with its file; PostgreSQL's own is beyond our reach, and its server was not killed."""
    async with database.reading() as connection:
        if connection.dialect.name == "postgresql":
            return []
        found = await connection.scalars(text("PRAGMA integrity_check"))
        return [line for line in found if line != "ok"]
