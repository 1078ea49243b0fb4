"""A mapping that is bounded in bytes."""

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.cache.bounded import ENTRY_BYTES, BoundedMap

BOUND = 10 * (ENTRY_BYTES + 100)


def test_what_was_not_asked_for_longest_goes_first() -> None:
    kept: BoundedMap[str, int] = BoundedMap(2 * (ENTRY_BYTES + 10))
    kept.set("a", 1, 10)
    kept.set("b", 2, 10)
    assert kept.get("a") == 1
    kept.set("c", 3, 10)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)


def test_a_value_beyond_its_share_is_not_kept_and_drives_nobody_out() -> None:
    kept: BoundedMap[str, int] = BoundedMap(BOUND, largest_share=5)
    kept.set("small", 1, 10)
    kept.set("large", 2, BOUND // 5)
    assert (kept.get("small"), kept.get("large")) == (1, None)


def test_a_bound_of_nothing_keeps_nothing() -> None:
    kept: BoundedMap[str, int] = BoundedMap(0)
    kept.set("a", 1, 0)
    assert (kept.get("a"), len(kept), kept.bytes) == (None, 0, 0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["get", "set", "drop", "clear"]), st.integers(0, 12), st.integers(0, BOUND + ENTRY_BYTES)
        ),
        max_size=60,
    )
)
def test_it_is_the_newest_that_fit_and_never_more_than_the_bound(steps: list[tuple[str, int, int]]) -> None:
    kept: BoundedMap[int, int] = BoundedMap(BOUND, largest_share=2)
    model: OrderedDict[int, int] = OrderedDict()
    for step, key, size in steps:
        if step == "get":
            assert kept.get(key) == model.get(key)
            if key in model:
                model.move_to_end(key)
        elif step == "set":
            kept.set(key, size, size)
            model.pop(key, None)
            if size + ENTRY_BYTES <= BOUND // 2:
                model[key] = size
            while sum(model.values()) + ENTRY_BYTES * len(model) > BOUND:
                model.popitem(last=False)
        elif step == "drop":
            kept.drop(key)
            model.pop(key, None)
        else:
            kept.clear()
            model.clear()
        assert len(kept) == len(model)
        assert kept.bytes == sum(model.values()) + ENTRY_BYTES * len(model) <= BOUND
