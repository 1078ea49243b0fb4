"""Large answers are encoded in pieces, to the same bytes, while others go on."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.execution import encoding
from sent_graphql.execution.encoding import encoded, pieces

FEW = 10_000

LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5)


def keyed(inner: Any) -> Any:
    """Objects of these."""
    return st.dictionaries(st.text(max_size=3), inner)


VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner), max_leaves=60
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"a": LEAVES}, optional={"b": st.lists(st.fixed_dictionaries({"c": LEAVES, "d": st.lists(LEAVES)}))}
    )
)


@given(
    answer=VALUES | st.fixed_dictionaries({"data": st.dictionaries(st.text(max_size=3), ROWS)}), size=st.integers(0, 20)
)
def test_the_bytes_are_those_of_one_piece(answer: Any, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "PIECE", size)
        assert b"".join(pieces(answer)) == orjson.dumps(answer)


def outlier() -> Any:
    """One row has almost everything."""
    rows: list[Any] = [{"inner": None, "name": "a"} for _ in range(100)]
    rows[60] = {"inner": {"list": [{"name": "b", "id": number} for number in range(5 * FEW)]}, "name": "c"}
    return {"data": {"rows": rows}}


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {"rows": [{"id": number, "of": [number] * 5} for number in range(FEW)]}},
        {"data": {"rows": [{"a": [{"b": None, "c": "d"}] * (number % 50)} for number in range(2_000)]}},
        {f"a{number}": list(range(FEW // 10)) for number in range(100)},
        outlier(),
    ],
)
def test_no_piece_is_large(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "PIECE", FEW)
    made = list(pieces(answer))
    assert b"".join(made) == orjson.dumps(answer)
    assert max(map(len, made)) < 20 * FEW
    assert len(made) < 2_000


async def test_others_go_on_in_between(monkeypatch: pytest.MonkeyPatch, turns: Any) -> None:
    monkeypatch.setattr(encoding, "SLICE", 0.0)
    monkeypatch.setattr(encoding, "PIECE", FEW)
    answer = {"data": {"rows": [{"id": number} for number in range(5 * FEW)]}}
    before = turns()
    assert await encoded(answer) == orjson.dumps(answer)
    assert turns() - before > 5


async def test_what_cannot_be_encoded_is_told_as_ever() -> None:
    with pytest.raises(TypeError):
        await encoded({"data": [object()] * (2 * FEW)})
