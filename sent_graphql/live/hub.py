"""Where all live queries meet: every new snapshot goes once to each different question."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Final, Protocol

from graphql import GraphQLError

from sent_graphql.live.answers import Answers, ChangedParts
from sent_graphql.live.execution import Executor
from sent_graphql.live.groups import Group
from sent_graphql.live.members import Deliveries, Delivery
from sent_graphql.live.questions import Question, QuestionReader
from sent_graphql.live.subscriptions import Operation, Outlet, Subscription, SubscriptionRefusedError
from sent_graphql.live.tasks import Tasks
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.resolvers.context import RequestContext
from sent_graphql.schema.build import ServedSchema
from sent_graphql.settings import LiveSettings
from sent_graphql.tallies import Tally

TOO_MANY: Final = "TOO_MANY_SUBSCRIPTIONS"
GOING_DOWN: Final = "SHUTTING_DOWN"

OUTSIDE_AT_ONCE: Final = 4
"""Questions to more than the snapshot that are answered at once, so that they leave others their database."""


class SnapshotFeed(Protocol):
    """The newest snapshot, and each newer one."""

    async def current(self) -> Snapshot:
        """The newest."""

    async def next(self, seen: Snapshot) -> Snapshot:
        """The newest, as soon as it is another one than `seen`."""


class LiveQueryHub:
    """The live queries of one service (see LiveQueries). `make_context` gives what resolvers see as `info.context`."""

    def __init__(
        self,
        schema: ServedSchema,
        snapshots: SnapshotFeed,
        make_context: Callable[[Snapshot], RequestContext],
        settings: LiveSettings,
    ) -> None:
        self.rounds = Tally()
        """Rounds through all questions, one for each new snapshot."""
        self._snapshots = snapshots
        self._max_groups = settings.max_groups
        self._max_kept = settings.max_kept_bytes
        self._reader = QuestionReader(schema)
        self._executor = Executor(schema, make_context)
        self._changed = ChangedParts()
        self._tasks = Tasks()
        self._counts = Deliveries()
        self._delivery = Delivery(self._tasks, self._counts, settings.slow_reader_timeout)
        self._outside = asyncio.Semaphore(OUTSIDE_AT_ONCE)
        self._following: set[Group] = set()
        self._groups: dict[Hashable, Group] = {}
        self._snapshot: Snapshot | None = None
        self._closed = False

    @property
    def groups(self) -> int:
        """Different questions that are watched."""
        return len(self._groups)

    @property
    def kept(self) -> int:
        """Bytes of answers and messages that are kept for all who watch."""
        return sum(group.kept for group in self._groups.values())

    @property
    def members(self) -> int:
        """Subscriptions."""
        return sum(group.size for group in self._groups.values())

    @property
    def sending(self) -> int:
        """Tasks under way: readers that are waited for, and questions to more than the snapshot."""
        return len(self._tasks)

    @property
    def executions(self) -> int:
        """Executions of operations so far."""
        return self._executor.executions

    @property
    def messages(self) -> int:
        """Messages sent so far."""
        return self._counts.messages

    @property
    def folded(self) -> int:
        """How often so far news waited for a reader, to be sent with what follows."""
        return self._counts.folded

    async def run(self) -> None:
        """Follows the snapshots for ever."""
        seen = await self._begin()
        try:
            while True:
                seen = self._snapshot = await self._snapshots.next(seen)
                with self.rounds.measured():
                    for group in tuple(self._groups.values()):
                        await self._update(group)
        finally:
            await self._tasks.end()

    async def subscribe(self, operation: Operation, outlet: Outlet) -> Subscription:
        """Hands the present state to `outlet`, and what changes from then on (see LiveQueries)."""
        await self._begin()
        question = self._reader.read(operation)
        self._refuse_when_closed()
        group = self._groups.get(question.key) or self._new_group(question)
        member = await group.join(outlet)
        if self._closed:
            member.end(None)
        return member

    async def close(self) -> None:
        """Completes all subscriptions and refuses new ones; returns when all who read have been told."""
        self._closed = True
        for group in tuple(self._groups.values()):
            await group.end()
        await self._tasks.finished()

    async def _begin(self) -> Snapshot:
        if self._snapshot is None:
            present = await self._snapshots.current()
            self._snapshot = self._snapshot or present
        return self._snapshot

    def _latest(self) -> Snapshot:
        assert self._snapshot is not None, "it was asked for before the first question"
        return self._snapshot

    def _new_group(self, question: Question) -> Group:
        if len(self._groups) >= self._max_groups or self.kept >= self._max_kept:
            raise SubscriptionRefusedError(
                [GraphQLError("Too many different subscriptions: try again later.", extensions={"code": TOO_MANY})]
            )
        answers = Answers(question, self._executor, self._changed)
        group = Group(question.key, answers, self._delivery, self._latest, self._drop_when_over)
        self._groups[question.key] = group
        return group

    def _drop_when_over(self, group: Group) -> None:
        if group.is_over and self._groups.get(group.key) is group:
            del self._groups[group.key]

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise SubscriptionRefusedError(
                [GraphQLError("The service is shutting down: subscribe again.", extensions={"code": GOING_DOWN})]
            )

    async def _update(self, group: Group) -> None:
        """Brings a group up to date; one whose answers take their time is not waited for."""
        if not group.reads_outside:
            await group.update()
            await asyncio.sleep(0)
        elif group not in self._following:
            self._following.add(group)
            self._tasks.start(self._follow(group))

    async def _follow(self, group: Group) -> None:
        try:
            while not (group.is_over or group.is_current):
                async with self._outside:
                    await group.update()
        finally:
            self._following.discard(group)
