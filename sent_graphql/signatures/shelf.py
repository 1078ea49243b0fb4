"""Signatures kept while they are good, so that oxend is not asked for one that is at hand."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Shelf(Generic[K, T]):
    """At most `size` things by key; the one that was wanted least recently goes first."""

    def __init__(self, size: int, is_good: Callable[[T], bool]) -> None:
        """`is_good` says whether a thing that was kept may still be handed out."""
        self._size = size
        self._is_good = is_good
        self._kept: OrderedDict[K, T] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> T | None:
        """What is kept under `key`; one that is not good any more is dropped."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if not self._is_good(kept):
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return kept

    def put(self, key: K, thing: T) -> None:
        """Keeps `thing` under `key`, in place of what was there."""
        self._kept[key] = thing
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
