"""Answers as JSON, piece by piece: orjson lets nobody else go on meanwhile, for one to two ms with each MB."""

import asyncio
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

import orjson

from sent_graphql.execution.slices import SLICE, Slices

PIECE: Final = 75_000
"""Values that are encoded in one piece: 10 MB at most, which take one slice."""

SMALL: Final = 200
"""Values of an answer that are counted one by one; of more, only columns are looked at."""

FRAGMENT: Final = 20
"""Values that an object counts as which is in JSON already: its 4 kB at most are only copied."""


async def encoded(answer: object) -> bytes:
    """What orjson makes of the answer in one piece; between pieces, others go on."""
    slices = Slices(may_wait=True, seconds=SLICE)
    made = []
    for piece in pieces(answer):
        made.append(piece)
        if slices.used_up():
            await slices.next()
    # In a thread, for joining as much as this lets go of the interpreter.
    return made[0] if len(made) == 1 else await asyncio.to_thread(b"".join, made)


def pieces(answer: object) -> Iterator[bytes]:
    """The same in pieces of no more than PIECE values each."""
    if _is_small(answer) or weight([answer]) <= PIECE:
        yield orjson.dumps(answer)
    else:
        yield from _parts(answer)


def _is_small(answer: object) -> bool:
    """Whether one look at its values tells that they are few."""
    seen = [answer]
    for value in seen:
        if type(value) is dict:
            seen += value.values()
        elif type(value) is list:
            seen += value
        if len(seen) > SMALL:
            return False
    return True


def _parts(value: Any) -> Iterator[bytes]:  # noqa: ANN401 - anything that orjson takes
    if type(value) is dict and value and all(type(key) is str for key in value):
        for place, (key, part) in enumerate(value.items()):
            yield (b"," if place else b"{") + orjson.dumps(key) + b":"
            yield from _parts(part)
        yield b"}"
    elif type(value) is list:
        yield b"["
        yield from _items(value)
        yield b"]"
    else:
        yield orjson.dumps(value)


def _items(items: list[Any]) -> Iterator[bytes]:
    heavy = weight(items)
    if not items or heavy <= PIECE:
        yield orjson.dumps(items)[1:-1]
    elif len(items) == 1:
        yield from _parts(items[0])
    else:
        step = max(1, min(len(items) // 2, len(items) * PIECE // (2 * heavy)))
        for start in range(0, len(items), step):
            if start:
                yield b","
            yield from _items(items[start : start + step])


def weight(values: list[Any]) -> int:
    """How many values there are in these, which are all of one kind: a list's items, or what they have under one key.

    Looked at by columns: all of a list or of a column has one type, so that its first value tells what is in it.
    """
    first = next((value for value in values if value is not None), None)
    total = len(values)
    if type(first) is orjson.Fragment:
        return total * FRAGMENT
    if type(first) is list:
        return total + weight(list(chain.from_iterable(value for value in values if type(value) is list)))
    if type(first) is dict:
        rows = [value for value in values if type(value) is dict]
        for key in first:
            found = next((row[key] for row in rows if row.get(key) is not None), None)
            total += weight([row.get(key) for row in rows]) if type(found) in _HEAVY else len(rows)
    return total


_HEAVY: Final = frozenset({list, dict, orjson.Fragment})
"""What values are in, and what has been made of many."""
