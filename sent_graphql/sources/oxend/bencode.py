"""bt-encoding: the bencoded form in which OxenMQ commands may be asked and answered instead of JSON."""

from typing import Final, TypeAlias

from sent_graphql.sources.oxend.optional import optional_module

BtValue: TypeAlias = "int | bytes | list[BtValue] | dict[bytes, BtValue]"

MAX_DEPTH: Final = 64
"""Deepest nesting read or written."""

MAX_BYTES: Final = 16 * 1024 * 1024
"""Longest text read."""

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**64 - 1
"""oxend keeps integers in 64 bits, signed when negative."""

_LENGTH_DIGITS: Final = len(str(MAX_BYTES))
_INT_CHARACTERS: Final = len(str(INT_MIN)) + 1


class BtError(ValueError):
    """Not bt-encoding, or beyond the bounds."""


def bt_serialize(value: BtValue) -> bytes:
    """`value` in its one canonical form (keys sorted). Raises BtError for what cannot be written."""
    parts: list[bytes] = []
    _write(value, parts, 0)
    oxenc = optional_module("oxenc")
    return b"".join(parts) if oxenc is None else bytes(oxenc.bt_serialize(value))


def bt_deserialize(data: bytes) -> BtValue:
    """The value that `data` stands for. Raises BtError; only the canonical form is accepted.

    Always our own reading: oxenc gives None for negative integers and has no bound on nesting.
    """
    if len(data) > MAX_BYTES:
        raise BtError(f"longer than {MAX_BYTES} bytes")
    value, end = _read(data, 0, 0)
    if end != len(data):
        raise BtError(f"something follows the value at byte {end}")
    return value


def _write(value: object, parts: list[bytes], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BtError(f"nested deeper than {MAX_DEPTH}")
    match value:
        case bool():
            raise BtError("bt-encoding has no booleans: use 0 and 1")
        case int():
            if not INT_MIN <= value <= INT_MAX:
                raise BtError("an integer beyond 64 bits")
            parts.append(b"i%de" % value)
        case bytes():
            parts.append(b"%d:%b" % (len(value), value))
        case list():
            parts.append(b"l")
            for item in value:
                _write(item, parts, depth + 1)
            parts.append(b"e")
        case dict():
            _write_dict(value, parts, depth)
        case _:
            raise BtError(f"cannot be written: {type(value).__name__}")


def _write_dict(value: dict[bytes, object], parts: list[bytes], depth: int) -> None:
    if not all(isinstance(key, bytes) for key in value):
        raise BtError("keys must be bytes")
    parts.append(b"d")
    for key in sorted(value):
        _write(key, parts, depth)
        _write(value[key], parts, depth + 1)
    parts.append(b"e")


def _read(data: bytes, at: int, depth: int) -> tuple[BtValue, int]:
    """The value that begins at byte `at`, and where it ends."""
    if depth > MAX_DEPTH:
        raise BtError(f"nested deeper than {MAX_DEPTH}")
    kind = data[at : at + 1]
    if kind == b"i":
        return _read_int(data, at)
    if kind == b"l":
        return _read_list(data, at, depth)
    if kind == b"d":
        return _read_dict(data, at, depth)
    if kind.isdigit():
        return _read_bytes(data, at)
    raise BtError(f"no value begins at byte {at}")


def _read_int(data: bytes, at: int) -> tuple[int, int]:
    end = data.find(b"e", at, at + _INT_CHARACTERS + 2)
    digits = data[at + 1 : end] if end > 0 else b""
    unsigned = digits.removeprefix(b"-")
    if not unsigned.isdigit():
        raise BtError(f"no integer at byte {at}")
    value = int(digits)
    if b"%d" % value != digits or not INT_MIN <= value <= INT_MAX:
        raise BtError(f"not a canonical 64-bit integer at byte {at}")
    return value, end + 1


def _read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    colon = data.find(b":", at, at + _LENGTH_DIGITS + 1)
    digits = data[at:colon] if colon > 0 else b""
    if not digits.isdigit() or (len(digits) > 1 and digits[:1] == b"0"):
        raise BtError(f"no length at byte {at}")
    start = colon + 1
    end = start + int(digits)
    if end > len(data):
        raise BtError(f"the text at byte {at} is cut off")
    return data[start:end], end


def _read_list(data: bytes, at: int, depth: int) -> tuple[list[BtValue], int]:
    items: list[BtValue] = []
    at += 1
    while data[at : at + 1] != b"e":
        item, at = _read(data, at, depth + 1)
        items.append(item)
    return items, at + 1


def _read_dict(data: bytes, at: int, depth: int) -> tuple[dict[bytes, BtValue], int]:
    items: dict[bytes, BtValue] = {}
    last: bytes | None = None
    at += 1
    while data[at : at + 1] != b"e":
        if not data[at : at + 1].isdigit():
            raise BtError(f"no key at byte {at}")
        key, at = _read_bytes(data, at)
        if last is not None and key <= last:
            raise BtError(f"keys are not in order at byte {at}")
        items[key], at = _read(data, at, depth + 1)
        last = key
    return items, at + 1
