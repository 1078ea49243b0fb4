"""Where requests of one kind are put: shared by key, bounded in number, each bounded in time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

import structlog

from sent_graphql.models.signatures import RequestErrorCode, RequestRefusedError
from sent_graphql.settings import SignaturesSettings
from sent_graphql.signatures.breaker import Breaker, BreakerOpenError
from sent_graphql.signatures.refusals import refused, too_many
from sent_graphql.sources.oxend.errors import OxendError
from sent_graphql.tasks import end

K = TypeVar("K", bound=Hashable)
Reply = TypeVar("Reply")
T = TypeVar("T")


class Desk(Generic[K, Reply, T]):
    """Has one request under way for each key, however many callers want it.

    It belongs to none of them: who goes away leaves it to the others, and it ends by its own time limits. What
    callers get is the very outcome of the one request, be it an error.
    """

    def __init__(self, settings: SignaturesSettings, breaker: Breaker) -> None:
        self._settings = settings
        self._breaker = breaker
        self._slots = asyncio.Semaphore(settings.max_in_flight)
        self._under_way: dict[K, asyncio.Task[T]] = {}
        self.refused = 0
        """Requests that there was no room for."""
        self._log = structlog.get_logger()

    async def request(
        self, key: K, *, ask: Callable[[], Awaitable[Reply]], accept: Callable[[Reply], Awaitable[T]]
    ) -> T:
        """What `accept` makes of the reply that `ask` brings from oxend.

        Raises RequestRefusedError: with RATE_LIMITED beyond the bounds, with UPSTREAM_UNAVAILABLE at once while oxend
        is left alone, and as `ask` and `accept` fail.
        """
        task = self._under_way.get(key)
        if task is None:
            task = self._begin(key, ask, accept)
        await asyncio.wait([task])
        if task.cancelled():
            raise RequestRefusedError(
                RequestErrorCode.UPSTREAM_UNAVAILABLE, "The service is being stopped: ask again when it is back"
            )
        return task.result()

    async def close(self) -> None:
        """Ends what is under way."""
        await end(self._under_way.values())

    def _begin(
        self, key: K, ask: Callable[[], Awaitable[Reply]], accept: Callable[[Reply], Awaitable[T]]
    ) -> asyncio.Task[T]:
        self._require_oxend()
        if len(self._under_way) >= self._settings.max_in_flight + self._settings.max_waiting:
            self.refused += 1
            raise too_many()
        task = asyncio.create_task(self._run(ask, accept), name="signature request")
        self._under_way[key] = task
        task.add_done_callback(partial(self._ended, key))
        return task

    def _ended(self, key: K, task: asyncio.Task[T]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # that nobody waited for it is no fault

    async def _run(self, ask: Callable[[], Awaitable[Reply]], accept: Callable[[Reply], Awaitable[T]]) -> T:
        return await accept(await self._asked(ask))

    async def _asked(self, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        try:
            async with asyncio.timeout(self._settings.timeout):
                await self._slots.acquire()
        except TimeoutError:
            self.refused += 1
            raise too_many() from None
        try:
            return await self._breaker.call(ask)
        except (OxendError, BreakerOpenError) as error:
            refusal = refused(error)
            self._log.info("signature not had", code=refusal.code.name, reason=str(error))
            raise refusal from error
        finally:
            self._slots.release()

    def _require_oxend(self) -> None:
        try:
            self._breaker.require()
        except BreakerOpenError as error:
            raise refused(error) from None
