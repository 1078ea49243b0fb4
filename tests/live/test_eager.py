"""Coroutines that run at once as far as they go."""

import asyncio
from typing import Any

import pytest

from sent_graphql.live.eager import begun


async def test_what_never_waits_is_done_at_once() -> None:
    done = []

    async def work() -> None:
        done.append(1)

    assert begun(work()) is None
    assert done == [1]


async def test_what_waits_goes_on_where_it_is_awaited() -> None:
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    told = []

    async def work() -> None:
        told.append("begun")
        told.append(await first)
        await asyncio.sleep(0)
        told.append("ended")

    rest = begun(work())
    assert rest is not None
    assert told == ["begun"]
    first.set_result("woken")
    await asyncio.gather(rest)
    assert told == ["begun", "woken", "ended"]


async def test_an_order_to_end_reaches_what_waits() -> None:
    told = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            told.append("cleaned up")

    rest = begun(work())
    assert rest is not None

    async def waits(rest: Any) -> None:
        await rest

    task = asyncio.create_task(waits(rest))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == ["cleaned up"]


async def test_what_an_awaited_thing_raises_is_raised_where_the_rest_is_awaited() -> None:
    first: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await first

    rest = begun(work())
    assert rest is not None
    first.set_exception(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await rest


async def test_a_time_limit_holds_for_the_rest() -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    rest = begun(work())
    assert rest is not None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await rest


async def test_a_rest_that_nobody_awaits_is_closed() -> None:
    told = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            told.append("closed")

    rest = begun(work())
    assert rest is not None
    del rest
    assert told == ["closed"]


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_what_fails_at_once_is_an_ordinary_failure_of_whoever_began_it(error: type[BaseException]) -> None:
    async def work() -> None:
        raise error

    with pytest.raises((ValueError, ConnectionAbortedError)):
        begun(work())
