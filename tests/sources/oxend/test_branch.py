"""What is remembered of the chain's newest blocks."""

from collections.abc import Callable

import msgspec
import pytest

from sent_graphql.models.oxend import OxendView
from sent_graphql.sources.oxend.branch import BLOCKS_KEPT, Branch
from sent_graphql.sources.oxend.replies import BlockHeader


def header(height: int, branch: str = "a", *, parent: str | None = None) -> BlockHeader:
    return BlockHeader(height=height, hash=f"{branch}{height}", timestamp=0, prev_hash=parent)


Seen = Callable[[int, dict[int, str]], OxendView]


@pytest.fixture
def seen() -> Seen:
    """A view with that top block of branch `a` and that memory."""
    empty: dict[str, object] = {
        "nodes": [],
        "exit_list": [],
        "pending_registrations": [],
        "pending_unlocks": [],
        "accrued": {},
    }
    numbers = dict.fromkeys(
        (
            *("hard_fork", "block_timestamp", "target_block_seconds", "staking_requirement"),
            *("max_contributors", "min_operator_contribution"),
        ),
        0,
    )

    def make(height: int, branch: dict[int, str]) -> OxendView:
        heights = {"block_height": height, "chain_height": height + 1, "block_hash": f"a{height}"}
        texts = {"nettype": "localdev", "version": "11"}
        return msgspec.convert({**empty, **numbers, **heights, **texts, "branch": branch}, OxendView)

    return make


def test_announced_blocks_and_the_parent_are_remembered_with_the_top() -> None:
    branch = Branch()
    branch.announced(8, "a8")
    assert branch.up_to(header(10, parent="a9"), None) == {8: "a8", 9: "a9", 10: "a10"}


def test_what_was_known_before_goes_on(seen: Seen) -> None:
    branch = Branch()
    branch.announced(10, "a10")
    assert branch.up_to(header(11), seen(9, {8: "a8", 9: "a9"})) == {8: "a8", 9: "a9", 10: "a10", 11: "a11"}


def test_another_branch_takes_the_place_of_the_old_one(seen: Seen) -> None:
    branch = Branch()
    branch.announced(10, "a10")
    branch.announced(9, "b9")
    branch.announced(10, "b10")
    after = branch.up_to(header(11, "b"), seen(10, {8: "a8", 9: "a9", 10: "a10"}))
    assert after == {8: "a8", 9: "b9", 10: "b10", 11: "b11"}


def test_blocks_above_the_top_are_no_longer_of_the_chain(seen: Seen) -> None:
    assert Branch().up_to(header(9, "b"), seen(10, {8: "a8", 9: "a9", 10: "a10"})) == {8: "a8", 9: "b9"}


def test_a_block_announced_after_the_round_counts_for_the_next(seen: Seen) -> None:
    branch = Branch()
    branch.announced(11, "a11")
    assert branch.up_to(header(10), seen(9, {})) == {9: "a9", 10: "a10"}
    assert branch.up_to(header(12), seen(10, {})) == {10: "a10", 11: "a11", 12: "a12"}


def test_the_memory_is_bounded(seen: Seen) -> None:
    branch = Branch()
    for height in range(2 * BLOCKS_KEPT):
        branch.announced(height, f"a{height}")
    known = branch.up_to(header(2 * BLOCKS_KEPT), seen(0, {}))
    assert len(known) == BLOCKS_KEPT
    assert min(known) == BLOCKS_KEPT + 1
