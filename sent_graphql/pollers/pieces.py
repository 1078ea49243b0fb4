"""JSON of something large, made piece by piece, so that no other thread waits long for its turn.

An encoder in C holds the interpreter from its first byte to its last: tens of milliseconds for some thousand nodes, in
whichever thread it runs.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")

ITEMS_AT_ONCE: Final = 200
"""Items of a collection that are encoded in one piece: about a millisecond."""


def json_pieces(value: object) -> Iterator[bytes]:
    """The JSON of `value` as msgspec writes it, from structs whose fields are written by their names."""
    if isinstance(value, Struct):
        before = b"{"
        for name in value.__struct_fields__:
            yield before + msgspec.json.encode(name) + b":"
            yield from json_pieces(getattr(value, name))
            before = b","
        yield b"}"
    elif isinstance(value, dict) and len(value) > ITEMS_AT_ONCE:
        yield from _in_chunks(b"{}", value.items(), dict)
    elif isinstance(value, tuple | list | frozenset) and len(value) > ITEMS_AT_ONCE:
        yield from _in_chunks(b"[]", value, list)
    else:
        yield msgspec.json.encode(value)


def _in_chunks(brackets: bytes, items: Iterable[T], collect: Callable[[Iterable[T]], object]) -> Iterator[bytes]:
    rest = iter(items)
    before = brackets[:1]
    while chunk := list(islice(rest, ITEMS_AT_ONCE)):
        yield before + msgspec.json.encode(collect(chunk))[1:-1]
        before = b","
    yield brackets[1:]
