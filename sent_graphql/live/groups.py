"""All who ask the same question: it is answered once for them, and they are sent the same bytes."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

import structlog
from graphql import GraphQLError

from sent_graphql.incidents import MESSAGE, recorded
from sent_graphql.live.answers import Answers
from sent_graphql.live.members import Delivery, Member
from sent_graphql.live.subscriptions import Outlet, SubscriptionRefusedError, errors_json
from sent_graphql.live.views import View
from sent_graphql.models.snapshot import Snapshot

MEMBERS_PER_TURN: Final = 200
"""Members that are sent to before the event loop gets its turn: some milliseconds."""

MAX_VIEWS: Final = 16
"""Answers kept for members who are behind; who is behind all of them gets the present one whole."""


class Group:
    """A question's answers and who is sent them.

    `latest` gives the snapshot to answer from. `on_change` is told when the last member has left, and when the
    question could not be answered any more.
    """

    def __init__(
        self,
        key: Hashable,
        answers: Answers,
        delivery: Delivery,
        latest: Callable[[], Snapshot],
        on_change: Callable[["Group"], None],
    ) -> None:
        self.key = key
        self.joining = 0
        self._answers = answers
        self._delivery = delivery
        self._latest = latest
        self._on_change = on_change
        self._turn = asyncio.Lock()
        self._members: dict[Member, None] = {}
        self._revision = 0
        self._views: dict[int, View[Any]] = {}
        self._messages: dict[int | None, bytes | None] = {}
        self._errors: Sequence[GraphQLError] = ()

    @property
    def size(self) -> int:
        """Number of members."""
        return len(self._members)

    @property
    def kept(self) -> int:
        """Bytes of answers and messages that are kept; at most, for answers share what is the same in them."""
        messages = sum(len(message) for message in self._messages.values() if message is not None)
        return messages + sum(view.size for view in self._views.values())

    @property
    def is_over(self) -> bool:
        """Nobody asks, or there is no answer."""
        return bool(self._errors) or not (self._members or self.joining)

    @property
    def is_current(self) -> bool:
        """The newest snapshot has been answered from."""
        return self._answers.seen is self._latest()

    @property
    def reads_outside(self) -> bool:
        """An update may take its time."""
        return self._answers.reads_outside

    async def join(self, outlet: Outlet) -> Member:
        """A new member, which has been handed the present answer. Raises SubscriptionRefusedError without one."""
        self.joining += 1
        try:
            async with self._turn:
                if not self._views and not self._errors:
                    await self._renew()
            if self._errors:
                raise SubscriptionRefusedError(self._errors)
            member = Member(self, outlet, self._delivery)
            self._members[member] = None
            member.push()
            return member
        finally:
            self.joining -= 1
            self._on_change(self)

    def leave(self, member: Member) -> None:
        """A member is sent no more."""
        self._members.pop(member, None)
        self._on_change(self)

    async def update(self) -> None:
        """Answers from the newest snapshot, and sends what has changed."""
        async with self._turn:
            if not self._views or self._errors:
                return
            revision = self._revision
            await self._renew()
        if self._errors:
            self._on_change(self)
            await self.end(self._errors)
        elif self._revision != revision:
            await self._each(Member.push)
            self._forget()

    async def end(self, errors: Sequence[GraphQLError] = ()) -> None:
        """Ends all subscriptions, for these errors where there are any."""
        told = errors_json(errors) if errors else None
        await self._each(lambda member: member.end(told))

    @property
    def revision(self) -> int:
        """Number of the present answer; it grows by one whenever what is selected changes."""
        return self._revision

    def since(self, revision: int | None) -> bytes | None:
        """The message for who has the answer of that number, made once for all of them."""
        if revision in self._messages:
            return self._messages[revision]
        base = self._views.get(revision) if revision is not None else None
        key = None if base is None else revision
        if key not in self._messages:
            self._messages[key] = self._views[self._revision].since(base)
        return self._messages[key]

    async def _renew(self) -> None:
        try:
            view = await self._answers.at(self._latest())
        except SubscriptionRefusedError as error:
            self._errors = error.errors
            return
        except Exception as fault:  # noqa: BLE001 - a fault of ours ends this question alone; it is logged whole
            told = recorded(structlog.get_logger(), "a subscription could not be answered", fault)
            self._errors = [GraphQLError(MESSAGE, extensions=told)]
            return
        if view is not self._views.get(self._revision):
            self._revision += 1
            self._views[self._revision] = view
            self._messages.clear()

    async def _each(self, do: Callable[[Member], None]) -> None:
        for count, member in enumerate(tuple(self._members), start=1):
            do(member)
            if count % MEMBERS_PER_TURN == 0:
                await asyncio.sleep(0)

    def _forget(self) -> None:
        """Drops the answers that no member has to be brought on from, and the oldest of too many."""
        wanted = {member.revision for member in self._members} | {self._revision}
        kept = [revision for revision in self._views if revision in wanted][-MAX_VIEWS:]
        self._views = {revision: self._views[revision] for revision in kept}
