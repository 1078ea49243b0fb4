"""One subscriber: sent to as fast as it reads, and no faster."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from graphql import GraphQLError

from sent_graphql.live.eager import begun
from sent_graphql.live.subscriptions import Outlet, errors_json
from sent_graphql.live.tasks import Tasks

TOO_SLOW: Final = "SLOW_READER"
"""Code of the error that ends the subscription of who does not read."""


@dataclass(slots=True)
class Deliveries:
    """Counts of what subscribers were sent: messages begun, and news that had to wait because one was under way."""

    messages: int = 0
    folded: int = 0


class News(Protocol):
    """Where a subscriber takes its messages from."""

    @property
    def revision(self) -> int:
        """Number of the present state."""

    def since(self, revision: int | None) -> bytes | None:
        """What leads from that revision to the present one; null when there is nothing to tell."""

    def leave(self, member: "Member") -> None:
        """A subscriber is there no more."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What members share: where their tasks are kept, what is counted, seconds that one message may take."""

    tasks: Tasks
    counts: Deliveries
    timeout: float


class Member:
    """A subscription. `revision` is that of the state it was sent last; null before it was sent any."""

    __slots__ = ("_delivery", "_ending", "_news", "_outlet", "_over", "_task", "revision")

    def __init__(self, news: News, outlet: Outlet, delivery: Delivery) -> None:
        self._news = news
        self._outlet = outlet
        self._delivery = delivery
        self.revision: int | None = None
        self._ending: Callable[[], Coroutine[Any, Any, None]] | None = None
        self._task: asyncio.Task[None] | None = None
        self._over = False

    def stop(self) -> None:
        """Ends the subscription as its subscriber wishes."""
        self._leave()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    def end(self, errors: bytes | None) -> None:
        """Ends it for these errors, or, without any, because there is nothing more to come."""
        outlet = self._outlet
        self._ending = outlet.complete if errors is None else lambda: outlet.error(errors)
        self.push()

    def push(self) -> None:
        """Sends what there is to send, unless the reader is being waited for: what it is sent next will have it all."""
        if self._task is not None:
            self._delivery.counts.folded += 1
            return
        try:
            rest = self._begun()
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader cannot be reached
            self._lose(error)
            return
        if rest is not None:
            self._task = self._delivery.tasks.start(self._send(rest))

    def _begun(self) -> Awaitable[None] | None:
        """Begins what is to be sent, up to where a reader has to be waited for."""
        while not self._over:
            if self._ending is not None:
                self._leave()
                return begun(self._ending())
            revision = self._news.revision
            if revision == self.revision:
                return None
            room = self._outlet.room()
            if room is not None and (rest := begun(room)) is not None:
                return rest
            payload = self._news.since(self.revision)
            if payload is None:
                return None
            self.revision = revision
            self._delivery.counts.messages += 1
            sending = self._outlet.next(payload)
            if sending is not None and (rest := begun(sending)) is not None:
                return rest
        return None

    async def _send(self, rest: Awaitable[None] | None) -> None:
        """Waits for a reader, and sends what has come up meanwhile, until it has all."""
        try:
            while rest is not None:
                async with asyncio.timeout(self._delivery.timeout) as limit:
                    await rest
                rest = self._begun()
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader cannot be reached
            if limit.expired():
                await self._drop()
            else:
                self._lose(error)
        finally:
            self._task = None

    async def _drop(self) -> None:
        """Ends the subscription of a reader who took too long."""
        self._leave()
        message = f"A message was not taken within {self._delivery.timeout:g} seconds: subscribe again and read faster."
        try:
            async with asyncio.timeout(self._delivery.timeout):
                await self._outlet.error(errors_json([GraphQLError(message, extensions={"code": TOO_SLOW})]))
        except TimeoutError:
            self._outlet.cut()
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader cannot be reached
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        self._leave()
        structlog.get_logger().debug("a subscriber is gone", reason=repr(error))

    def _leave(self) -> None:
        if not self._over:
            self._over = True
            self._news.leave(self)
