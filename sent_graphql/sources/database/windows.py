"""Windows of long lists, newest first, found by key and never by counting: page 1,000 costs what page 1 costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, exists, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from sent_graphql.models.pages import Position, Slice, Window

INT64: Final = range(-(2**63), 2**63)
"""What the columns of an order hold; places beyond, which only a made-up cursor names, are moved to its ends."""


@dataclass(frozen=True, slots=True)
class NewestFirst:
    """A list ordered by one number, the greatest first, that no two of its rows share.

    `columns` hold the number, in BIGINTs of which the first weighs most, behind an index in that order (behind the
    columns that the list is narrowed by). `parts` gives what they hold for a number. The position of an item is then
    `(False, -number, id)`, as of every descending order; the id is not needed to find the place.
    """

    columns: tuple[ColumnElement[int], ...]
    parts: Callable[[int], tuple[int, ...]] = lambda number: (number,)

    @property
    def key(self) -> ColumnElement[Any]:
        """The columns as one value to compare."""
        return tuple_(*self.columns)

    def place(self, position: Position) -> ColumnElement[Any]:
        """`position` as a value that the key compares with; what has no number stands behind all rows."""
        is_null, negated, _ = position
        parts = (INT64[0],) * len(self.columns) if is_null else self.parts(-negated)
        return tuple_(*(literal(min(max(part, INT64[0]), INT64[-1])) for part in parts))


@dataclass(frozen=True, slots=True)
class Extent:
    """Which numbers of the order the list reaches over, both ends included; null is no end.

    It is told apart from the filter because a database finds the place to begin by one condition alone: were it not
    that of the cursor, later pages would cost more.
    """

    lowest: int | None = None
    highest: int | None = None

    @property
    def above(self) -> Position | None:
        """The place just before the first row."""
        return None if self.highest is None else (False, -(self.highest + 1), "")

    @property
    def below(self) -> Position | None:
        """The place just behind the last row."""
        return None if self.lowest is None else (False, -(self.lowest - 1), "")


WHOLE: Final = Extent()
"""The list has no ends but its own."""


async def fetch_window(
    connection: AsyncConnection, rows: Select[Any], order: NewestFirst, window: Window, extent: Extent = WHOLE
) -> Slice[Row[Any]]:
    """The rows of `window` in the list `rows` (a select with its filters, without order or limit), newest first.

    Use it within `Database.reading()`: all that it tells is then of one moment.
    """
    forwards = window.first is not None
    size = window.first if window.first is not None else window.last
    assert size is not None, "a window has one of the two sizes"
    wanted = _between(rows, order, window, extent, forwards=forwards).limit(size + 1)
    found = (await connection.execute(wanted)).fetchall()
    cut: Sequence[Row[Any]] = found[:size]
    ahead, behind = await _beyond(connection, rows, order, window, extent)
    return Slice(
        items=tuple(cut if forwards else reversed(cut)),
        more_before=ahead or (not forwards and len(found) > size),
        more_after=behind or (forwards and len(found) > size),
    )


def _between(
    rows: Select[Any], order: NewestFirst, window: Window, extent: Extent = WHOLE, *, forwards: bool
) -> Select[Any]:
    """What lies behind `after` and before `before`, from the end that the window is taken from."""
    above = [end for end in (window.after, extent.above) if end is not None]
    below = [end for end in (window.before, extent.below) if end is not None]
    if above:
        rows = rows.where(order.key < order.place(max(above)))
    if below:
        rows = rows.where(order.key > order.place(min(below)))
    return rows.order_by(*(column.desc() if forwards else column.asc() for column in order.columns))


async def _beyond(
    connection: AsyncConnection, rows: Select[Any], order: NewestFirst, window: Window, extent: Extent
) -> tuple[bool, bool]:
    """Whether there are rows up to `after`, and from `before` on. One query; none where no cursor was given."""
    ahead: ColumnElement[bool] = literal(value=False)
    behind: ColumnElement[bool] = literal(value=False)
    if window.after is not None:
        past = rows.where(order.key >= order.place(window.after))
        ahead = _any(past if extent.above is None else past.where(order.key < order.place(extent.above)))
    if window.before is not None:
        rest = rows.where(order.key <= order.place(window.before))
        if extent.below is not None:
            rest = rest.where(order.key > order.place(extent.below))
        # Cursors in the wrong order leave nothing between them; the list then goes on behind `after`.
        behind = _any(rest if window.after is None else rest.where(order.key < order.place(window.after)))
    if window.after is None and window.before is None:
        return False, False
    told = (await connection.execute(select(ahead, behind))).one()
    return bool(told[0]), bool(told[1])


def _any(rows: Select[Any]) -> ColumnElement[bool]:
    return exists(rows.with_only_columns(literal(1), maintain_column_froms=True))
