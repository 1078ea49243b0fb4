"""JSON in pieces is the JSON that msgspec writes at once."""

from typing import Any

import msgspec
import pytest
from msgspec import Struct

from sent_graphql.pollers.pieces import ITEMS_AT_ONCE, json_pieces


class Thing(Struct, frozen=True):
    """Something with everything in it that is kept."""

    number: int
    things: Any


@pytest.mark.parametrize("count", [0, 1, ITEMS_AT_ONCE, ITEMS_AT_ONCE + 1, 2 * ITEMS_AT_ONCE, 2 * ITEMS_AT_ONCE + 1])
@pytest.mark.parametrize(
    "collect",
    [
        lambda numbers: tuple(Thing(number, None) for number in numbers),
        lambda numbers: {number: Thing(number, (number,)) for number in numbers},
        lambda numbers: {f'"{number}"': number for number in numbers},
        lambda numbers: frozenset(map(str, numbers)),
        lambda numbers: [{"of": list(numbers)}],
    ],
)
def test_the_pieces_are_what_would_be_written_at_once(collect: Any, count: int) -> None:
    value = Thing(1, Thing(2, collect(range(count))))
    assert b"".join(json_pieces(value)) == msgspec.json.encode(value)


def test_no_piece_has_more_than_some_items() -> None:
    numbers = tuple(range(10 * ITEMS_AT_ONCE))
    assert max(len(piece) for piece in json_pieces(Thing(1, numbers))) < len(msgspec.json.encode(numbers)) / 5
