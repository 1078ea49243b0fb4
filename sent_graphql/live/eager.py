"""Running a coroutine at once as far as it goes, and only then, where it has to wait, in a task.

Most messages fit into the socket's buffer: a task for each of them would cost more than sending it.
"""

from asyncio import CancelledError
from collections.abc import Awaitable, Coroutine, Generator
from types import coroutine
from typing import Any


def begun(work: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Runs `work` until it waits for something; gives the rest of it, or null when it has ended.

    What `work` raises by then is raised here. The rest has to be awaited, in a task.
    """
    try:
        awaited = work.send(None)
    except StopIteration:
        return None
    except CancelledError as error:  # nobody has cancelled the task that this runs in
        raise ConnectionAbortedError("given up from within") from error
    return _rest(work, awaited)


@coroutine
def _rest(work: Coroutine[Any, Any, None], awaited: object) -> Generator[Any, Any, None]:
    """What awaiting `work` would do, had it not begun: `awaited` is what it waits for."""
    try:
        while True:
            try:
                yield awaited
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:  # noqa: BLE001 - an order to end is for the work itself
                awaited = work.throw(error)
            else:
                awaited = work.send(None)
    except StopIteration:
        return
