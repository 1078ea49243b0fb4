"""What a question's answer was at one version, as the bytes that are sent."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeVar

import orjson
from msgspec import Struct

Parts: TypeAlias = tuple[bytes, ...]
"""An item of a list: its JSON in each of the selections that the question makes of it."""

V_contra = TypeVar("V_contra", contravariant=True)


class View(Protocol[V_contra]):
    """An answer. `since` gives the message that brings a reader here from `base`; null when nothing differs."""

    @property
    def size(self) -> int:
        """Bytes of its JSON."""

    def since(self, base: V_contra | None) -> bytes | None:
        """Without a base, the message for who has nothing yet."""


class WholeView(Struct, frozen=True):
    """An answer that is always sent whole."""

    payload: bytes

    @property
    def size(self) -> int:
        """See View."""
        return len(self.payload)

    def since(self, base: "WholeView | None") -> bytes | None:
        """The answer, unless it is the same."""
        return self.payload if base is None or base.payload != self.payload else None


class ListView(Struct, frozen=True, kw_only=True):
    """A list at the version in which it last changed: its items' JSON by their ids."""

    version: int
    items: Mapping[str, Parts]
    form: "ChangesForm"
    size: int

    def since(self, base: "ListView | None") -> bytes | None:
        """The full set, or what leads here from `base`."""
        if base is None:
            return self.form.message(self.version, None, self.items.values(), ())
        upserted = [parts for item_id, parts in self.items.items() if base.items.get(item_id) != parts]
        removed = [item_id for item_id in base.items if item_id not in self.items]
        if not self.form.tells(upserted, removed):
            return None
        return self.form.message(self.version, base.version, upserted, removed)


def size_of(items: Iterable[Parts]) -> int:
    """Bytes of their JSON."""
    return sum(len(json) for parts in items for json in parts)


class ChangesForm:
    """How messages about a list are put together: the names in which an answer has the list's fields, in order.

    `shown` maps each name to its field; for `__typename`, whose value never changes, `typename` is that value.
    """

    def __init__(self, name: str, shown: Mapping[str, str], typename: str) -> None:
        self._opening = b'{"data":{' + orjson.dumps(name) + b":{"
        self._shown = [(orjson.dumps(key) + b":", field) for key, field in shown.items()]
        self._typename = orjson.dumps(typename)
        self.upserted_names = tuple(key for key, field in shown.items() if field == "upserted")
        self._shows_removed = "removed" in shown.values()

    def tells(self, upserted: Sequence[Parts], removed: Sequence[str]) -> bool:
        """Whether a message with these would say anything but its version."""
        return bool((self.upserted_names and upserted) or (self._shows_removed and removed))

    def message(self, version: int, previous: int | None, upserted: Iterable[Parts], removed: Sequence[str]) -> bytes:
        """The payload of one message."""
        selections = iter(list(zip(*upserted, strict=True)) or [()] * len(self.upserted_names))
        values = {
            "version": orjson.dumps(str(version)),
            "previousVersion": orjson.dumps(None if previous is None else str(previous)),
            "removed": orjson.dumps(removed),
            "__typename": self._typename,
        }
        parts = [self._opening]
        for place, (key, field) in enumerate(self._shown):
            parts += (b"," if place else b"", key)
            parts += _listed(next(selections)) if field == "upserted" else (values[field],)
        return b"".join((*parts, b"}}}"))


def _listed(items: Iterable[bytes]) -> Iterator[bytes]:
    """The parts of a list in JSON. All of a message is joined once: its MBs take a millisecond each time."""
    opening = b"["
    for item in items:
        yield opening
        yield item
        opening = b","
    yield b"[]" if opening == b"[" else b"]"
