"""Which parts of a snapshot differ."""

from typing import Any

import pytest

from sent_graphql.models.contracts import Recipient
from sent_graphql.models.parts import EVERYTHING, Part, changed_parts

ALWAYS = Part.META | Part.OUTSIDE


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ({}, Part(0)),
        ({"block_height": 7}, Part.NETWORK),
        ({"accrued": {"a": 2}}, Part.REWARDS),
        ({"recipients": {"a": Recipient(credited=1, claimed=0)}}, Part.REWARDS),
        ({"contracts": ()}, Part.CONTRIBUTION_CONTRACTS),
    ],
)
def test_each_part_is_compared_by_itself(make: Any, fields: dict[str, Any], changed: Part) -> None:
    common = {"accrued": {"a": 1}, "contracts": (make.contract(1),)}
    old = make.snapshot(make.state(make.node(1), **common))
    new = make.snapshot(make.state(make.node(1), **(common | fields)))
    assert changed_parts(old, new) == ALWAYS | changed


def test_another_node_changes_the_nodes(make: Any) -> None:
    old, new = (make.snapshot(make.state(make.node(number))) for number in (1, 2))
    assert changed_parts(old, new) == ALWAYS | Part.NODES


def test_a_source_that_fares_otherwise_changes_nothing_but_meta(make: Any) -> None:
    state = make.state(make.node(1))
    assert changed_parts(make.snapshot(state), make.snapshot(state, stale=True)) == ALWAYS


def test_the_first_state_changes_everything(make: Any) -> None:
    assert changed_parts(make.snapshot(None), make.snapshot(make.state())) == EVERYTHING


def test_the_same_snapshot_leaves_only_what_is_outside_it(make: Any) -> None:
    snapshot = make.snapshot(make.state())
    assert changed_parts(snapshot, snapshot) == Part.OUTSIDE
