"""Objects in JSON, kept for as long as their structs are the same: the next answer, of whatever list, has them ready.

From one snapshot to the next most nodes are the same structs. A selection that is asked for again, about a new
snapshot, in another order or by another filter, therefore costs what is new in it.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias
from weakref import WeakSet

from orjson import Fragment, dumps

OBJECT_BYTES: Final = 1_000
"""What each object counts for beside its JSON: the struct that it was made of, which it keeps alive, and its places."""

MAX_BYTES: Final = 4_000
"""JSON of one object that is kept; larger ones are made anew, so that no answer is made of few huge pieces."""

Make: TypeAlias = Callable[[Any], Any]
"""Makes an object's answer of its struct."""

Kept: TypeAlias = tuple[object, Fragment, int]
"""A struct, its JSON, and what both take. Beside its JSON the struct lives on, so that its identity stays its own."""


class Room:
    """The bytes that the objects of all selections may take. When they are taken, no more objects are kept."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0
        self._selections: WeakSet[EncodedObjects] = WeakSet()

    def renew(self, _snapshot: object = None) -> None:
        """There is a new snapshot. When half the room is taken, what nobody has asked for since the last time goes."""
        if self.taken > self.most / 2:
            for selection in self._selections:
                selection.age()
            self.taken = sum(selection.bytes for selection in self._selections)

    def is_full(self) -> bool:
        """Whether no more objects can be kept."""
        return self.taken >= self.most

    def enter(self, selection: "EncodedObjects") -> None:
        """A selection whose objects take of this room, for as long as somebody asks for it."""
        self._selections.add(selection)


class EncodedObjects:
    """The objects made of one selection, by the identities of their structs."""

    __slots__ = ("__weakref__", "_asked_before", "_new", "_old", "_room")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._new: dict[int, Kept] = {}
        self._old: dict[int, Kept] = {}
        self._asked_before = False
        room.enter(self)

    @property
    def bytes(self) -> int:
        """What the objects take."""
        return sum(size for _, _, size in (*self._new.values(), *self._old.values()))

    def keeping(self, make: Make) -> Make:
        """`make` for one execution: it gives what is kept, and keeps what is not.

        A selection's first execution is left as it is: to encode objects one by one pays when they are met again.
        """
        if not self._asked_before:
            self._asked_before = True
            return make
        find = self._new.get

        def kept(struct: object) -> Any:  # noqa: ANN401 - Fragment, or what `make` gives
            found = find(id(struct))
            return self._missed(struct, make) if found is None else found[1]

        return kept

    def _missed(self, struct: object, make: Make) -> Any:  # noqa: ANN401
        kept = self._old.pop(id(struct), None)
        if kept is None:
            made = make(struct)
            if self._room.is_full():
                return made
            text = dumps(made)
            if len(text) > MAX_BYTES:
                return made
            kept = struct, Fragment(text), OBJECT_BYTES + len(text)
            self._room.taken += kept[2]
        self._new[id(struct)] = kept
        return kept[1]

    def age(self) -> None:
        """What was old goes; what is new gets old, until it is asked for again."""
        self._old, self._new = self._new, {}
