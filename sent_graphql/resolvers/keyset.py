"""Relay's paging over lists that are kept elsewhere: what to fetch of them, and the page that was fetched.

Arguments, cursors and what is refused are those of any other list (see paging.py).
"""

from typing import Generic, TypeVar

from msgspec import Struct

from sent_graphql.models.pages import Position, Slice, Window
from sent_graphql.resolvers.context import ResolverOptions
from sent_graphql.resolvers.orders import Identified, Order
from sent_graphql.resolvers.paging import Edge, PageArguments, PageInfo, decode_cursor, encode_cursor, page_size

I = TypeVar("I", bound=Identified)  # noqa: E741 - as in orders.py


class KeysetPage(Struct, Generic[I], frozen=True):
    """A page as connections show it. Cursors are written only when they are read."""

    order: Order[I]
    fetched: Slice[I]

    @property
    def nodes(self) -> tuple[I, ...]:
        """The items of the page."""
        return self.fetched.items

    @property
    def edges(self) -> tuple[Edge[I], ...]:
        """The items of the page with their cursors."""
        return tuple([Edge(item, self._cursor) for item in self.fetched.items])

    @property
    def page_info(self) -> PageInfo:
        """What lies before and behind the page."""
        items = self.fetched.items
        return PageInfo(
            has_next_page=self.fetched.more_after,
            has_previous_page=self.fetched.more_before,
            start_cursor=self._cursor(items[0]) if items else None,
            end_cursor=self._cursor(items[-1]) if items else None,
        )

    def _cursor(self, item: I) -> str:
        return encode_cursor(self.order.scope, self.order.position(item))


def window(order: Order[I], arguments: PageArguments, options: ResolverOptions) -> Window:
    """What to fetch of the list in this order; BadUserInputError names the argument that cannot be used."""
    first, last = page_size(arguments, options)
    return Window(
        after=_place(order, arguments.after, "after"),
        before=_place(order, arguments.before, "before"),
        first=first,
        last=last,
    )


def empty_page(order: Order[I]) -> KeysetPage[I]:
    """The page of a list without items."""
    return KeysetPage(order, Slice(items=(), more_before=False, more_after=False))


def _place(order: Order[I], cursor: str | None, argument: str) -> Position | None:
    return None if cursor is None else decode_cursor(order.scope, cursor, argument=argument)
