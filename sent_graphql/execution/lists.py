"""Lists of objects, completed item by item: by a projection where there is one, and in slices of time."""

from asyncio import CancelledError
from collections.abc import Awaitable, Sequence
from typing import Any

from graphql import GraphQLOutputType, GraphQLResolveInfo
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import AwaitableOrValue, Path, gather_with_cancel

from sent_graphql.execution.projections import Project, attempt
from sent_graphql.execution.slices import Later, Slices


class ListCompletion:
    """One list on its way into an answer. Whatever `project` does not make of an item, `executor` does."""

    def __init__(
        self,
        executor: Executor[Any],
        slices: Slices,
        item_type: GraphQLOutputType,
        details: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        items: Sequence[Any],
        project: Project | None,
    ) -> None:
        self._executor = executor
        self._slices = slices
        self._item_type = item_type
        self._details = details
        self._info = info
        self._path = path
        self._items = items
        self._project = project
        self._done: list[Any] = []
        self._awaitable: list[int] = []

    def completed(self) -> AwaitableOrValue[list[Any]]:
        """The items, or an awaitable of them where some have to be waited for or time is up."""
        if not self._go_on(at_least=0):
            return Later(self._finished)
        return Later(self._awaited) if self._awaitable else self._done

    def _go_on(self, *, at_least: int) -> bool:
        """Completes so many items, and further ones until time is up; whether all are completed."""
        slices, project, done = self._slices, self._project, self._done
        due = len(done) + at_least
        try:
            for index in range(len(done), len(self._items)):
                if slices.used_up() and index >= due:
                    return False
                item = self._items[index]
                answer = None if project is None else attempt(project, item)
                if answer is not None:
                    done.append(answer)
                else:
                    self._complete(index, item)
        except Exception:
            self._abandon()
            raise
        return True

    def _complete(self, index: int, item: object) -> None:
        """Leaves one item to graphql-core."""
        executor, path = self._executor, self._path.add_key(index, None)
        if executor.is_awaitable(item):
            completing = executor.complete_awaitable_list_item_value(
                item, self._item_type, self._details, self._info, path, None
            )
            self._done.append(completing)
            self._awaitable.append(index)
        elif executor.complete_list_item_value(
            item, self._done, self._item_type, self._details, self._info, path, None
        ):
            self._awaitable.append(index)

    async def _finished(self) -> list[Any]:
        try:
            async with self._slices.turn():
                while not self._go_on(at_least=1):
                    await self._slices.next()
        except CancelledError:
            self._abandon()
            raise
        return await self._awaited()

    async def _awaited(self) -> list[Any]:
        begun = [self._done[index] for index in self._awaitable]
        awaited = [await begun[0]] if len(begun) == 1 else await gather_with_cancel(*begun)
        for index, item in zip(self._awaitable, awaited, strict=True):
            self._done[index] = item
        return self._done

    def _abandon(self) -> None:
        """What has been begun must end, though nobody waits for it any more."""
        begun: list[Awaitable[Any]] = [self._done[index] for index in self._awaitable]
        begun += filter(self._executor.is_awaitable, self._items[len(self._done) :])
        if begun:
            self._executor.settle_in_background(begun)
