"""The signed registrations of operators: at most one of each kind per node key, and a bounded number of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from msgspec import structs
from sqlalchemy import ColumnElement, Row, delete, func, insert, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from sent_graphql.models.pages import Slice, Window
from sent_graphql.models.registrations import Registration, RegistrationKind
from sent_graphql.settings import RegistrationsSettings
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.tables import registrations
from sent_graphql.sources.database.windows import NewestFirst, fetch_window

MAX_EVICTED: Final = 500
"""Most registrations that one new one drives out: bounds that were lowered are reached step by step."""

EVICTION_CHUNK: Final = 500
"""Registrations read at once to find those that go."""

MAX_LOOKED_AT: Final = 20_000
"""Oldest registrations that are searched for ones that are not registered; then the oldest go, whatever they are."""

MAX_OF_ONE_MOMENT: Final = 1_000
"""Registrations in a row, a microsecond apart, behind which a place is looked for."""

ORDER: Final = NewestFirst((registrations.c.stored_at,))
"""Newest first, by `Registration.stored_at` in unix microseconds."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class RegistrationStore:
    """Keeps registrations within their bounds. Its methods raise DatabaseUnavailableError."""

    def __init__(
        self, database: Database, settings: RegistrationsSettings, is_registered: Callable[[str], bool]
    ) -> None:
        """`is_registered` tells of a node key whether the contract has it now: such registrations go last."""
        self._database = database
        self._settings = settings
        self._is_registered = is_registered
        self._log = structlog.get_logger(__name__)

    async def store(self, registration: Registration) -> Registration:
        """Keeps it in place of the one of the same key and kind; it lasts once this returns.

        Gives it as it is kept: `stored_at`, which no two share, may be microseconds later. When there are too many of
        its operator or in all, the oldest others go, those of unregistered nodes first.
        """
        async with self._database.writing() as connection:
            await connection.execute(delete(registrations).where(_same(registration.pubkey, registration.kind)))
            kept = structs.replace(registration, stored_at=await _free_moment(connection, registration.stored_at))
            await connection.execute(insert(registrations).values(_values(kept)))
            of_operator = registrations.c.operator == kept.operator
            evicted = await self._evict(connection, kept, of_operator, self._settings.max_per_operator)
            evicted += await self._evict(connection, kept, true(), self._settings.max_total)
        if evicted:
            self._log.info("registrations gave way to a newer one", evicted=evicted, operator=kept.operator)
        return kept

    async def of_pubkey(self, pubkey: str, window: Window) -> Slice[Registration]:
        """Those of one node key (two at most), newest first."""
        return await self._slice(registrations.c.pubkey == pubkey, window)

    async def of_operator(self, operator: str, window: Window) -> Slice[Registration]:
        """Those that name this operator, newest first."""
        return await self._slice(registrations.c.operator == operator, window)

    async def find(self, pubkey: str, kind: RegistrationKind) -> Registration | None:
        """The one of that key and kind."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(registrations).where(_same(pubkey, kind)))).one_or_none()
        return None if row is None else _registration(row)

    async def _slice(self, wanted: ColumnElement[bool], window: Window) -> Slice[Registration]:
        async with self._database.reading() as connection:
            found = await fetch_window(connection, [select(registrations).where(wanted)], ORDER, window)
        return Slice(tuple(_registration(row) for row in found.items), found.more_before, found.more_after)

    async def _evict(
        self, connection: AsyncConnection, newest: Registration, among: ColumnElement[bool], bound: int
    ) -> int:
        """Deletes what is too many; how many those were."""
        counted = await connection.scalar(select(func.count()).select_from(registrations).where(among))
        surplus = min((counted or 0) - bound, MAX_EVICTED)
        if surplus <= 0:
            return 0
        others = among & ~_same(newest.pubkey, newest.kind)
        going = await self._oldest(connection, others, surplus)
        await connection.execute(
            delete(registrations).where(tuple_(registrations.c.pubkey, registrations.c.kind).in_(going))
        )
        return len(going)

    async def _oldest(
        self, connection: AsyncConnection, among: ColumnElement[bool], wanted: int
    ) -> list[tuple[str, str]]:
        """Keys and kinds of the oldest that are not registered and, where they are too few, of the oldest others."""
        columns = (registrations.c.pubkey, registrations.c.kind, registrations.c.stored_at)
        rows = select(*columns).where(among).order_by(registrations.c.stored_at).limit(EVICTION_CHUNK)
        unregistered: list[tuple[str, str]] = []
        registered: list[tuple[str, str]] = []
        since = -1
        for _ in range(MAX_LOOKED_AT // EVICTION_CHUNK):
            chunk = (await connection.execute(rows.where(registrations.c.stored_at > since))).fetchall()
            for pubkey, kind, _ in chunk:
                (registered if self._is_registered(pubkey) else unregistered).append((pubkey, kind))
            if len(unregistered) >= wanted or len(chunk) < EVICTION_CHUNK:
                break
            since = chunk[-1].stored_at
        return [*unregistered, *registered][:wanted]


async def _free_moment(connection: AsyncConnection, moment: datetime) -> datetime:
    """The first microsecond from `moment` on that no other registration has."""
    wanted = (moment - _EPOCH) // _MICROSECOND
    later = select(registrations.c.stored_at).where(registrations.c.stored_at >= wanted)
    taken = set(await connection.scalars(later.order_by(registrations.c.stored_at).limit(MAX_OF_ONE_MOMENT)))
    free = next(place for place in range(wanted, wanted + len(taken) + 1) if place not in taken)
    return _EPOCH + free * _MICROSECOND


def _same(pubkey: str, kind: RegistrationKind) -> ColumnElement[bool]:
    return (registrations.c.pubkey == pubkey) & (registrations.c.kind == kind.value)


def _values(registration: Registration) -> dict[str, Any]:
    return structs.asdict(registration) | {
        "kind": registration.kind.value,
        "stored_at": (registration.stored_at - _EPOCH) // _MICROSECOND,
    }


def _registration(row: Row[Any]) -> Registration:
    fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's name for it, which is public
    return Registration(
        **fields | {"kind": RegistrationKind(row.kind), "stored_at": _EPOCH + row.stored_at * _MICROSECOND}
    )
