"""JSON from strangers: read within bounds, and refused in words that tell what is wrong, where, and what is wanted."""

from collections.abc import Mapping
from types import NoneType
from typing import Any, Final, Generic, TypeVar

import msgspec
import orjson

UNSUSPICIOUS_BRACKETS: Final = 256
"""Opening brackets in a JSON text that cannot nest deeply enough to matter."""

MOST_BRACKETS: Final = 10_000
"""Opening brackets in a JSON text: lists and objects take their time to be made, and documents have far fewer."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_KINDS: Final[Mapping[type, str]] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    NoneType: "null",
}

_WANTED: Final[Mapping[Any, str]] = {str: "a string", str | None: "a string", dict[str, Any] | None: "an object"}

_NESTED: Final = "is not JSON that is read here: it is nested too deeply"

Read = TypeVar("Read", bound=msgspec.Struct)


class BadJsonError(Exception):
    """A text that is no JSON, or says something else than what is wanted. Its words are for the client."""


class JsonReader(Generic[Read]):
    """Reads objects as a struct, whose members they have; what else they have is left out.

    Refusals call them `what`, and name their members behind `path`.
    """

    def __init__(self, struct: type[Read], what: str, path: str = "") -> None:
        self._decoder = msgspec.json.Decoder(struct)
        self._fields = msgspec.structs.fields(struct)
        self._what = what
        self._path = path

    def read(self, text: bytes) -> Read:
        """What is said; BadJsonError where it is nothing."""
        bound_nesting(text, self._what)
        try:
            return self._decoder.decode(text)
        except RecursionError:
            raise BadJsonError(f"{self._what} {_NESTED}") from None
        except (msgspec.DecodeError, UnicodeError):
            raise BadJsonError(self._misfit(_decoded(text, self._what))) from None

    def _misfit(self, value: object) -> str:
        """What is wrong with what is JSON."""
        if not isinstance(value, dict):
            return _other_kind(self._what, value, "an object")
        for field in self._fields:
            name = f"`{self._path}{field.encode_name}`"
            if field.encode_name not in value:
                if field.required:
                    return f"{name} is missing"
                continue
            try:
                msgspec.convert(value[field.encode_name], field.type)
            except msgspec.ValidationError:
                return _other_kind(name, value[field.encode_name], _WANTED[field.type])
        return f"{self._what} says something twice: each name is to be given once"


def read_object(text: bytes, what: str) -> dict[str, Any] | None:
    """An object, or null; BadJsonError where it is something else."""
    bound_nesting(text, what)
    try:
        value = msgspec.json.decode(text)
    except RecursionError:
        raise BadJsonError(f"{what} {_NESTED}") from None
    except (msgspec.DecodeError, UnicodeError):
        value = _decoded(text, what)
    if value is None or isinstance(value, dict):
        return value
    raise BadJsonError(_other_kind(what, value, "an object"))


def bound_nesting(text: bytes, what: str) -> None:
    """Refuses JSON that is nested too deeply, or all of lists and objects.

    msgspec only stops at Python's recursion limit, which libraries raise so far that the stack would end first, and
    the process with it. orjson stops at a fixed depth; few texts have enough brackets to be worth its look.
    """
    brackets = text.count(b"[") + text.count(b"{")
    if brackets > MOST_BRACKETS:
        raise BadJsonError(f"{what} {_NESTED}, or has more than {MOST_BRACKETS} lists and objects")
    if brackets > UNSUSPICIOUS_BRACKETS:
        _decoded(text, what)


def _decoded(text: bytes, what: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadJsonError(f"{what} {_flaw(text, error)}") from None


def _flaw(text: bytes, error: orjson.JSONDecodeError) -> str:
    """What keeps a text from being JSON; people count lines and columns from one."""
    place = f"line {error.lineno}, column {error.colno}"
    if not text.strip():
        return "is not JSON: it is empty"
    if text.startswith(_BYTE_ORDER_MARK):
        return "is not JSON: it begins with a byte order mark"
    try:
        text.decode()
    except UnicodeDecodeError as wrong:
        return f"is not JSON: byte {wrong.start + 1} is not UTF-8"
    if "depth" in error.msg:
        return _NESTED
    if "infinity" in error.msg:
        return f"has a number that is too large, at {place}"
    if error.pos >= len(error.doc):
        return "is not JSON: it ends too early"
    return f"is not JSON: {place} is not understood"


def _other_kind(what: str, value: object, wanted: str) -> str:
    return f"{what} is {_KINDS[type(value)]}: it must be {wanted}"
