"""Lists that are sent once whole and from then on as what changed in them."""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from sent_graphql.models.snapshot import NetworkState
from sent_graphql.resolvers.context import RequestContext


class Item(Protocol):
    """What such a list is made of; equal parts of two states are the same objects."""

    @property
    def id(self) -> str: ...


I = TypeVar("I", bound=Item)  # noqa: E741

Listing: TypeAlias = Callable[[NetworkState], Sequence[Item]]
"""All items of a state that a subscriber asked for."""


class Changes(Struct, Generic[I], frozen=True, kw_only=True):
    """What leads from the version `previous_version` of a list to `version`; without it, the whole list."""

    version: int
    upserted: Sequence[I]
    previous_version: int | None = None
    removed: Sequence[str] = ()


class Event:
    """The root of one execution of a subscription.

    `items` bounds what is executed of a list: whoever puts changes together needs no more than the items that may
    have changed. Null: all of it. `listing` is told which items the list has; it stays null for other fields.
    """

    def __init__(self, items: Sequence[Item] | None = None) -> None:
        self._items = items
        self.listing: Listing | None = None

    def changes(self, context: RequestContext, listing: Callable[[NetworkState], Sequence[I]]) -> Changes[Item]:
        """The list that `listing` gives, as far as it is to be executed. NotReadyError before there is a state."""
        self.listing = listing
        state = context.state()
        items = listing(state) if self._items is None else self._items
        return Changes(version=context.snapshot.version, upserted=items)
