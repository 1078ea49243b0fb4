"""One source, asked again and again: on every trigger, and at an interval as the safety net."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

import structlog
from msgspec import Struct, structs

from sent_graphql.models.network import SourceName
from sent_graphql.settings import PollSettings
from sent_graphql.sources.errors import SourceError, SourceMisconfiguredError
from sent_graphql.tallies import Tally

View = TypeVar("View")

BACKOFF_INITIAL = 1.0
"""Seconds of the first pause after a failed poll; doubled at each further one, up to the setting."""


class Health(Struct, frozen=True):
    """How a source fares: the outcome of the last poll, and when one last succeeded.

    `fresh_until` is on the event loop's clock, which no change of the machine's time moves; null while the source
    has not spoken since the start.
    """

    healthy: bool
    last_success_at: datetime | None
    last_error: str | None
    fresh_until: float | None


class Poller(Generic[View]):
    """Keeps the last good view of one source and the source's health.

    `fetch` gets the last good view and returns the next one, or raises SourceError; the view then stays. `on_change`
    is called after every poll, whatever came of it.
    """

    def __init__(
        self,
        name: SourceName,
        fetch: Callable[[View | None], Awaitable[View]],
        settings: PollSettings,
        on_change: Callable[[], None],
        *,
        seed: int | None = None,
    ) -> None:
        self.name = name
        self.view: View | None = None
        self.health = Health(healthy=False, last_success_at=None, last_error=None, fresh_until=None)
        self.attempts = 0
        self.tally = Tally()
        self._fetch = fetch
        self._settings = settings
        self._on_change = on_change
        self._random = random.Random(seed)  # noqa: S311 - jitter, not a secret
        self._triggered = asyncio.Event()
        self._failures = 0
        self._usable: tuple[View | None, Health] = (None, self.health)
        self._log = structlog.get_logger().bind(source=name.value)

    def restore(self, view: View, at: datetime) -> None:
        """Begins with a view kept from an earlier run, which is not fresh until the source has spoken."""
        self.view = view
        self.health = Health(
            healthy=False, last_success_at=at, last_error="no answer yet since the start", fresh_until=None
        )

    def accept(self, view: View) -> None:
        """Tells that `view` has been of use: from now on it is what a rejected one gives way to."""
        if self.view is view:
            self._usable = (view, self.health)

    def reject(self, view: View, reason: str) -> None:
        """Takes back `view`, which is of no use: as if the polls since the last accepted one had failed."""
        if self.view is view:
            self.view, self.health = self._usable
            self._failed(reason)

    def trigger(self) -> None:
        """Asks for a poll as soon as the minimum interval allows; any number of triggers make one poll."""
        self._triggered.set()

    async def run(self) -> None:
        """Polls for ever. A definite wrong answer to the very first poll raises SourceMisconfiguredError."""
        while True:
            self._triggered.clear()
            started = asyncio.get_running_loop().time()
            with self.tally.measured():
                await self._poll()
            self.attempts += 1
            self._on_change()
            await self._pause(started)

    async def _poll(self) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(self._settings.timeout):
                view = await self._fetch(self.view)
        except SourceMisconfiguredError as error:
            if self.attempts == 0:
                raise
            self._failed(str(error))
        except SourceError as error:
            self._failed(str(error))
        except asyncio.CancelledError:
            # A library's wait that its own connection ended is no order to this task to end.
            if _is_told_to_end():
                raise
            self._failed("the connection was closed")
        except TimeoutError:
            self._failed(f"no answer within {self._settings.timeout:g} s")
        except Exception:  # noqa: BLE001 - a fault of ours must not end the polling; it is logged whole
            self._log.exception("a poll failed unexpectedly")
            self._failed("internal error, see the log")
        else:
            self._succeeded(view, loop.time() - started)

    def _succeeded(self, view: View, seconds: float) -> None:
        notable = self._failures > 0 or self.attempts == 0
        say = self._log.info if notable else self._log.debug
        say("polled", seconds=round(seconds, 3), after_failures=self._failures)
        self.view = view
        self._failures = 0
        self.health = Health(
            healthy=True,
            last_success_at=datetime.now(UTC),
            last_error=None,
            fresh_until=asyncio.get_running_loop().time() + self._settings.stale_after,
        )

    def _failed(self, message: str) -> None:
        self._failures += 1
        self.tally.failures += 1
        self._log.warning("a poll failed", error=message, failures=self._failures)
        self.health = structs.replace(self.health, healthy=False, last_error=message)

    async def _pause(self, started: float) -> None:
        """Waits out the interval or the back-off; a trigger ends it early, but never before the minimum interval."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._backoff() if self._failures else self._settings.interval):
                await self._triggered.wait()
        except TimeoutError:
            return
        await asyncio.sleep(max(0.0, started + self._settings.min_interval - loop.time()))

    def _backoff(self) -> float:
        doubled: float = BACKOFF_INITIAL * 2 ** min(self._failures - 1, 16)
        longest = min(self._settings.backoff_max, doubled)
        return longest * self._random.uniform(0.5, 1.0)


def _is_told_to_end() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
