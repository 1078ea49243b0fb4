"""Pages of lists that are kept elsewhere: what is fetched, and that walking them gives every item once."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from sent_graphql.models.pages import Slice, Window
from sent_graphql.resolvers.context import ResolverOptions
from sent_graphql.resolvers.errors import BadUserInputError
from sent_graphql.resolvers.keyset import KeysetPage, empty_page, window
from sent_graphql.resolvers.orders import Order
from sent_graphql.resolvers.paging import PageArguments, paginate

OPTIONS = ResolverOptions(nettype="mainnet", default_page_size=3, max_page_size=5)


class Entry(Struct, frozen=True):
    """Something with a place in time."""

    moment: int

    @property
    def id(self) -> str:
        """Its name."""
        return f"entry {self.moment}"


ORDER: Order[Entry] = Order("entries.MOMENT.DESC", lambda entry: entry.moment, descending=True)


def cut(entries: list[Entry], wanted: Window) -> Slice[Entry]:
    """What a store would fetch."""
    whole = ORDER.arrange(entries)
    start = 0 if wanted.after is None else bisect_right(whole.items, wanted.after, key=ORDER.position)
    end = len(entries)
    if wanted.before is not None:
        end = max(start, bisect_left(whole.items, wanted.before, key=ORDER.position))
    if wanted.first is not None:
        end = min(end, start + wanted.first)
    if wanted.last is not None:
        start = max(start, end - wanted.last)
    return Slice(whole.items[start:end], more_before=start > 0, more_after=end < len(entries))


def page(entries: list[Entry], arguments: PageArguments) -> KeysetPage[Entry]:
    """A page of those entries."""
    return KeysetPage(ORDER, cut(entries, window(ORDER, arguments, OPTIONS)))


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({}, Window(first=3)),
        ({"first": 0}, Window(first=0)),
        ({"last": 5}, Window(last=5)),
    ],
)
def test_a_window_is_as_large_as_any_page(arguments: dict[str, Any], wanted: Window) -> None:
    assert window(ORDER, PageArguments(**arguments), OPTIONS) == wanted


def test_cursors_become_places_before_and_behind() -> None:
    entries = [Entry(moment) for moment in range(5)]
    newest, *_, oldest = page(entries, PageArguments(first=5)).edges
    between = window(ORDER, PageArguments(first=2, after=newest.cursor, before=oldest.cursor), OPTIONS)
    assert between == Window(after=(False, -4, "entry 4"), before=(False, 0, "entry 0"), first=2)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"first": -1}, "first"),
        ({"last": 6}, "last"),
        ({"first": 1, "last": 1}, "last"),
        ({"after": "?"}, "after"),
        ({"before": "x" * 5_000}, "before"),
    ],
)
def test_what_no_list_takes_is_refused(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(BadUserInputError) as caught:
        window(ORDER, PageArguments(**arguments), OPTIONS)
    assert caught.value.extensions == {"code": "BAD_USER_INPUT", "argument": named}


def test_a_cursor_of_another_order_is_refused() -> None:
    other: Order[Entry] = Order("entries.MOMENT.ASC", lambda entry: entry.moment, descending=False)
    foreign = KeysetPage(other, Slice((Entry(1),), more_before=False, more_after=False)).edges[0].cursor
    with pytest.raises(BadUserInputError, match="another list or order"):
        window(ORDER, PageArguments(after=foreign), OPTIONS)


def test_an_empty_page_has_nothing_around_it() -> None:
    info = empty_page(ORDER).page_info
    assert (info.has_next_page, info.has_previous_page, info.start_cursor, info.end_cursor) == (
        False,
        False,
        None,
        None,
    )


@settings(deadline=None)
@given(moments=st.sets(st.integers(-9, 9)), sizes=st.lists(st.integers(1, 5), min_size=25), forwards=st.booleans())
def test_pages_are_those_of_a_list_that_is_at_hand(moments: set[int], sizes: list[int], forwards: bool) -> None:
    entries = [Entry(moment) for moment in moments]
    cursor = None
    for size in sizes:
        arguments = PageArguments(first=size, after=cursor) if forwards else PageArguments(last=size, before=cursor)
        fetched, sliced = page(entries, arguments), paginate(ORDER.arrange(entries), arguments, OPTIONS)
        assert (fetched.nodes, fetched.page_info) == (sliced.nodes, sliced.page_info)
        edges, others = ([(edge.cursor, edge.node) for edge in one.edges] for one in (fetched, sliced))
        assert edges == others
        cursor = fetched.page_info.end_cursor if forwards else fetched.page_info.start_cursor


@settings(deadline=None)
@given(data=st.data(), count=st.integers(0, 12), forwards=st.booleans())
def test_what_was_there_is_seen_once_though_newer_ones_come(data: st.DataObject, count: int, forwards: bool) -> None:
    there = [Entry(moment) for moment in range(count)]
    entries = list(there)

    def arrive() -> None:
        entries.extend([Entry(len(entries) + more) for more in range(data.draw(st.integers(0, 3)))])

    seen = walk(lambda arguments: page(entries, arguments), arrive, data, forwards=forwards, most=40)
    assert [entry for entry in seen if entry in there] == list(reversed(there))
    assert seen == sorted(set(seen), key=ORDER.position)


def walk(
    turn: Callable[[PageArguments], KeysetPage[Entry]],
    between: Callable[[], None],
    data: st.DataObject,
    *,
    forwards: bool,
    most: int,
) -> list[Entry]:
    """The items of page after page, in the order of the list; something may happen between two pages."""
    seen: list[Entry] = []
    cursor = None
    for _ in range(most):
        size = data.draw(st.integers(1, 5))
        taken = turn(PageArguments(first=size, after=cursor) if forwards else PageArguments(last=size, before=cursor))
        seen = [*seen, *taken.nodes] if forwards else [*taken.nodes, *seen]
        info = taken.page_info
        if not (info.has_next_page if forwards else info.has_previous_page):
            break
        cursor = info.end_cursor if forwards else info.start_cursor
        between()
    return seen
