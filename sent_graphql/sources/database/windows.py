"""Windows of long lists, newest first, found by key and never by counting: page 1,000 costs what page 1 costs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Select,
    SelectBase,
    exists,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
)
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

    columns: tuple[Column[int], ...]
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
    connection: AsyncConnection,
    lists: Sequence[Select[Any]],
    order: NewestFirst,
    window: Window,
    extent: Extent = WHOLE,
) -> Slice[Row[Any]]:
    """The rows of `window` in a list, newest first.

    `lists` are the selects (with their filters, without order or limit) whose rows together are the list; no row is in
    two of them. Each is read by its own index, and no further than the window reaches. Use it within
    `Database.reading()`: all that it tells is then of one moment.
    """
    if not lists:
        return Slice(items=(), more_before=False, more_after=False)
    forwards = window.first is not None
    size = window.first if window.first is not None else window.last
    assert size is not None, "a window has one of the two sizes"
    wanted = between(lists, order, window, extent, forwards=forwards).limit(size + 1)
    found = (await connection.execute(wanted)).fetchall()
    cut: Sequence[Row[Any]] = found[:size]
    ahead, behind = await _beyond(connection, lists, order, window, extent)
    return Slice(
        items=tuple(cut if forwards else reversed(cut)),
        more_before=ahead or (not forwards and len(found) > size),
        more_after=behind or (forwards and len(found) > size),
    )


def between(
    lists: Sequence[Select[Any]], order: NewestFirst, window: Window, extent: Extent = WHOLE, *, forwards: bool
) -> Select[Any]:
    """What lies behind `after` and before `before`, from the end that the window is taken from."""
    above = [end for end in (window.after, extent.above) if end is not None]
    below = [end for end in (window.before, extent.below) if end is not None]
    narrow: list[ColumnElement[bool]] = []
    if above:
        narrow.append(order.key < order.place(max(above)))
    if below:
        narrow.append(order.key > order.place(min(below)))
    parts = [_sorted(rows.where(*narrow), order.columns, forwards=forwards) for rows in lists]
    if len(parts) == 1:
        return parts[0]
    # Each part in its own order, and all of them as a table: so both databases merge them, and neither sorts them.
    # Their columns are not spelt out, which for many parts takes longer than to read a page.
    whole = union_all(*map(_all_of, parts))
    return _sorted(_all_of(whole), [literal_column(column.name) for column in order.columns], forwards=forwards)


def _all_of(rows: SelectBase) -> Select[Any]:
    return select(literal_column("*")).select_from(rows.subquery())


def _sorted(rows: Select[Any], columns: Iterable[ColumnElement[int]], *, forwards: bool) -> Select[Any]:
    return rows.order_by(*(column.desc() if forwards else column.asc() for column in columns))


async def _beyond(
    connection: AsyncConnection, lists: Sequence[Select[Any]], order: NewestFirst, window: Window, extent: Extent
) -> tuple[bool, bool]:
    """Whether there are rows up to `after`, and from `before` on. One query; none where no cursor was given."""
    ahead: ColumnElement[bool] = literal(value=False)
    behind: ColumnElement[bool] = literal(value=False)
    if window.after is not None:
        past = [order.key >= order.place(window.after)]
        ahead = _any(lists, past if extent.above is None else [*past, order.key < order.place(extent.above)])
    if window.before is not None:
        rest = [order.key <= order.place(window.before)]
        if extent.below is not None:
            rest.append(order.key > order.place(extent.below))
        # Cursors in the wrong order leave nothing between them; the list then goes on behind `after`.
        behind = _any(lists, rest if window.after is None else [*rest, order.key < order.place(window.after)])
    if window.after is None and window.before is None:
        return False, False
    told = (await connection.execute(select(ahead, behind))).one()
    return bool(told[0]), bool(told[1])


def _any(lists: Sequence[Select[Any]], narrow: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    found = (rows.where(*narrow).with_only_columns(literal(1), maintain_column_froms=True) for rows in lists)
    return or_(*map(exists, found))
