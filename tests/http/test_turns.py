"""Turns of the event loop that end in time."""

import asyncio
from collections.abc import Callable
from time import monotonic

import pytest
import uvloop

from sent_graphql.http.turns import LONGEST, Turns

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
PATIENCE = 60.0


def hold(seconds: float) -> None:
    """Holds the loop."""
    until = monotonic() + seconds
    while monotonic() < until:
        continue


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Callable[[], asyncio.Runner]:
    return lambda: asyncio.Runner(loop_factory=request.param)


def test_what_makes_a_turn_long_waits_for_the_next_in_its_order(runner: Callable[[], asyncio.Runner]) -> None:
    turns, done = Turns(), []

    async def work(number: int) -> None:
        assert await turns.room(PATIENCE)
        hold(LONGEST * 0.4)
        done.append(number)

    async def other() -> int:
        """What asks for no room, and comes when all others have."""
        return len(done)

    async def crowd() -> None:
        workers = [asyncio.create_task(work(number)) for number in range(12)]
        assert await asyncio.create_task(other()) <= 4
        await asyncio.gather(*workers)
        assert done == list(range(12))

    with runner() as run:
        run.run(crowd())


def test_who_has_waited_long_enough_is_told_that_there_is_no_room(runner: Callable[[], asyncio.Runner]) -> None:
    turns = Turns()

    async def work() -> bool:
        has_room = await turns.room(LONGEST * 3)
        if has_room:
            hold(LONGEST * 1.2)
        return has_room

    async def crowd() -> None:
        answers = await asyncio.gather(*(work() for _ in range(12)))
        assert 1 <= answers.count(True) <= 5
        assert answers[0]
        assert not answers[-1]

    with runner() as run:
        run.run(crowd())


def test_a_turn_with_time_left_is_not_waited_for(runner: Callable[[], asyncio.Runner]) -> None:
    async def once() -> None:
        waiting = Turns().room(PATIENCE)
        with pytest.raises(StopIteration) as ended:
            waiting.send(None)
        assert ended.value.value is True

    with runner() as run:
        run.run(once())
