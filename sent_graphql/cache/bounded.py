"""A mapping that is bounded in bytes."""

from collections import OrderedDict
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

ENTRY_BYTES: Final = 512
"""What an entry takes beside its contents, roughly: the key, the objects and the place in the mapping."""


class BoundedMap(Generic[K, V]):
    """Values under keys, of `max_bytes` in all at most; beyond, what was not asked for longest goes first.

    A value that would take more than one `largest_share`th of all is not kept.
    """

    def __init__(self, max_bytes: int, *, largest_share: int = 1) -> None:
        self._max_bytes = max_bytes
        self._largest = max_bytes // largest_share
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """Number of values."""
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """What all values are reckoned to take."""
        return self._bytes

    def get(self, key: K) -> V | None:
        """The value; it is the last to go from now on."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def set(self, key: K, value: V, size: int) -> None:
        """Keeps a value whose contents, and those of its key, take `size` bytes."""
        self.drop(key)
        size += ENTRY_BYTES
        if size > self._largest:
            return
        self._entries[key] = (value, size)
        self._bytes += size
        while self._bytes > self._max_bytes:
            _, (_, freed) = self._entries.popitem(last=False)
            self._bytes -= freed

    def drop(self, key: K) -> None:
        """Keeps it no longer."""
        _, freed = self._entries.pop(key, (None, 0))
        self._bytes -= freed

    def clear(self) -> None:
        """Keeps nothing."""
        self._entries.clear()
        self._bytes = 0
