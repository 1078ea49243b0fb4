"""Relay's paging over a sorted list: cursors are places in an order, and a page begins by bisection.

A cursor holds the sort value and the id of its item, so it goes on from the same place in a later snapshot, even
when the item itself has left. It is bound to one list and one order, and refused by any other.
"""

import base64
import binascii
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from msgspec import Struct

from sent_graphql.models.pages import Position
from sent_graphql.resolvers.context import ResolverOptions
from sent_graphql.resolvers.errors import BadUserInputError

T = TypeVar("T")

MAX_CURSOR_LENGTH: Final = 1_024
"""Characters; the cursors given out are well below it."""

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")

_CURSOR = re.compile(r"(?P<scope>[^/]+)/(?P<value>-?[0-9]{1,78})?/(?P<id>.+)", re.DOTALL)


class Ordered(Struct, Generic[T], frozen=True):
    """Items in one order. `scope` names the list and the order; cursors carry it. `position` tells where one stands."""

    scope: str
    items: tuple[T, ...]
    position: Callable[[T], Position]

    def where(self, matches: Callable[[T], bool]) -> "Ordered[T]":
        """Only the items that match, in the same order."""
        return Ordered(self.scope, tuple(filter(matches, self.items)), self.position)

    def merged(self, other: "Ordered[T]") -> "Ordered[T]":
        """With the items of another part of the same list."""
        if not (self.items and other.items):
            return self if self.items else other
        return Ordered(self.scope, tuple(sorted((*self.items, *other.items), key=self.position)), self.position)

    def cursor(self, item: T) -> str:
        """The cursor of one of the items."""
        return encode_cursor(self.scope, self.position(item))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageArguments:
    """Relay's four arguments as the user gave them."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


class PageInfo(Struct, frozen=True, kw_only=True):
    """Whether there is more on either side, and where this page begins and ends."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class Edge(Struct, Generic[T], frozen=True, gc=False):
    """An item, and what writes its cursor."""

    node: T
    write: Callable[[T], str]

    @property
    def cursor(self) -> str:
        """Written when it is read: nobody else waits while those of a long page are."""
        return self.write(self.node)


class Page(Struct, Generic[T], frozen=True):
    """The items of `whole` from index `start` up to `end`. Cursors are written only when they are read."""

    whole: Ordered[T]
    start: int
    end: int

    @property
    def nodes(self) -> tuple[T, ...]:
        """The items of the page."""
        return self.whole.items[self.start : self.end]

    @property
    def edges(self) -> tuple[Edge[T], ...]:
        """The items of the page with their cursors."""
        write = self.whole.cursor
        return tuple([Edge(item, write) for item in self.nodes])

    @property
    def page_info(self) -> PageInfo:
        """What lies before and behind the page."""
        return PageInfo(
            has_next_page=self.end < len(self.whole.items),
            has_previous_page=self.start > 0,
            start_cursor=self._cursor_at(self.start),
            end_cursor=self._cursor_at(self.end - 1),
        )

    @property
    def total_count(self) -> int:
        """How many items there are on all pages."""
        return len(self.whole.items)

    def _cursor_at(self, index: int) -> str | None:
        return self.whole.cursor(self.whole.items[index]) if self.start < self.end else None


def paginate(whole: Ordered[T], arguments: PageArguments, options: ResolverOptions) -> Page[T]:
    """The page that the arguments ask for; BadUserInputError names the argument that cannot be used."""
    first, last = page_size(arguments, options)
    start, end = 0, len(whole.items)
    if arguments.after is not None:
        place = decode_cursor(whole.scope, arguments.after, argument="after")
        start = bisect_right(whole.items, place, key=whole.position)
    if arguments.before is not None:
        place = decode_cursor(whole.scope, arguments.before, argument="before")
        end = max(start, bisect_left(whole.items, place, key=whole.position))
    if first is not None:
        end = min(end, start + first)
    if last is not None:
        start = max(start, end - last)
    return Page(whole, start, end)


def encode_cursor(scope: str, position: Position) -> str:
    """The opaque text for a place in the order `scope`."""
    is_null, value, item_id = position
    text = f"{scope}/{'' if is_null else value}/{item_id}"
    return binascii.b2a_base64(text.encode(), newline=False).translate(_URL_SAFE).decode()


def decode_cursor(scope: str, cursor: str, *, argument: str) -> Position:
    """The place that `encode_cursor` wrote; a cursor of another order or no cursor at all is refused."""
    match = _CURSOR.fullmatch(_decoded(cursor))
    if match is None:
        raise BadUserInputError(
            f"`{argument}` is not a cursor: use one that `cursor`, `startCursor` or `endCursor` has given",
            argument=argument,
        )
    if match["scope"] != scope:
        raise BadUserInputError(
            f"`{argument}` is a cursor of another list or order: a cursor goes on only in the list and "
            "the `orderBy` that it was given for",
            argument=argument,
        )
    value = match["value"]
    return value is None, int(value or 0), match["id"]


def page_size(arguments: PageArguments, options: ResolverOptions) -> tuple[int | None, int | None]:
    """The sizes to cut at from the front and from the back; the default one when the user gave none."""
    if arguments.first is not None and arguments.last is not None:
        raise BadUserInputError("`first` and `last` cannot be given together: leave one out", argument="last")
    if arguments.last is not None:
        return None, _checked_size(arguments.last, "last", options)
    if arguments.first is not None:
        return _checked_size(arguments.first, "first", options), None
    return options.default_page_size, None


def _decoded(cursor: str) -> str:
    if len(cursor) > MAX_CURSOR_LENGTH:
        return ""
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _checked_size(size: int, argument: str, options: ResolverOptions) -> int:
    if not 0 <= size <= options.max_page_size:
        raise BadUserInputError(
            f"`{argument}` is {size}: a whole number from 0 to {options.max_page_size} is wanted", argument=argument
        )
    return size
