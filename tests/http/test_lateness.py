"""How late the event loop is."""

import asyncio

from sent_graphql.http.lateness import INTERVAL, Lateness


async def test_a_loop_that_was_held_is_late_by_that_and_then_no_more() -> None:
    lateness, loop = Lateness(), asyncio.get_running_loop()
    assert lateness.seconds() == 0
    lateness.begin()
    try:
        held_until = loop.time() + 4 * INTERVAL
        while loop.time() < held_until:
            continue
        assert lateness.seconds() > 2 * INTERVAL
        turn = asyncio.Event()
        loop.call_later(2 * INTERVAL, turn.set)
        await turn.wait()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert lateness.seconds() < 4 * INTERVAL
    finally:
        lateness.end()
    assert lateness.seconds() == 0
