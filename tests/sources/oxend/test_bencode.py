"""bt-encoding: one form for one value, and nothing else is read."""

import sys
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sent_graphql.sources.oxend import bencode
from sent_graphql.sources.oxend.bencode import (
    INT_MAX,
    INT_MIN,
    MAX_BYTES,
    MAX_DEPTH,
    BtError,
    BtValue,
    bt_deserialize,
    bt_serialize,
)

VALUES = st.recursive(
    st.integers(INT_MIN, INT_MAX) | st.binary(max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.binary(max_size=8), inner, max_size=5),
    max_leaves=20,
)


@given(VALUES)
@settings(max_examples=200)
def test_what_is_written_is_read_back(value: BtValue) -> None:
    assert bt_deserialize(bt_serialize(value)) == value


@given(st.binary(max_size=40) | st.text(st.sampled_from("ilde0123456789:-"), max_size=40).map(str.encode))
@settings(max_examples=300)
def test_any_bytes_are_either_canonical_or_refused(data: bytes) -> None:
    try:
        value = bt_deserialize(data)
    except BtError:
        return
    assert bt_serialize(value) == data


def test_keys_are_sorted() -> None:
    assert bt_serialize({b"b": 1, b"a": [b"x", -5]}) == b"d1:al1:xi-5ee1:bi1ee"


@pytest.mark.parametrize(
    "data", [b"i-5e", b"i0e", b"i18446744073709551615e", b"i-9223372036854775808e", b"0:", b"le", b"de"]
)
def test_edges_are_read(data: bytes) -> None:
    assert bt_serialize(bt_deserialize(data)) == data


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"x", b"i", b"ie", b"i-e", b"i-0e", b"i01e", b"i+1e", b"i 1e", b"i1", b"i18446744073709551616e"),
        *(b"i-9223372036854775809e", b"i" + b"9" * 5000 + b"e", b"5:abc", b"01:a", b"-1:a", b"99999999999999:a", b"1a"),
        *(
            b"l",
            b"li1e",
            b"d",
            b"d1:a",
            b"d1:ai1e",
            b"di1ei1ee",
            b"d1:bi1e1:ai1ee",
            b"d1:ai1e1:ai2ee",
            b"lee",
            b"i1ei2e",
        ),
    ],
)
def test_what_is_not_canonical_is_refused(data: bytes) -> None:
    with pytest.raises(BtError):
        bt_deserialize(data)


@pytest.mark.parametrize("value", [INT_MAX + 1, INT_MIN - 1, True, "text", 1.5, None, {"a": 1}, {1: 1}, [[None]]])
def test_what_has_no_form_is_refused(value: BtValue) -> None:
    with pytest.raises(BtError):
        bt_serialize(value)


def test_nesting_is_bounded() -> None:
    deep: BtValue = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert bt_deserialize(bt_serialize(deep)) == deep
    with pytest.raises(BtError):
        bt_serialize([deep])
    with pytest.raises(BtError):
        bt_deserialize(b"l" * 100_000 + b"e" * 100_000)


def test_length_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_BYTES == 16 * 1024 * 1024
    monkeypatch.setattr(bencode, "MAX_BYTES", 4)
    with pytest.raises(BtError):
        bt_deserialize(b"3:abc")


def test_oxenc_writes_where_it_imports_and_never_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """oxenc reads negative integers as None."""
    oxenc = SimpleNamespace(bt_serialize=lambda _: b"theirs", bt_deserialize=lambda _: None)
    monkeypatch.setitem(sys.modules, "oxenc", oxenc)
    assert bt_serialize([1]) == b"theirs"
    assert bt_deserialize(b"i-5e") == -5
    with pytest.raises(BtError):
        bt_serialize(True)
