"""Documents parsed into trees that the garbage collector need not look at.

A tree is thousands of objects, and hundreds are kept. Looking through all of them, as the collector does now and then,
would hold the event loop for up to half a second, and would find nothing: once its tokens are no chain any more, no
object of a tree is part of a circle, and all of them go as soon as nobody has the document.
"""

import ctypes
import gc
from collections.abc import Iterator
from typing import Any, Final

from graphql import DocumentNode, GraphQLSyntaxError, Node, Source, Token, parse
from msgspec import Struct

MAX_LINES: Final = 5_000
"""Lines of a document: to tell where something is wrong, those ahead are counted for each error."""


class Place(Struct, frozen=True, gc=False):
    """What graphql-core looks at of a Location, without its tokens."""

    start: int
    end: int
    source: Source


def parsed(text: str, max_tokens: int | None) -> DocumentNode:
    """The tree of a document; GraphQLSyntaxError where there is none."""
    if text.count("\n") + text.count("\r") >= MAX_LINES:
        raise GraphQLSyntaxError(Source(text), 0, f"Document contains more than {MAX_LINES} lines.")
    tree = parse(text, max_tokens=max_tokens)
    assert tree.loc is not None, "locations were not declined"
    token: Token | None = tree.loc.start_token
    _hide(tree)
    while token is not None:
        ahead, token.prev, token.next = token.next, None, None
        token = ahead
    return tree


_untrack = ctypes.pythonapi.PyObject_GC_UnTrack
_untrack.argtypes = [ctypes.py_object]
_untrack.restype = None


def _kinds(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


_NODES: Final = frozenset(_kinds(Node))
_INNER: Final = _NODES | {tuple, list, dict}
"""What trees are made of, beside texts, numbers and places."""


def _hide(tree: DocumentNode) -> None:
    """Puts places for locations, and has the collector pass over all parts."""
    waiting: list[Any] = [tree]
    while waiting:
        part = waiting.pop()
        if type(part) in _NODES and part.loc is not None:
            object.__setattr__(part, "loc", Place(part.loc.start, part.loc.end, part.loc.source))
        _untrack(part)
        waiting += [inner for inner in gc.get_referents(part) if type(inner) in _INNER]
