"""All objects are looked through between questions, and not in the middle of one."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from sent_graphql import garbage
from sent_graphql.garbage import NEVER, Collector


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks again at once."""
    monkeypatch.setattr(garbage, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(garbage, "DUE", 2)


@asynccontextmanager
async def running(is_quiet: Callable[[], bool]) -> AsyncIterator[Collector]:
    """A collector at work."""
    gc.collect()
    collector = Collector(is_quiet)
    task = asyncio.create_task(collector.run())
    await asyncio.sleep(0)
    yield collector
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def rounds(wanted: int) -> list[object]:
    """Makes so much that there are so many quick rounds; gives it."""
    made: list[object] = []
    while gc.get_count()[2] < wanted:
        made += [[] for _ in range(1_000)]
    return made


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_true():  # noqa: ASYNC110 - nobody is told of a collection
            await asyncio.sleep(0.001)


async def test_the_interpreter_is_left_its_quick_rounds_alone_and_gets_the_rest_back() -> None:
    usual = gc.get_threshold()
    async with running(lambda: True):
        assert gc.get_threshold() == (*usual[:2], NEVER)
    assert gc.get_threshold() == usual


async def test_what_is_due_is_done_when_all_is_quiet() -> None:
    busy = True
    async with running(lambda: not busy) as collector:
        kept = rounds(3)
        await asyncio.sleep(0.02)
        assert collector.collections == 0
        busy = False
        await until(lambda: collector.collections == 1)
        assert gc.get_count()[2] == 0
    assert kept


async def test_without_need_nothing_is_done() -> None:
    async with running(lambda: True) as collector:
        await asyncio.sleep(0.02)
        assert collector.collections == 0


async def test_what_is_long_overdue_is_done_whatever_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "OVERDUE", 3)
    async with running(lambda: False) as collector:
        kept = rounds(3)
        await until(lambda: collector.collections == 1)
    assert kept
