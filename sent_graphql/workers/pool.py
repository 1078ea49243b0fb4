"""A few worker processes and a bounded queue before them.

Not concurrent.futures: a piece of work that takes too long is ended here with the one process that does it, and a
process that dies takes nothing with it but its own work, which is then done once more.
"""

import asyncio
import math
import pickle
from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

import structlog

from sent_graphql.settings import ProofsSettings
from sent_graphql.tallies import Tally
from sent_graphql.workers.errors import WorkerLostError, WorkersBusyError, WorkersError, WorkTimeoutError
from sent_graphql.workers.worker import Worker

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

TYPICAL_SECONDS: Final = 0.5
"""What a piece of work takes, to tell those who come too many when to come back."""

_ATTEMPTS: Final = 2


class WorkerPool:
    """Runs functions in processes that are started when they are first needed and kept until `close`."""

    def __init__(self, settings: ProofsSettings) -> None:
        self._settings = settings
        self._limit = settings.workers + settings.max_waiting
        self._admitted = 0
        self._turns = asyncio.Semaphore(settings.workers)
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False
        self.tally = Tally()
        """What was taken on."""
        self.refused = 0
        """Pieces of work that there was no room for."""
        self._log = structlog.get_logger(__name__)

    @property
    def busy(self) -> int:
        """Processes at work."""
        return len(self._busy)

    @property
    def waiting(self) -> int:
        """Pieces of work that wait for a process."""
        return max(0, self._admitted - self._settings.workers)

    @property
    def retry_after(self) -> int:
        """Seconds until what waits now will be done, roughly; at least 1."""
        return max(1, math.ceil(self._admitted * TYPICAL_SECONDS / self._settings.workers))

    async def run(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """What `function` gives, or what it raises.

        It must be pure, for it may run twice, and importable in the worker; it imports there what must not be imported
        here. Raises WorkersBusyError at once, WorkTimeoutError or WorkerLostError.
        """
        if self._closed:
            raise self._lost("The service is ending")
        if self._admitted >= self._limit:
            self.refused += 1
            raise WorkersBusyError(
                f"{self._admitted} checks are waiting already: try again in {self.retry_after} s",
                retry_after=self.retry_after,
            )
        request = pickle.dumps((function, arguments))
        self._admitted += 1
        try:
            with self.tally.measured():
                answer = await self._in_time(request)
        finally:
            self._admitted -= 1
        worked, result = pickle.loads(answer)  # noqa: S301 - our own child's
        if not worked:
            raise result
        return result  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Ends all processes; what they do is lost."""
        self._closed = True
        for worker in (*self._idle, *self._busy):
            self._discard(worker)
        while self._ending:
            await asyncio.wait(self._ending)

    async def _in_time(self, request: bytes) -> bytes:
        try:
            async with asyncio.timeout(self._settings.timeout), self._turns:
                return await self._work(request)
        except TimeoutError:
            self._log.warning("no answer of a worker in time", seconds=self._settings.timeout, waiting=self._admitted)
            raise WorkTimeoutError(
                f"The check was not done within {self._settings.timeout:g} s: try again in {self.retry_after} s",
                retry_after=self.retry_after,
            ) from None

    async def _work(self, request: bytes) -> bytes:
        for attempt in range(_ATTEMPTS):
            worker = await self._worker(fresh=attempt > 0)
            self._busy.add(worker)
            try:
                answer = await worker.ask(request)
            except (OSError, EOFError):
                self._log.warning("a worker process has ended", pid=worker.pid)
                self._discard(worker)
            except BaseException:  # it works on what nobody waits for any more
                self._discard(worker)
                raise
            else:
                self._busy.discard(worker)
                self._idle.append(worker)
                return answer
        raise self._lost("The check's process has ended twice")

    async def _worker(self, *, fresh: bool) -> Worker:
        while self._idle and not fresh:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            self._discard(worker)
        try:
            worker = await Worker.start()
        except OSError as error:
            self._log.error("no worker process can be started", error=str(error))
            raise self._lost("No process for the check can be started") from error
        if self._closed:
            self._discard(worker)
            raise self._lost("The service is ending")
        return worker

    def _lost(self, message: str) -> WorkersError:
        return WorkerLostError(f"{message}: try again in {self.retry_after} s", retry_after=self.retry_after)

    def _discard(self, worker: Worker) -> None:
        """Ends `worker` without waiting for it."""
        self._busy.discard(worker)
        ending = asyncio.create_task(worker.end(), name=f"end of worker {worker.pid}")
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
