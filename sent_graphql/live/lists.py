"""A list that is watched: only items that may have changed are executed, and the JSON of the others is kept."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter
from typing import Any, Final, TypeAlias

import orjson

from sent_graphql.live.views import ChangesForm, ListView, Parts, size_of
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.resolvers.changes import Item, Listing

ITEMS_PER_TURN: Final = 100
"""Items that are executed before the event loop gets its turn: some ten milliseconds."""

Execute: TypeAlias = Callable[[Snapshot, Sequence[Item]], Awaitable[Mapping[str, Any]]]
"""Gives the answer's changes for these items, by the names that the answer gives to their fields."""


class WatchedList:
    """One list of one question. `listing` gives its items in a state.

    `attributes`: those of an item that the question looks at; null: it may look at any.
    """

    def __init__(
        self, listing: Listing, form: ChangesForm, execute: Execute, attributes: AbstractSet[str] | None
    ) -> None:
        self._listing = listing
        self._seen_of = (lambda item: item) if attributes is None else _reader(attributes)
        self._form = form
        self._execute = execute
        self._items: Mapping[str, Item] = {}
        self._view: ListView | None = None

    async def at(self, snapshot: Snapshot, *, afresh: bool) -> ListView:
        """The list at that snapshot; the very same view when nothing that is shown of it has changed.

        `afresh`: items may show something else although they are the same.
        """
        assert snapshot.state is not None, "the question was answered, so there is a state"
        listed = self._listing(snapshot.state)
        stale = [item for item in listed if afresh or self._looks_new(item)]
        made = await self._executed(snapshot, stale)
        kept = {} if self._view is None else self._view.items
        shown = {item.id: made[item.id] if item.id in made else kept[item.id] for item in listed}
        if self._view is None or shown != kept:
            size = size_of(shown.values())
            self._view = ListView(version=snapshot.version, items=shown, form=self._form, size=size)
        self._items = {item.id: item for item in listed}
        return self._view

    def _looks_new(self, item: Item) -> bool:
        """Whether it shows, or may show, something else than before."""
        known = self._items.get(item.id)
        if known is None or known is item:
            return known is None
        return self._seen_of(known) != self._seen_of(item)

    async def _executed(self, snapshot: Snapshot, items: Sequence[Item]) -> Mapping[str, Parts]:
        names = self._form.upserted_names
        if not names:
            return {item.id: () for item in items}
        made: dict[str, Parts] = {}
        for start in range(0, len(items), ITEMS_PER_TURN):
            if start:
                await asyncio.sleep(0)
            some = items[start : start + ITEMS_PER_TURN]
            changes = await self._execute(snapshot, some)
            selections = [[orjson.dumps(shown) for shown in changes[name]] for name in names]
            made.update(zip((item.id for item in some), zip(*selections, strict=True), strict=True))
        return made


def _reader(attributes: AbstractSet[str]) -> Callable[[Item], object]:
    return attrgetter(*sorted(attributes)) if attributes else lambda _item: None
