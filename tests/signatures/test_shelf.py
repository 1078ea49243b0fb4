"""What is kept is bounded, and given only while it is good."""

from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.signatures.shelf import Shelf


def test_the_one_wanted_least_recently_goes_first() -> None:
    shelf: Shelf[str, int] = Shelf(2, lambda _: True)
    shelf.put("a", 1)
    shelf.put("b", 2)
    assert shelf.get("a") == 1
    shelf.put("c", 3)
    assert (shelf.get("a"), shelf.get("b"), shelf.get("c")) == (1, None, 3)


def test_what_is_not_good_any_more_is_dropped_for_good() -> None:
    good = {5}
    shelf: Shelf[str, int] = Shelf(2, lambda thing: thing in good)
    shelf.put("a", 5)
    assert shelf.get("a") == 5
    good.clear()
    assert shelf.get("a") is None
    good.add(5)
    assert shelf.get("a") is None


def test_a_shelf_without_room_keeps_nothing() -> None:
    shelf: Shelf[str, int] = Shelf(0, lambda _: True)
    shelf.put("a", 1)
    assert shelf.get("a") is None


@given(st.lists(st.tuples(st.integers(0, 9), st.integers())), st.integers(0, 5))
def test_it_never_holds_more_than_its_size(story: list[tuple[int, int]], size: int) -> None:
    shelf: Shelf[int, int] = Shelf(size, lambda _: True)
    for key, thing in story:
        shelf.put(key, thing)
        assert len(shelf) <= size
        assert shelf.get(key) in ({thing} if size else {None})
