"""One source, asked on every trigger and at an interval."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from sent_graphql.models.network import SourceName
from sent_graphql.pollers.poller import BACKOFF_INITIAL, Poller
from sent_graphql.settings import PollSettings
from sent_graphql.sources.errors import SourceError, SourceMisconfiguredError

QUICK = PollSettings(interval=3_600, min_interval=0.001, timeout=5, backoff_max=0.001, stale_after=60)


class Script:
    """A source that answers from a list; an exception in it is raised. Then it answers the last item for ever."""

    def __init__(self, *answers: int | BaseException) -> None:
        self.answers = list(answers)
        self.previous: list[int | None] = []

    async def __call__(self, previous: int | None) -> int:
        self.previous.append(previous)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Polls:
    """Lets a test wait for the n-th poll."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = asyncio.Condition()

    def __call__(self) -> None:
        self.count += 1
        self._task = asyncio.ensure_future(self._notify())

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def reach(self, count: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.count >= count)


@asynccontextmanager
async def running(
    fetch: Callable[[int | None], Awaitable[int]], settings: PollSettings = QUICK
) -> AsyncIterator[tuple[Poller[int], Polls]]:
    polls = Polls()
    poller: Poller[int] = Poller(SourceName.OXEND, fetch, settings, polls, seed=1)
    task = asyncio.create_task(poller.run())
    try:
        yield poller, polls
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_trigger_polls_at_once_and_hands_over_the_last_good_view() -> None:
    script = Script(1, 2)
    async with running(script) as (poller, polls):
        await polls.reach(1)
        poller.trigger()
        await polls.reach(2)
        assert poller.view == 2
        assert script.previous == [None, 1]


@pytest.mark.parametrize(("min_interval", "count"), [(0.0001, 2), (3_600, 1)])
async def test_no_trigger_polls_before_the_minimum_interval(min_interval: float, count: int) -> None:
    async with running(Script(1), QUICK.model_copy(update={"min_interval": min_interval})) as (poller, polls):
        await polls.reach(1)
        for _ in range(50):
            poller.trigger()
            await asyncio.sleep(0.001)
        assert min(polls.count, 2) == count


async def test_many_triggers_during_one_poll_make_one_more_poll() -> None:
    entered, release = asyncio.Event(), asyncio.Event()
    calls = 0

    async def fetch(_: int | None) -> int:
        nonlocal calls
        calls += 1
        entered.set()
        await release.wait()
        return calls

    async with running(fetch) as (poller, polls):
        await entered.wait()
        for _ in range(50):
            poller.trigger()
        release.set()
        await polls.reach(2)
        # No trigger is left over, and the interval is an hour: nothing can make a third poll.
        assert not poller._triggered.is_set()
        assert calls == 2


async def test_a_failed_poll_keeps_the_last_good_view_and_its_time() -> None:
    async with running(Script(1, SourceError("gone"), SourceError("gone"))) as (poller, polls):
        await polls.reach(1)
        good = poller.health
        poller.trigger()
        await polls.reach(2)
        assert poller.view == 1
        assert (poller.health.healthy, poller.health.last_error) == (False, "gone")
        assert poller.health.last_success_at == good.last_success_at
        assert poller.health.fresh_until == good.fresh_until


async def test_after_a_failure_it_tries_again_by_itself_and_recovers() -> None:
    async with running(Script(SourceError("away"), SourceError("away"), 7)) as (poller, polls):
        await polls.reach(3)
        assert poller.view == 7
        assert poller.health.healthy
        assert poller.health.last_error is None


def test_pauses_grow_with_each_failure_up_to_a_bound_and_are_no_two_pollers_alike() -> None:
    settings = QUICK.model_copy(update={"backoff_max": 8 * BACKOFF_INITIAL})
    script = Script(SourceError("away"))
    pollers = [Poller(SourceName.OXEND, script, settings, lambda: None, seed=seed) for seed in range(9)]
    for longest in (1, 2, 4, 8, 8, 8):
        for poller in pollers:
            poller._failed("away")
        pauses = {poller._backoff() / BACKOFF_INITIAL for poller in pollers}
        assert longest / 2 <= min(pauses) <= max(pauses) <= longest
        assert len(pauses) == len(pollers)


async def test_a_silent_source_is_a_failed_poll() -> None:
    async def fetch(_: int | None) -> int:
        await asyncio.Event().wait()
        return 0

    settings = QUICK.model_copy(update={"timeout": 0.01})
    async with running(fetch, settings) as (poller, polls):
        await polls.reach(1)
        assert poller.health.last_error == "no answer within 0.01 s"


async def test_a_fault_of_ours_is_a_failed_poll_and_no_end_of_polling() -> None:
    async with running(Script(ZeroDivisionError("secret detail"), 3)) as (poller, polls):
        await polls.reach(1)
        assert poller.health.last_error == "internal error, see the log"
        await polls.reach(2)
        assert poller.view == 3


async def test_a_definite_wrong_answer_to_the_first_poll_refuses() -> None:
    poller: Poller[int] = Poller(
        SourceName.CONTRACTS, Script(SourceMisconfiguredError("other chain")), QUICK, lambda: None
    )
    with pytest.raises(SourceMisconfiguredError):
        await poller.run()


async def test_a_definite_wrong_answer_later_is_a_failed_poll() -> None:
    async with running(Script(SourceError("away"), SourceMisconfiguredError("other chain"))) as (poller, polls):
        await polls.reach(2)
        assert poller.health.last_error == "other chain"


async def test_a_wait_that_a_library_cancels_is_a_failed_poll_and_no_end_of_polling() -> None:
    async with running(Script(asyncio.CancelledError(), 3)) as (poller, polls):
        await polls.reach(1)
        assert poller.health.last_error == "the connection was closed"
        await polls.reach(2)
        assert poller.view == 3
