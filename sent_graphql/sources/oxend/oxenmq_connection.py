"""OxenMQ over the package `oxenmq`, the binding of the reference library, where it is installed.

Its traps, each met below: the blocking `connect_remote` holds the GIL; `timeout=` of a request is ignored without a
word (`request_timeout=` is meant); results are awaited in threads of its own; a lost connection is mended silently,
so that a request that times out is the only sign of trouble.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import structlog

from sent_graphql.sources.oxend.connection import Frames, PushListener
from sent_graphql.sources.oxend.endpoints import Endpoint
from sent_graphql.sources.oxend.errors import OxendRefusedError, OxendTimeoutError, OxendUnreachableError
from sent_graphql.sources.oxend.frames import ERROR_CODES

CALLBACK_GRACE: Final = 1.0
"""Seconds more than its own time limit that the library has to call back."""

PUSHED_COMMANDS: Final = ("block", "mempool")
"""What oxend sends under the category `notify`; the library drops what is not announced to it."""


class OxenmqConnection:
    """One of the library's connections."""

    def __init__(self, omq: Any, connection_id: Any, endpoint: Endpoint, executor: ThreadPoolExecutor) -> None:  # noqa: ANN401
        """`omq`: the library's object, `connection_id`: its name of a connection that has been greeted."""
        self._omq = omq
        self._connection_id = connection_id
        self._endpoint = endpoint
        self._executor = executor
        self._lost: asyncio.Future[OxendUnreachableError] = asyncio.get_running_loop().create_future()

    @property
    def lost(self) -> asyncio.Future[OxendUnreachableError]:
        """See Connection."""
        return self._lost

    async def request(self, command: str, body: bytes | None, timeout: float) -> Frames:
        """See Connection. An unknown command ends here as a time-out: the library does not see its answer."""
        loop = asyncio.get_running_loop()
        asked = loop.run_in_executor(self._executor, self._ask, command, body, timeout)
        # The thread waits on, whatever becomes of us; that its failure is then nobody's is no fault.
        asked.add_done_callback(lambda future: future.cancelled() or future.exception())
        either: set[asyncio.Future[Any]] = {asked, self._lost}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            raise self._lost.result()
        try:
            return asked.result()
        except TimeoutError:
            self._lose(f"no reply to {command}")
            raise OxendTimeoutError(f"no reply to {command} within {timeout:.3g} s") from None
        except RuntimeError as error:
            raise self._failure(command, str(error)) from error

    async def close(self) -> None:
        """See Connection."""
        self._lose("the connection was closed")
        self._omq.disconnect(self._connection_id)

    def _ask(self, command: str, body: bytes | None, timeout: float) -> Frames:
        """Runs in a thread: waits for the reply, with the GIL released by the library."""
        parts = [body] if body else []
        wait = timedelta(seconds=timeout)
        return list(self._omq.request_future(self._connection_id, command, *parts, request_timeout=wait).get())

    def _failure(self, command: str, text: str) -> OxendRefusedError | OxendUnreachableError:
        """The library gives `Request failed: b'CODE'` for a refusal, and other words for its own troubles."""
        for code in sorted(ERROR_CODES, key=len, reverse=True):
            if code.decode() in text:
                return OxendRefusedError(command, code.decode())
        self._lose(text)
        return self._lost.result()

    def _lose(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(OxendUnreachableError(f"{self._endpoint.label}: {reason}"))


class OxenmqConnector:
    """Opens OxenmqConnections, all over one of the library's objects."""

    def __init__(self, oxenmq: Any, *, connect_timeout: float, max_message_bytes: int, threads: int) -> None:  # noqa: ANN401
        """`oxenmq`: the imported package; `threads`: requests under way at once."""
        self._oxenmq = oxenmq
        self._connect_timeout = connect_timeout
        self._max_message_bytes = max_message_bytes
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="oxenmq")
        self._log = structlog.get_logger()
        self._omq: Any = None
        self._on_push: PushListener | None = None

    async def open(self, endpoint: Endpoint, on_push: PushListener) -> OxenmqConnection:
        """See Connector."""
        loop = asyncio.get_running_loop()
        self._on_push = on_push
        if self._omq is None:
            self._omq = self._start(loop)
        connected: asyncio.Future[Any] = loop.create_future()
        try:
            self._omq.connect_remote(
                self._oxenmq.Address(endpoint.full_address),
                lambda connection_id: _hand_over(loop, _settle, connected, connection_id),
                lambda _, reason: _hand_over(loop, _settle, connected, RuntimeError(reason)),
                timeout=timedelta(seconds=self._connect_timeout),
            )
            async with asyncio.timeout(self._connect_timeout + CALLBACK_GRACE):
                connection_id = await connected
        except TimeoutError:
            raise OxendUnreachableError(f"{endpoint.label}: no answer within {self._connect_timeout:g} s") from None
        except (RuntimeError, ValueError) as error:
            raise OxendUnreachableError(f"{endpoint.label}: {error}") from error
        return OxenmqConnection(self._omq, connection_id, endpoint, self._executor)

    async def close(self) -> None:
        """See Connector."""
        self._omq = self._on_push = None
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _start(self, loop: asyncio.AbstractEventLoop) -> Any:  # noqa: ANN401
        omq = self._oxenmq.OxenMQ()
        omq.max_message_size = self._max_message_bytes
        # Two live sockets with one routing id can bring oxend down; the library's default is one fixed id.
        omq.ephemeral_routing_id = True
        category = omq.add_category("notify", self._oxenmq.AuthLevel.none)
        for name in PUSHED_COMMANDS:
            category.add_command(name, self._listener(loop, f"notify.{name}"))
        omq.start()
        return omq

    def _listener(self, loop: asyncio.AbstractEventLoop, command: str) -> Callable[[Any], None]:
        def pushed(message: Any) -> None:  # noqa: ANN401  # runs in the library's thread; its data lives no longer
            _hand_over(loop, self._pushed, [command.encode(), *map(bytes, message.data())])

        return pushed

    def _pushed(self, frames: Frames) -> None:
        if self._on_push is not None:
            self._on_push(frames)


def _settle(future: asyncio.Future[Any], result: object) -> None:
    if future.done():
        return
    if isinstance(result, RuntimeError):
        future.set_exception(result)
    else:
        future.set_result(result)


def _hand_over(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: object) -> None:
    """Calls from the library's thread into the loop; an exception there would end the whole process."""
    with suppress(RuntimeError):  # the loop has been closed meanwhile: nobody waits any more
        loop.call_soon_threadsafe(function, *arguments)
