"""A part of a long sorted list that is kept elsewhere, fetched by place and not by offset."""

from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct

T = TypeVar("T")

Position: TypeAlias = tuple[bool, int, str]
"""Where an item stands: (its value is null, its value as sorted, its id). Nulls come last, ties break by id."""


class Window(Struct, frozen=True, kw_only=True):
    """Which part: behind `after`, before `before`, and of that the `first` or the `last` items (one of them is set)."""

    after: Position | None = None
    before: Position | None = None
    first: int | None = None
    last: int | None = None


class Slice(Struct, Generic[T], frozen=True):
    """The items of a window in their order, and whether the list goes on at either end."""

    items: tuple[T, ...]
    more_before: bool
    more_after: bool
