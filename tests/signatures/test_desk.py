"""Requests of one key are one request; their number and their time are bounded, and nobody's leaving ends them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest

from sent_graphql.models.signatures import RequestErrorCode, RequestRefusedError
from sent_graphql.settings import SignaturesSettings
from sent_graphql.signatures.breaker import Breaker
from sent_graphql.signatures.desk import Desk
from sent_graphql.sources.oxend.errors import (
    OxendMalformedReplyError,
    OxendNotReadyError,
    OxendRefusedError,
    OxendTimeoutError,
    OxendUnreachableError,
    OxendUpstreamError,
)


class Counter:
    """A desk with an oxend whose answers the test gives."""

    def __init__(self, **settings: float) -> None:
        self.settings = SignaturesSettings.model_validate(settings)
        self.now = 0.0
        self.desk: Desk[str, str, str] = Desk(self.settings, Breaker("test", self.settings, lambda: self.now))
        self.asked: list[str] = []
        self.answers: dict[str, asyncio.Future[str]] = {}
        self._changed = asyncio.Event()

    async def request(self, key: str) -> str:
        async def ask() -> str:
            self.asked.append(key)
            answer = self.answers.setdefault(key, asyncio.get_running_loop().create_future())
            self._changed.set()
            return await answer

        async def accept(reply: str) -> str:
            return f"accepted {reply}"

        return await self.desk.request(key, ask=ask, accept=accept)

    def begin(self, key: str) -> asyncio.Task[str]:
        return asyncio.create_task(self.request(key))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits for a request that makes it true."""
        while not condition():
            self._changed.clear()
            async with asyncio.timeout(10):
                await self._changed.wait()

    async def answer(self, key: str, outcome: str | Exception) -> None:
        """Once it has been asked for."""
        await self.until(lambda: key in self.answers)
        answer = self.answers.pop(key)
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)


@pytest.fixture
async def counter() -> AsyncIterator[Callable[..., Counter]]:
    made: list[Counter] = []

    def make(**settings: float) -> Counter:
        made.append(Counter(**settings))
        return made[-1]

    yield make
    for one in made:
        await one.desk.close()


async def code(task: asyncio.Task[str]) -> RequestErrorCode:
    with pytest.raises(RequestRefusedError) as refusal:
        await task
    assert refusal.value.message
    return refusal.value.code


async def test_callers_of_one_key_share_one_request(counter: Callable[..., Counter]) -> None:
    desk = counter()
    callers = [desk.begin("a") for _ in range(20)]
    await desk.answer("a", "yes")
    assert {await caller for caller in callers} == {"accepted yes"}
    assert desk.asked == ["a"]
    again = desk.begin("a")
    await desk.answer("a", "anew")
    assert await again == "accepted anew", "what has ended is not shared"


async def test_callers_of_one_key_share_its_failure_too(counter: Callable[..., Counter]) -> None:
    desk = counter()
    callers = [desk.begin("a") for _ in range(3)]
    await desk.answer("a", OxendTimeoutError("late"))
    assert [await code(caller) for caller in callers] == [RequestErrorCode.UPSTREAM_TIMEOUT] * 3
    assert desk.asked == ["a"]


async def test_a_caller_that_goes_away_does_not_end_it_for_the_others(counter: Callable[..., Counter]) -> None:
    desk = counter()
    first, second = desk.begin("a"), desk.begin("a")
    await desk.until(lambda: bool(desk.asked))
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    await desk.answer("a", "yes")
    assert await second == "accepted yes"
    assert desk.asked == ["a"]


async def test_so_many_go_at_once_so_many_wait_and_the_rest_is_refused(counter: Callable[..., Counter]) -> None:
    desk = counter(max_in_flight=2, max_waiting=1)
    under_way = [desk.begin(key) for key in "abc"]
    await desk.until(lambda: len(desk.asked) == 2)
    assert await code(desk.begin("d")) is RequestErrorCode.RATE_LIMITED
    joined = desk.begin("c")
    assert desk.asked == ["a", "b"]
    for key in "abc":
        await desk.answer(key, key)
    assert [await task for task in [*under_way, joined]] == [f"accepted {key}" for key in "abcc"]
    assert desk.asked == ["a", "b", "c"]


