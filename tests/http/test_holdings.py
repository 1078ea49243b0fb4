"""What is held for clients, and who is cut."""

import asyncio

from sent_graphql.http.holdings import Holdings

BODY = b"x" * 400


class Reader:
    """A connection that can be cut."""

    def __init__(self) -> None:
        self.is_cut = False

    def cut(self) -> None:
        self.is_cut = True


async def cut_of(readers: list[Reader]) -> list[bool]:
    """Which were cut."""
    await asyncio.sleep(0)
    return [reader.is_cut for reader in readers]


async def test_what_fits_is_held_until_it_has_been_read() -> None:
    holdings, readers = Holdings(1_000), [Reader(), Reader()]
    for reader in readers:
        holdings.hold(reader, "a", reader, 500)
    assert (holdings.bytes, holdings.cut) == (1_000, 0)
    holdings.release(readers[0])
    holdings.release(readers[0])
    assert (holdings.bytes, await cut_of(readers)) == (500, [False, False])
    holdings.release(readers[1])
    assert holdings.bytes == 0


async def test_the_party_that_holds_most_loses_what_it_has_held_for_longest() -> None:
    holdings, modest, greedy, latest = Holdings(1_000), Reader(), [Reader() for _ in range(3)], Reader()
    holdings.hold(modest, "modest", modest, 290)
    for reader in greedy:
        holdings.hold(reader, "greedy", reader, 200)
    holdings.hold(latest, "other", latest, 150)
    assert holdings.bytes == 840
    assert await cut_of([modest, *greedy, latest]) == [False, True, False, False, False]
    holdings.release(greedy[0])  # as it does when it ends
    assert (holdings.bytes, holdings.cut) == (840, 1)


async def test_who_is_alone_beyond_the_bound_is_cut_itself() -> None:
    holdings, reader = Holdings(1_000), Reader()
    holdings.hold(reader, "a", reader, 1_001)
    assert not reader.is_cut, "it may be writing just now"
    assert await cut_of([reader]) == [True]
    assert holdings.bytes == 0


async def test_what_many_hold_in_common_counts_once() -> None:
    holdings, crowd = Holdings(1_000), [Reader() for _ in range(100)]
    for reader in crowd:
        holdings.hold(reader, "crowd", BODY, len(BODY))
    assert holdings.bytes == len(BODY)
    greedy = [Reader(), Reader()]
    for reader in greedy:
        holdings.hold(reader, "greedy", reader, 350)
    assert not any(await cut_of(crowd))
    assert await cut_of(greedy) == [False, False] or await cut_of(greedy) == [True, False]
    for reader in crowd:
        holdings.release(reader)
    assert holdings.bytes in {350, 700}


async def test_who_holds_something_else_holds_the_first_no_more() -> None:
    holdings, reader = Holdings(1_000), Reader()
    holdings.hold(reader, "a", BODY, len(BODY))
    holdings.hold(reader, "a", reader, 100)
    assert holdings.bytes == 100
