"""The history: every event of the contracts, without a gap from the first block of the scan up to `scanned_to`."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Row, Select, delete, func, insert, literal, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sent_graphql.models.contracts import NodeRegistration
from sent_graphql.models.history import LOG_INDEX_BITS, EventArgument, EventFilter, StakingEvent, StakingEventKind
from sent_graphql.models.pages import Slice, Window
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.tables import THE_ROW, blocks, events, scan, seeds
from sent_graphql.sources.database.windows import Extent, NewestFirst, fetch_window
from sent_graphql.sources.errors import SourceError

INSERT_CHUNK: Final = 500
"""Rows of one INSERT: what it takes to prepare them holds the event loop."""

DECODED_AT_ONCE: Final = 200
"""Rows of the largest page that is decoded on the event loop, in some milliseconds; larger ones are in a thread."""

READ_CHUNK: Final = 1_000
"""Rows read at once when facts are restored."""

ORDER: Final = NewestFirst(
    (events.c.block_number, events.c.log_index),
    lambda position: (position >> LOG_INDEX_BITS, position & (1 << LOG_INDEX_BITS) - 1),
)
"""Newest first, by `StakingEvent.position`."""


class ScanGapError(SourceError):
    """What was to be written does not join what is there: another process has written to the same database."""


class ScanState(Struct, frozen=True, kw_only=True):
    """How far the history goes: without a gap from `from_block` to `scanned_to` (below it while there is nothing)."""

    from_block: int
    scanned_to: int
    contribution_factory: str | None
    reward_rate_pool: str | None
    hashes: Mapping[int, str]
    """Of the newest blocks, to find a fork point."""


class EventStore:
    """Keeps the events. Its methods raise DatabaseUnavailableError."""

    def __init__(self, database: Database, reorg_depth: int) -> None:
        """Hashes are kept of the blocks within `reorg_depth` of the newest, and of the first."""
        self._database = database
        self._reorg_depth = reorg_depth

    def note_height(self, block: int | None) -> None:
        """Shows how far the history goes in the database's health."""
        self._database.height = block

    async def state(self) -> ScanState | None:
        """How far the history goes; None where it has not been begun."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(scan))).one_or_none()
            if row is None:
                return None
            hashes = (await connection.execute(select(blocks.c.number, blocks.c.hash))).fetchall()
        return ScanState(
            from_block=row.from_block,
            scanned_to=row.scanned_to,
            contribution_factory=row.contribution_factory,
            reward_rate_pool=row.reward_rate_pool,
            hashes={row.number: row.hash for row in hashes},
        )

    async def begin(self, from_block: int, block_hash: str, factory: str | None, pool: str | None) -> None:
        """Begin the history anew at that block, and forget what there was."""
        async with self._database.writing() as connection:
            for table in (events, seeds, blocks, scan):
                await connection.execute(delete(table))
            await connection.execute(insert(blocks).values(number=from_block, hash=block_hash))
            await connection.execute(
                insert(scan).values(
                    id=THE_ROW,
                    from_block=from_block,
                    scanned_to=from_block - 1,
                    contribution_factory=factory,
                    reward_rate_pool=pool,
                )
            )

    async def write(
        self,
        first: int,
        last: int,
        *,
        hashes: Mapping[int, str],
        told: Sequence[StakingEvent],
        seeded: Iterable[NodeRegistration] = (),
    ) -> None:
        """Replace all from block `first` on by the events of the blocks `first` to `last`, in one transaction.

        After a reorganisation `first` is the block after the fork point. `hashes` are of blocks of that range, `last`
        among them. Raises ScanGapError where blocks below `first` are missing.
        """
        async with self._database.writing() as connection:
            state = (await connection.execute(select(scan.c.from_block, scan.c.scanned_to))).one_or_none()
            if state is None or not state.from_block <= first <= state.scanned_to + 1:
                raise ScanGapError("the database's events were changed by another process")
            for table in (events, seeds):
                await connection.execute(delete(table).where(table.c.block_number >= first))
            await connection.execute(
                delete(blocks).where(blocks.c.number >= first, blocks.c.number != state.from_block)
            )
            await _insert(connection, told, seeded)
            new = {number: text for number, text in hashes.items() if number != state.from_block}
            if new:
                await connection.execute(
                    insert(blocks), [{"number": number, "hash": text} for number, text in new.items()]
                )
            oldest = last - self._reorg_depth
            await connection.execute(
                delete(blocks).where(blocks.c.number < oldest, blocks.c.number != state.from_block)
            )
            await connection.execute(update(scan).values(scanned_to=last))

    async def mend(
        self, first: int, last: int, *, told: Sequence[StakingEvent], seeded: Iterable[NodeRegistration] = ()
    ) -> None:
        """Replace the events of the blocks `first` to `last`, which have been written before, in one transaction."""
        async with self._database.writing() as connection:
            for table in (events, seeds):
                await connection.execute(delete(table).where(table.c.block_number.between(first, last)))
            await _insert(connection, told, seeded)

    async def told(self, kind: StakingEventKind) -> AsyncIterator[list[StakingEvent]]:
        """All events of a kind, oldest first, some at a time."""
        rows = select(events).where(events.c.kind == kind.value)
        block, index = -1, -1
        while True:
            place = tuple_(literal(block), literal(index))
            chunk = rows.where(ORDER.key > place).order_by(*ORDER.columns).limit(READ_CHUNK)
            async with self._database.reading() as connection:
                found = [_event(row) for row in await connection.execute(chunk)]
            if not found:
                return
            yield found
            block, index = found[-1].block_number, found[-1].log_index

    async def wallets(self, kinds: Iterable[StakingEventKind]) -> AsyncIterator[list[tuple[str, int]]]:
        """Each wallet that events of these kinds name, with the first block that does, some at a time."""
        named = (
            select(events.c.wallet, func.min(events.c.block_number))
            .where(events.c.kind.concat("").in_([kind.value for kind in kinds]))
            .group_by(events.c.wallet)
            .order_by(events.c.wallet)
            .limit(READ_CHUNK)
        )
        last = ""
        while True:
            async with self._database.reading() as connection:
                found = [
                    (wallet, block) for wallet, block in await connection.execute(named.where(events.c.wallet > last))
                ]
            if not found:
                return
            yield found
            last = found[-1][0]

    async def seeded(self) -> list[NodeRegistration]:
        """What the contract held of seeded nodes."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(seeds.c.registration))).scalars()
            return [msgspec.json.decode(text, type=NodeRegistration) for text in rows]

    async def event(self, block_number: int, log_index: int) -> StakingEvent | None:
        """The event at that place of the chain."""
        wanted = select(events).where(events.c.block_number == block_number, events.c.log_index == log_index)
        async with self._database.reading() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        return None if row is None else _event(row)

    async def events(self, wanted: EventFilter, window: Window) -> Slice[StakingEvent]:
        """The events that match, newest first, in a window.

        One index gives them in their order: that of the narrowest part of the filter, the other parts are looked at
        row by row. Of several kinds each is read by its own, only as far as the page reaches: what a page costs grows
        neither with the page's number nor with the events of other kinds between them.
        """
        async with self._database.reading() as connection:
            found = await fetch_window(connection, selections(wanted), ORDER, window, extent(wanted))
            # As many at once as there are connections.
            is_large = len(found.items) > DECODED_AT_ONCE
            items = await asyncio.to_thread(_events, found.items) if is_large else _events(found.items)
        return Slice(items, found.more_before, found.more_after)


