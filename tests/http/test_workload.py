"""How much is executed at once."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from sent_graphql.http.not_now import OverloadError
from sent_graphql.http.workload import BODIES, LATE, NO_PLACE, NO_TURN, Workload
from sent_graphql.schema.price import Price
from sent_graphql.settings import GraphqlSettings

PATIENT = 600.0


def workload(*, at_once: int = 100, waiting: int = 2, wait: float = PATIENT) -> Workload:
    """One with these bounds."""
    return Workload(GraphqlSettings(max_cost_at_once=at_once, max_waiting=waiting, max_wait=wait))


class Held:
    """An operation that goes on until the test ends it."""

    def __init__(self, work: Workload, price: Price) -> None:
        self._began = asyncio.Event()
        self._end = asyncio.Event()
        self.task = asyncio.create_task(self._run(work, price))

    async def _run(self, work: Workload, price: Price) -> None:
        async with work.share(price):
            self._began.set()
            await self._end.wait()

    def begun(self) -> bool:
        """Whether it has been let in."""
        return self._began.is_set()

    async def end(self) -> None:
        """Lets it end, and who waits for its room begin."""
        self._end.set()
        await self.task
        await settled()


async def settled() -> None:
    """When all tasks have gone as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_fits_is_executed_at_once() -> None:
    work = workload()
    async with AsyncExitStack() as open_now:
        for _ in range(4):
            await open_now.enter_async_context(work.share(Price(25)))
        assert work.under_way == 100
    assert work.under_way == 0


async def test_what_does_not_fit_waits_for_its_turn() -> None:
    work = workload()
    first, second, third = (Held(work, Price(60)) for _ in range(3))
    await settled()
    assert [held.begun() for held in (first, second, third)] == [True, False, False]
    await first.end()
    assert [second.begun(), third.begun()] == [True, False]
    await second.end()
    assert third.begun()
    await third.end()
    assert (work.under_way, work.waiting) == (0, 0)
    assert (work.waits.count, work.waits.failures) == (2, 0)


async def test_what_fits_goes_ahead_of_what_waits_for_more_room() -> None:
    work = workload()
    large, larger = Held(work, Price(60)), Held(work, Price(90))
    await settled()
    async with work.share(Price(5)):
        assert not larger.begun()
    await large.end()
    assert larger.begun()
    await larger.end()


async def test_what_is_larger_than_all_room_is_executed_alone() -> None:
    work = workload()
    async with work.share(Price(1_000)):
        assert work.under_way == 1_000
        other = Held(work, Price(1))
        await settled()
        assert not other.begun()
    await settled()
    assert other.begun()
    await other.end()


async def test_when_too_many_wait_one_more_is_refused_at_once() -> None:
    work = workload(waiting=2)
    held = [Held(work, Price(80)) for _ in range(3)]
    await settled()
    with pytest.raises(OverloadError) as refused:
        await work.share(Price(80)).__aenter__()
    assert refused.value.retry_after > 0
    assert work.refused == {NO_PLACE: 1, NO_TURN: 0, LATE: 0, BODIES: 0}
    for one in held:
        await one.end()
    assert (work.under_way, work.waiting) == (0, 0)


async def test_who_waits_too_long_is_refused_and_leaves_nothing() -> None:
    work = workload(wait=0.001)
    async with work.share(Price(80)):
        with pytest.raises(OverloadError):
            await work.share(Price(80)).__aenter__()
        assert (work.under_way, work.waiting) == (80, 0)
        assert work.refused == {NO_PLACE: 0, NO_TURN: 1, LATE: 0, BODIES: 0}
        assert (work.waits.count, work.waits.failures) == (1, 1)


async def test_who_gives_up_waiting_leaves_nothing() -> None:
    work = workload()
    first, second = Held(work, Price(80)), Held(work, Price(80))
    await settled()
    second.task.cancel()
    await first.end()
    with pytest.raises(asyncio.CancelledError):
        await second.task
    assert (work.under_way, work.waiting) == (0, 0)


async def test_who_gives_up_when_let_in_leaves_its_room_to_others() -> None:
    work = workload()
    first, second, third = (Held(work, Price(80)) for _ in range(3))
    await settled()
    first._end.set()
    await asyncio.sleep(0)
    second.task.cancel()
    await settled()
    assert third.begun()
    await third.end()
    assert (work.under_way, work.waiting) == (0, 0)
    assert second.task.cancelled()


async def test_what_asks_oxend_takes_no_room() -> None:
    work = workload()
    async with AsyncExitStack() as open_now:
        for _ in range(50):
            await open_now.enter_async_context(work.share(Price(10_000, dear=1)))
        assert work.under_way == 0