async def test_nobody_waits_for_a_turn_for_ever(counter: Callable[..., Counter]) -> None:
    desk = counter(max_in_flight=1, timeout=0.05)
    held = desk.begin("a")
    assert await code(desk.begin("b")) is RequestErrorCode.RATE_LIMITED
    await desk.answer("a", "yes")
    assert await held == "accepted yes"
    assert desk.asked == ["a"]


async def test_while_oxend_is_left_alone_requests_fail_at_once(counter: Callable[..., Counter]) -> None:
    desk = counter(breaker_failures=2, breaker_initial=60)
    for _ in range(2):
        failing = desk.begin("a")
        await desk.answer("a", OxendTimeoutError("late"))
        assert await code(failing) is RequestErrorCode.UPSTREAM_TIMEOUT
    assert await code(desk.begin("b")) is RequestErrorCode.UPSTREAM_UNAVAILABLE
    assert desk.asked == ["a", "a"]
    desk.now += 60
    probe = desk.begin("b")
    await desk.answer("b", "yes")
    assert await probe == "accepted yes"


async def test_those_who_waited_when_it_opened_are_told_so_and_not_put(counter: Callable[..., Counter]) -> None:
    desk = counter(max_in_flight=1, breaker_failures=1)
    tasks = [desk.begin(key) for key in "abc"]
    await desk.answer("a", OxendUnreachableError("gone"))
    assert [await code(task) for task in tasks] == [RequestErrorCode.UPSTREAM_UNAVAILABLE] * 3
    assert desk.asked == ["a"]


@pytest.mark.parametrize(
    ("failure", "meant"),
    [
        (OxendTimeoutError("late"), RequestErrorCode.UPSTREAM_TIMEOUT),
        (OxendUnreachableError("gone"), RequestErrorCode.UPSTREAM_UNAVAILABLE),
        (OxendNotReadyError("busy"), RequestErrorCode.UPSTREAM_UNAVAILABLE),
        (OxendRefusedError("rpc.x", "FORBIDDEN"), RequestErrorCode.UPSTREAM_ERROR),
        (OxendMalformedReplyError("rpc.x", "no field"), RequestErrorCode.UPSTREAM_ERROR),
        (OxendUpstreamError("rpc.x", 500, "no rewards are available"), RequestErrorCode.NO_REWARDS),
        (
            OxendUpstreamError("rpc.x", 500, "not in the list of recently exited nodes"),
            RequestErrorCode.NOT_IN_EXIT_LIST,
        ),
        (OxendUpstreamError("rpc.x", 500, "Node cannot be removed yet."), RequestErrorCode.NOT_REMOVABLE_YET),
        (OxendUpstreamError("rpc.x", 500, "no signatures added"), RequestErrorCode.UPSTREAM_ERROR),
        (OxendUpstreamError("rpc.x", 400, "Unable to parse request"), RequestErrorCode.UPSTREAM_ERROR),
    ],
)
async def test_every_failure_has_its_code_and_keeps_upstreams_words_to_itself(
    counter: Callable[..., Counter], failure: Exception, meant: RequestErrorCode
) -> None:
    desk = counter()
    task = desk.begin("a")
    await desk.answer("a", failure)
    with pytest.raises(RequestRefusedError) as refusal:
        await task
    assert refusal.value.code is meant
    assert str(failure) not in refusal.value.message


async def test_closing_ends_what_is_under_way_and_tells_its_callers(counter: Callable[..., Counter]) -> None:
    desk = counter()
    task = desk.begin("a")
    await desk.until(lambda: bool(desk.asked))
    await desk.desk.close()
    assert await code(task) is RequestErrorCode.UPSTREAM_UNAVAILABLE


async def test_a_fault_of_ours_reaches_the_caller_as_it_is(counter: Callable[..., Counter]) -> None:
    desk = counter()
    task = desk.begin("a")
    await desk.answer("a", ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError):
        await task
