"""JSON from strangers, and the words that refuse it."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from sent_graphql.http.json_texts import BadJsonError, JsonReader, read_object


class Letter(msgspec.Struct, rename="camel"):
    """What is read here."""

    to_whom: str
    text: str | None = None
    extras: dict[str, Any] | None = None
    rest: msgspec.Raw = msgspec.Raw()


READER = JsonReader(Letter, "The letter", "letter.")


def words(read: Callable[[], object]) -> str:
    """Why a text is refused."""
    with pytest.raises(BadJsonError) as refused:
        read()
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "The letter is not JSON: it is empty"),
        (b" \n", "The letter is not JSON: it is empty"),
        (b'{"toWhom":', "The letter is not JSON: it ends too early"),
        ('{"toWhom": "é'.encode(), "The letter is not JSON: it ends too early"),
        (b'{"toWhom": "a"} b', "The letter is not JSON: line 1, column 17 is not understood"),
        (b'{\n "toWhom": NaN}', "The letter is not JSON: line 2, column 12 is not understood"),
        (b"{'toWhom': 1}", "The letter is not JSON: line 1, column 2 is not understood"),
        (b'{"toWhom": "\\ud800"}', "The letter is not JSON: line 1, column 13 is not understood"),
        (b'{"toWhom": "\xff"}', "The letter is not JSON: byte 13 is not UTF-8"),
        ('{"toWhom": "a"}'.encode("utf-16"), "The letter is not JSON: byte 1 is not UTF-8"),
        (b'\xef\xbb\xbf{"toWhom": "a"}', "The letter is not JSON: it begins with a byte order mark"),
        (b'{"toWhom": "a", "extras": {"a": 1e999}}', "The letter has a number that is too large, at line 1, column 33"),
        (b'{"toWhom": ' + b"9" * 5_000 + b"}", "The letter has a number that is too large, at line 1, column 12"),
        (b"[" * 10_000, "The letter is not JSON that is read here: it is nested too deeply"),
        (
            b"[" + b"[]," * 10_000,
            (
                "The letter is not JSON that is read here: "
                "it is nested too deeply, or has more than 10000 lists and objects"
            ),
        ),
        (b"null", "The letter is null: it must be an object"),
        (b"[{}]", "The letter is an array: it must be an object"),
        (b'"a"', "The letter is a string: it must be an object"),
        (b"1.5", "The letter is a number: it must be an object"),
        (b"true", "The letter is a boolean: it must be an object"),
        (b"{}", "`letter.toWhom` is missing"),
        (b'{"toWhom": null}', "`letter.toWhom` is null: it must be a string"),
        (b'{"toWhom": "a", "text": {}}', "`letter.text` is an object: it must be a string"),
        (b'{"toWhom": "a", "extras": []}', "`letter.extras` is an array: it must be an object"),
        (b'{"toWhom": 1, "toWhom": "a"}', "The letter says something twice: each name is to be given once"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_what_is_no_letter_is_told_where_and_what_is_wanted(text: bytes, said: str) -> None:
    assert words(lambda: READER.read(text)) == said


def test_a_letter_is_read_with_numbers_as_they_are_and_without_what_it_must_not_have() -> None:
    letter = READER.read(b'{"toWhom": "a", "extras": {"n": 9007199254740993}, "other": 1, "rest": [1]}')
    assert letter == Letter("a", extras={"n": 9_007_199_254_740_993}, rest=msgspec.Raw(b"[1]"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "`extras` is not JSON: it is empty"),
        (b"[]", "`extras` is an array: it must be an object"),
        (b"0", "`extras` is a number: it must be an object"),
        (b"{", "`extras` is not JSON: it ends too early"),
        (b"[" * 2_000, "`extras` is not JSON that is read here: it is nested too deeply"),
        (b'{"a": -1e999}', "`extras` has a number that is too large, at line 1, column 7"),
    ],
)
def test_what_is_no_object_is_told_so(text: bytes, said: str) -> None:
    assert words(lambda: read_object(text, "`extras`")) == said


def test_an_object_may_be_null() -> None:
    assert read_object(b"null", "`extras`") is None
    assert read_object(b'{"a": 1}', "`extras`") == {"a": 1}
