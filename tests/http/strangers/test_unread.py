"""Clients that ask for much, and read nothing of it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

FIELDS = ",".join(f"a{number}:pubkeyBls" for number in range(60))
QUESTION = f"{{serviceNodes(first:400){{nodes{{{FIELDS}}}}}}}"
SIZE = 3_000_000
"""Bytes that its answer has, at least."""

BOUND = 5 * SIZE


def asked(number: int) -> bytes:
    """The question as a request that differs from those of all other numbers."""
    body = json.dumps({"query": QUESTION, "variables": {"number": number}}).encode()
    return b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


async def until(happened: Callable[[], bool]) -> None:
    """Waits for something that the server tells nobody of."""
    for _ in range(6_000):
        if happened():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def test_the_sum_of_unread_answers_is_bounded_and_the_greediest_is_cut(host: Any, make: Any) -> None:
    here = await host(
        state=make.state(*(make.node(number) for number in range(1, 400))), http={"max_unread_bytes": BOUND}
    )
    unread = here.guard.unread
    modest = await here.stranger(receive_buffer=4_096, address="127.0.1.1")
    await modest.say(asked(0))
    await until(lambda: unread.bytes >= SIZE // 2)
    greedy = [await here.stranger(receive_buffer=4_096, address="127.0.1.2") for _ in range(12)]
    most = 0
    for number, stranger in enumerate(greedy, start=1):
        before = unread.bytes, unread.cut
        await stranger.say(asked(number))
        await until(lambda before=before: (unread.bytes, unread.cut) != before)  # type: ignore[misc]
        most = max(most, unread.bytes)
    assert SIZE < most <= BOUND
    assert unread.cut >= len(greedy) - BOUND // SIZE
    assert len(await greedy[0].rest()) < SIZE
    head = await modest.head()
    assert "200 OK" in head
    assert await here.is_well()
    for stranger in (modest, *greedy):
        await stranger.close()
    await until(lambda: unread.bytes == 0)


async def test_a_crowd_that_is_sent_the_same_answer_is_left_in_peace(host: Any, make: Any) -> None:
    here = await host(
        state=make.state(*(make.node(number) for number in range(1, 400))), http={"max_unread_bytes": BOUND}
    )
    unread = here.guard.unread
    first = await here.stranger()
    await first.say(asked(0))
    whole = await first.answer()
    crowd = [await here.stranger(receive_buffer=4_096, address=f"127.0.1.{1 + number % 5}") for number in range(20)]
    for stranger in crowd:
        await stranger.say(asked(0))
    assert all("200 OK" in head for head in await asyncio.gather(*(stranger.head() for stranger in crowd)))
    assert SIZE <= unread.bytes < len(whole) + SIZE
    assert unread.cut == 0


async def test_queries_of_a_websocket_are_answered_as_they_are_read(host: Any, make: Any) -> None:
    here = await host(state=make.state(*(make.node(number) for number in range(1, 400))))
    unread = here.guard.unread
    opened = await here.websocket(max_queue=1, max_size=None, compression=None)
    questions = 30
    for number in range(questions):
        payload = {"query": QUESTION, "variables": {"number": number}}
        await opened.send(json.dumps({"id": str(number), "type": "subscribe", "payload": payload}))
    await until(lambda: unread.bytes >= SIZE)
    assert await here.is_well()
    most, answered = 0, set[str]()
    async with asyncio.timeout(60):
        while len(answered) < questions:
            message = json.loads(await opened.recv())
            most = max(most, unread.bytes)
            if message["type"] == "next":
                assert len(message["payload"]["data"]["serviceNodes"]["nodes"]) == 399
                answered.add(message["id"])
    assert most < 7 * SIZE
    assert unread.cut == 0
    await until(lambda: unread.bytes == 0)
