"""The answers to one question, snapshot after snapshot."""

from collections.abc import Mapping, Sequence
from typing import Any

from sent_graphql.execution.encoding import encoded
from sent_graphql.live.execution import Executor
from sent_graphql.live.lists import WatchedList
from sent_graphql.live.questions import Question
from sent_graphql.live.selections import Selection, selection_of
from sent_graphql.live.views import ChangesForm, View, WholeView
from sent_graphql.models.parts import EVERYTHING, Part, changed_parts
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.resolvers.changes import Event, Item


class ChangedParts:
    """What differs between two snapshots, found out once for all who go from one to the other."""

    def __init__(self) -> None:
        self._last: tuple[Snapshot, Snapshot, Part] | None = None

    def between(self, old: Snapshot, new: Snapshot) -> Part:
        """The parts that may differ."""
        last = self._last
        if last is None or last[0] is not old or last[1] is not new:
            last = self._last = (old, new, changed_parts(old, new))
        return last[2]


class Answers:
    """Answers `question` again and again, and executes no more of it than may have changed."""

    def __init__(self, question: Question, executor: Executor, changed: ChangedParts) -> None:
        self._operation = question.operation
        self._executor = executor
        self._changed = changed
        tree = question.tree
        self._selection = Selection() if tree is None else selection_of(executor.graphql_schema, tree)
        self._seen: Snapshot | None = None
        self._view: View[Any] | None = None
        self._list: WatchedList | None = None

    @property
    def seen(self) -> Snapshot | None:
        """The snapshot that was answered from last."""
        return self._seen

    @property
    def reads_outside(self) -> bool:
        """Answers are made of more than snapshots: getting them may take its time."""
        return Part.OUTSIDE in self._selection.reads

    async def at(self, snapshot: Snapshot) -> View[Any]:
        """The answer from that snapshot; the very same view when nothing that was selected has changed.

        Raises SubscriptionRefusedError for an answer with errors.
        """
        if self._view is None or self._seen is None:
            self._view = await self._answer(snapshot, EVERYTHING)
        else:
            changed = self._changed.between(self._seen, snapshot)
            if changed & self._selection.reads:
                self._view = await self._answer(snapshot, changed)
        self._seen = snapshot
        return self._view

    async def _answer(self, snapshot: Snapshot, changed: Part) -> View[Any]:
        if self._list is None:
            event = Event(items=())
            data = await self._executor.data(self._operation, snapshot, event)
            if event.listing is None:
                return self._whole(WholeView(await encoded({"data": data})))
            attributes = self._selection.item_attributes
            self._list = WatchedList(event.listing, self._form(data), self._changes, attributes)
        return await self._list.at(snapshot, afresh=bool(changed & self._selection.beneath))

    def _whole(self, view: WholeView) -> View[Any]:
        return self._view if self._view is not None and view == self._view else view

    def _form(self, data: Mapping[str, Any]) -> ChangesForm:
        """How the list is shown, from an answer without items."""
        ((name, changes),) = data.items()
        fields = {key: self._selection.change_fields[key] for key in changes}
        typename = next((value for key, value in changes.items() if fields[key] == "__typename"), "")
        return ChangesForm(name, fields, typename)

    async def _changes(self, snapshot: Snapshot, items: Sequence[Item]) -> Mapping[str, Any]:
        data = await self._executor.data(self._operation, snapshot, Event(items))
        (changes,) = data.values()
        assert isinstance(changes, Mapping)
        return changes
