"""Work that many ask for at the same time."""

import asyncio

import pytest

from sent_graphql.cache.flights import Flights


class Work:
    """Takes until it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        await self.go.wait()
        return number


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_many_who_ask_at_the_same_time_have_it_done_once() -> None:
    flights: Flights[int] = Flights()
    work = Work()
    asking = [asyncio.create_task(flights.once("key", work)) for _ in range(50)]
    await turns()
    work.go.set()
    assert await asyncio.gather(*asking) == [1] * 50
    assert await flights.once("key", work) == 2, "what has landed is not remembered"


async def test_other_keys_do_not_wait() -> None:
    flights: Flights[int] = Flights()
    slow, quick = Work(), Work()
    quick.go.set()
    asking = asyncio.create_task(flights.once("slow", slow))
    await turns()
    assert await flights.once("quick", quick) == 1
    slow.go.set()
    await asking


async def test_one_who_waits_and_goes_away_disturbs_nobody() -> None:
    flights: Flights[int] = Flights()
    work = Work()
    asking = [asyncio.create_task(flights.once("key", work)) for _ in range(3)]
    await turns()
    asking[1].cancel()
    await turns()
    work.go.set()
    assert [await asking[0], await asking[2]] == [1, 1]
    assert asking[1].cancelled()


async def test_when_the_one_who_does_it_goes_away_one_of_the_others_does_it() -> None:
    flights: Flights[int] = Flights()
    work = Work()
    asking = [asyncio.create_task(flights.once("key", work)) for _ in range(10)]
    await turns()
    asking[0].cancel()
    await turns()
    work.go.set()
    assert await asyncio.gather(*asking[1:]) == [2] * 9
    assert work.begun == 2


async def test_a_failure_is_its_own_askers_alone() -> None:
    flights: Flights[int] = Flights()
    tries = iter([ValueError, None])

    async def work() -> int:
        await asyncio.sleep(0)
        if (error := next(tries)) is not None:
            raise error
        return 7

    first, second = (asyncio.create_task(flights.once("key", work)) for _ in range(2))
    with pytest.raises(ValueError):  # noqa: PT011 - it has no text
        await first
    assert await second == 7
