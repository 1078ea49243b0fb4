"""Leaves oxend alone for a while once it has failed to answer several times in a row."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from sent_graphql.settings import SignaturesSettings
from sent_graphql.sources.oxend.errors import OxendError, OxendTimeoutError, OxendUnreachableError

T = TypeVar("T")


class BreakerOpenError(Exception):
    """Not asked. `wait`: seconds until the next try."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"left alone for another {wait:.0f} s")
        self.wait = wait


class Breaker:
    """Opens after failures in a row; a pause later one probe goes through, which closes it or doubles the pause.

    A failure is no answer: a time limit or a lost connection. What oxend refuses in words, it has answered.
    """

    def __init__(self, name: str, settings: SignaturesSettings, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that never go back."""
        self.name = name
        self._settings = settings
        self._clock = clock
        self._failures = 0
        self._openings = 0
        self._open_until: float | None = None
        self._probing = False
        self._log = structlog.get_logger().bind(request=name)

    @property
    def is_open(self) -> bool:
        """Whether oxend is left alone."""
        return self._open_until is not None

    def require(self) -> None:
        """Raises BreakerOpenError where `call` would."""
        if self._open_until is not None and (self._probing or self._clock() < self._open_until):
            raise BreakerOpenError(max(0.0, self._open_until - self._clock()))

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` gives; raises BreakerOpenError without asking while oxend is left alone."""
        self.require()
        probe = self._probing = self._open_until is not None
        try:
            answer = await ask()
        except (OxendTimeoutError, OxendUnreachableError) as error:
            self._failed(error, probe=probe)
            raise
        except OxendError:
            self._answered()
            raise
        else:
            self._answered()
            return answer
        finally:
            if probe:
                self._probing = False

    def _failed(self, error: OxendError, *, probe: bool) -> None:
        if self._open_until is not None and not probe:
            return  # it was under way when the breaker opened
        self._failures += 1
        if not probe and self._failures < self._settings.breaker_failures:
            return
        pause = min(self._settings.breaker_max, self._settings.breaker_initial * 2.0 ** min(self._openings, 32))
        self._openings += 1
        self._open_until = self._clock() + pause
        self._log.warning("oxend is left alone", seconds=pause, failures=self._failures, error=str(error))

    def _answered(self) -> None:
        if self._open_until is not None:
            self._log.info("oxend answers again", failures=self._failures)
        self._failures = self._openings = 0
        self._open_until = None