async def _insert(
    connection: AsyncConnection, told: Sequence[StakingEvent], seeded: Iterable[NodeRegistration]
) -> None:
    for start in range(0, len(told), INSERT_CHUNK):
        chunk = told[start : start + INSERT_CHUNK]
        await connection.execute(insert(events), [_values(event) for event in chunk])
    rows = [_seed(registration) for registration in seeded]
    if rows:
        await connection.execute(insert(seeds), rows)


def selections(wanted: EventFilter) -> list[Select[Any]]:
    """The selects whose rows together match the filter but for its blocks: one, or one for each kind."""
    narrow = {
        column: value
        for column, value in (
            (events.c.contract_id, wanted.contract_id),
            (events.c.pubkey, wanted.pubkey),
            (events.c.contribution_contract, wanted.contribution_contract),
            (events.c.wallet, wanted.wallet),
        )
        if value is not None
    }
    rows = select(events)
    for place, (column, value) in enumerate(narrow.items()):
        rows = rows.where((column if place == 0 else _unindexed(column)) == value)
    if wanted.kinds is None or len(wanted.kinds) == len(StakingEventKind):
        return [rows]
    kinds = sorted(kind.value for kind in wanted.kinds)
    if narrow:
        return [rows.where(_unindexed(events.c.kind).in_(kinds))] if kinds else []
    return [rows.where(events.c.kind == kind) for kind in kinds]


def extent(wanted: EventFilter) -> Extent:
    """The blocks of the filter as positions."""
    return Extent(
        lowest=None if wanted.from_block is None else wanted.from_block << LOG_INDEX_BITS,
        highest=None if wanted.to_block is None else (wanted.to_block + 1 << LOG_INDEX_BITS) - 1,
    )


def _unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column as an expression for which no index is taken: another one gives the rows in their order."""
    return column.concat("")


_KINDS: Final = {kind.value: kind for kind in StakingEventKind}
_ARGUMENTS: Final = msgspec.json.Decoder(list[tuple[str, str]])


def _values(event: StakingEvent) -> dict[str, object]:
    return {
        "block_number": event.block_number,
        "log_index": event.log_index,
        "block_hash": event.block_hash,
        "timestamp": int(event.timestamp.timestamp()),
        "transaction_hash": event.transaction_hash,
        "kind": event.kind.value,
        "contract": event.contract,
        "initiator": event.initiator,
        "wallet": event.wallet,
        "amount": None if event.amount is None else str(event.amount),
        "contract_id": event.contract_id,
        "pubkey": event.pubkey,
        "contribution_contract": event.contribution_contract_address,
        "arguments": msgspec.json.encode([(one.name, one.value) for one in event.arguments]).decode(),
    }


def _events(rows: Iterable[Row[Any]]) -> tuple[StakingEvent, ...]:
    return tuple(map(_event, rows))


def _event(row: Row[Any]) -> StakingEvent:
    """Read in one go: to find a column by its name takes as long as to read it."""
    (
        block_number,
        log_index,
        block_hash,
        timestamp,
        transaction_hash,
        kind,
        contract,
        initiator,
        wallet,
        amount,
        contract_id,
        pubkey,
        contribution_contract,
        arguments,
    ) = row
    return StakingEvent(
        kind=_KINDS[kind],
        contract=contract,
        block_number=block_number,
        block_hash=block_hash,
        timestamp=datetime.fromtimestamp(timestamp, UTC),
        transaction_hash=transaction_hash,
        log_index=log_index,
        initiator=initiator,
        wallet=wallet,
        amount=None if amount is None else int(amount),
        contract_id=contract_id,
        pubkey=pubkey,
        contribution_contract_address=contribution_contract,
        arguments=tuple([EventArgument(name, value) for name, value in _ARGUMENTS.decode(arguments)]),
    )


def _seed(registration: NodeRegistration) -> dict[str, object]:
    return {
        "contract_id": registration.contract_id,
        "block_number": registration.block_number,
        "registration": msgspec.json.encode(registration).decode(),
    }
