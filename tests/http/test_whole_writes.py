"""What is written leaves whole, in order, and in time."""

import asyncio
from collections.abc import Iterable

from sent_graphql.http.whole_writes import MOST_HELD, WholeWrites


class Outlet(asyncio.Transport):
    """Notes each call of the system that a transport would make, which no client could tell apart."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []
        self.is_closed = False

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.calls.append(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self.is_closed

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True


def writes_to(outlet: Outlet) -> WholeWrites:
    return WholeWrites(outlet, asyncio.get_running_loop())


async def test_a_head_leaves_with_its_body() -> None:
    outlet = Outlet()
    writes = writes_to(outlet)

    writes.write(b"head")
    writes.write(b"body")
    assert (outlet.calls, writes.get_write_buffer_size()) == ([], 8)
    writes.flush()

    assert outlet.calls == [b"headbody"]
    await asyncio.sleep(0)
    assert outlet.calls == [b"headbody"]


async def test_a_head_whose_body_is_not_there_yet_does_not_wait_for_it() -> None:
    outlet = Outlet()
    writes = writes_to(outlet)

    writes.write(b"head")
    await asyncio.sleep(0)
    assert outlet.calls == [b"head"]
    writes.write(b"event")
    await asyncio.sleep(0)
    assert outlet.calls == [b"head", b"event"]


async def test_much_is_not_held() -> None:
    outlet = Outlet()
    writes = writes_to(outlet)

    writes.write(b"head")
    writes.write(bytes(MOST_HELD))

    assert outlet.calls == [b"head" + bytes(MOST_HELD)]
    assert writes.get_write_buffer_size() == 0


async def test_closing_sends_what_is_held_and_aborting_does_not() -> None:
    closed, aborted = Outlet(), Outlet()
    for outlet, end in ((closed, WholeWrites.close), (aborted, WholeWrites.abort)):
        writes = writes_to(outlet)
        writes.write(b"last words")
        end(writes)
        assert writes.is_closing()

    await asyncio.sleep(0)
    assert (closed.calls, aborted.calls) == ([b"last words"], [])


async def test_nothing_is_sent_to_who_has_gone() -> None:
    outlet = Outlet()
    writes = writes_to(outlet)
    writes.write(b"late")
    outlet.abort()

    await asyncio.sleep(0)
    assert outlet.calls == []
