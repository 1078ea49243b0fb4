"""After failures in a row oxend is left alone, then tried with one request, and the pauses grow up to a bound."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.settings import SignaturesSettings
from sent_graphql.signatures.breaker import Breaker, BreakerOpenError
from sent_graphql.sources.oxend.errors import OxendTimeoutError, OxendUnreachableError, OxendUpstreamError

SETTINGS = SignaturesSettings(breaker_failures=3, breaker_initial=5, breaker_max=30)


class Bench:
    """A breaker whose clock and whose oxend the test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.asked = 0
        self.breaker = Breaker("test", SETTINGS, lambda: self.now)

    async def ask(self, outcome: Exception | str = "answer") -> str:
        async def oxend() -> str:
            self.asked += 1
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return await self.breaker.call(oxend)

    async def fail(self, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(OxendTimeoutError):
                await self.ask(OxendTimeoutError("late"))

    async def refused(self) -> float:
        """The wait that it tells when it is open."""
        asked = self.asked
        with pytest.raises(BreakerOpenError) as refusal:
            await self.ask()
        assert self.asked == asked, "oxend was asked"
        return refusal.value.wait


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_it_opens_after_failures_in_a_row_and_no_sooner(bench: Bench) -> None:
    await bench.fail(2)
    assert await bench.ask() == "answer"
    await bench.fail(2)
    with pytest.raises(OxendUnreachableError):
        await bench.ask(OxendUnreachableError("gone"))
    assert await bench.refused() == 5


async def test_what_oxend_refuses_in_words_is_an_answer(bench: Bench) -> None:
    for _ in range(10):
        with pytest.raises(OxendUpstreamError):
            await bench.ask(OxendUpstreamError("rpc.bls_rewards_request", 500, "no rewards are available"))
    await bench.fail(2)
    assert await bench.ask() == "answer"


async def test_after_the_pause_one_probe_goes_and_closes_it(bench: Bench) -> None:
    await bench.fail(3)
    bench.now += 4.9
    await bench.refused()
    bench.now += 0.1
    assert await bench.ask() == "answer"
    await bench.fail(2)
    assert await bench.ask() == "answer", "the count began anew"


async def test_a_failed_probe_doubles_the_pause_up_to_the_longest(bench: Bench) -> None:
    await bench.fail(3)
    for pause in (5, 10, 20, 30, 30, 30):
        assert await bench.refused() == pause
        bench.now += pause
        await bench.fail()
    bench.now += 30
    await bench.ask()
    await bench.fail(3)
    assert await bench.refused() == 5, "and they begin anew after an answer"


async def test_while_the_probe_is_under_way_others_are_refused(bench: Bench) -> None:
    await bench.fail(3)
    bench.now += 5
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    probe = asyncio.create_task(bench.breaker.call(lambda: answer))
    await asyncio.sleep(0)
    await bench.refused()
    answer.set_result("late, but here")
    assert await probe == "late, but here"
    assert await bench.ask() == "answer"


async def test_a_probe_that_is_cancelled_leaves_the_place_to_another(bench: Bench) -> None:
    await bench.fail(3)
    bench.now += 5
    never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    probe = asyncio.create_task(bench.breaker.call(lambda: never))
    await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert await bench.ask() == "answer"


async def test_failures_that_were_under_way_when_it_opened_do_not_lengthen_the_pause(bench: Bench) -> None:
    loop = asyncio.get_running_loop()
    answers: list[asyncio.Future[str]] = [loop.create_future() for _ in range(6)]
    calls: list[Callable[[], asyncio.Future[str]]] = [lambda answer=answer: answer for answer in answers]  # type: ignore[misc]
    tasks = [asyncio.create_task(bench.breaker.call(call)) for call in calls]
    await asyncio.sleep(0)
    for answer in answers:
        answer.set_exception(OxendTimeoutError("late"))
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await bench.refused() == 5


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 40)), max_size=40))
def test_whatever_happens_it_is_never_shut_for_longer_than_the_longest_pause(story: list[tuple[bool, float]]) -> None:
    async def live() -> None:
        bench = Bench()
        for good, pause in story:
            with suppress(OxendTimeoutError, BreakerOpenError):
                await bench.ask("answer" if good else OxendTimeoutError("late"))
            bench.now += pause
        bench.now += SETTINGS.breaker_max
        assert await bench.ask() == "answer"

    asyncio.run(live())
