"""Ending tasks for certain."""

import asyncio

import pytest

from sent_graphql import tasks


async def deaf(orders: int) -> None:
    """Goes on after so many orders to end."""
    for _ in range(orders):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


async def test_a_task_that_swallows_an_order_to_end_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PATIENCE_SECONDS", 0.01)
    running = [asyncio.create_task(deaf(orders)) for orders in (0, 1, 3)]
    await asyncio.sleep(0)
    await tasks.end(running)
    assert all(task.done() for task in running)


async def test_a_task_that_ends_on_no_order_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PATIENCE_SECONDS", 0.01)
    stubborn = asyncio.create_task(deaf(tasks.ORDERS), name="stubborn")
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError, match="stubborn"):
        await tasks.end([stubborn])
    stubborn.cancel()


async def test_no_tasks_end_at_once() -> None:
    await tasks.end([])
