"""base32z is read and written as the Oxen tools do."""

import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.sources.oxend.base32z import ALPHABET, Base32zError, from_base32z, to_base32z


def test_a_key_of_32_bytes_takes_52_letters() -> None:
    assert to_base32z(bytes(32)) == "y" * 52
    assert to_base32z(b"\xff" * 32) == "9" * 51 + "o"


@pytest.mark.parametrize(
    ("data", "text"), [(b"", ""), (b"\x00", "yy"), (b"\xf0\xbf\xc7", "6n9hq"), (b"hello", "pb1sa5dx")]
)
def test_known_texts(data: bytes, text: str) -> None:
    assert to_base32z(data) == text
    assert from_base32z(text) == from_base32z(text.upper()) == data


@given(st.binary(max_size=80))
def test_what_is_written_is_read_back(data: bytes) -> None:
    assert from_base32z(to_base32z(data)) == data


@given(st.text(st.sampled_from(ALPHABET), max_size=60))
def test_a_value_has_one_text_only(text: str) -> None:
    try:
        data = from_base32z(text)
    except Base32zError:
        return
    assert to_base32z(data) == text


@pytest.mark.parametrize("text", ["y", "yyy", "yl", "0y", "y9", "ÿy", "y y"])
def test_what_no_bytes_are_written_as_is_refused(text: str) -> None:
    with pytest.raises(Base32zError):
        from_base32z(text)


def test_oxenc_serves_where_it_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    oxenc = SimpleNamespace(to_base32z=lambda data: f"theirs {len(data)}", from_base32z=lambda text: text.encode())
    monkeypatch.setitem(sys.modules, "oxenc", oxenc)
    assert to_base32z(b"123") == "theirs 3"
    assert from_base32z("yy") == b"yy"
    with pytest.raises(Base32zError):
        from_base32z("not base32z")
