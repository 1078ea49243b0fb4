"""A transport that keeps one connection up: back-off with jitter, fail-over, and a bound on requests under way."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from sent_graphql.settings import OxendSettings
from sent_graphql.sources.oxend.connection import Connection, Connector, Frames, PushListener
from sent_graphql.sources.oxend.endpoints import Endpoint
from sent_graphql.sources.oxend.errors import OxendTimeoutError, OxendUnreachableError


class ReconnectingTransport:
    """OxendTransport over any Connector.

    Endpoints are tried in turn: when one fails or loses its connection, the next one is. While there is no
    connection a request waits for the tries under way; once all endpoints have failed in a row, requests fail at
    once until one answers again.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        connector: Connector,
        settings: OxendSettings,
        *,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """`uniform` draws the jitter of pauses."""
        self._endpoints = endpoints
        self._connector = connector
        self._settings = settings
        self._uniform = uniform
        self._log = structlog.get_logger()
        self._slots = asyncio.Semaphore(settings.max_in_flight)
        self._push_listeners: list[PushListener] = []
        self._connected_listeners: list[Callable[[], None]] = []
        self._keeper: asyncio.Task[None] | None = None
        self._told: str | None = None
        self._connection: asyncio.Future[Connection] | None = None
        """Pending while the endpoints are being tried; failed once all of them have."""

    def on_push(self, listener: PushListener) -> None:
        """See OxendTransport."""
        self._push_listeners.append(listener)

    def on_connected(self, listener: Callable[[], None]) -> None:
        """See OxendTransport."""
        self._connected_listeners.append(listener)

    async def start(self) -> None:
        """See OxendTransport."""
        if self._keeper is None:
            self._connection = asyncio.get_running_loop().create_future()
            self._keeper = asyncio.create_task(self._keep_connected(), name="oxend connection keeper")
            self._keeper.add_done_callback(self._ended)

    async def close(self) -> None:
        """See OxendTransport."""
        if self._keeper is None:
            return
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)
        self._keeper = None
        self._fail(OxendUnreachableError("the connection to oxend was closed"))
        await self._connector.close()

    async def request(self, command: str, body: bytes | None = None, *, timeout: float | None = None) -> Frames:
        """See OxendTransport."""
        limit = self._settings.request_timeout if timeout is None else timeout
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit
        async with self._slot(command, deadline):
            connection = await self._connection_by(deadline)
            return await connection.request(command, body, max(0.0, deadline - loop.time()))

    @asynccontextmanager
    async def _slot(self, command: str, deadline: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError:
            raise OxendTimeoutError(f"{command} was not sent in time: too many requests are under way") from None
        try:
            yield
        finally:
            self._slots.release()

    async def _connection_by(self, deadline: float) -> Connection:
        if self._connection is None:
            raise OxendUnreachableError("the transport has not been started")
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.shield(self._connection)
        except TimeoutError:
            raise OxendUnreachableError("no connection to oxend yet") from None

    async def _keep_connected(self) -> None:
        """Tries endpoints in turn, for ever."""
        loop = asyncio.get_running_loop()
        position = pauses = 0
        reasons: list[str] = []
        while True:
            endpoint = self._endpoints[position % len(self._endpoints)]
            position += 1
            try:
                connection = await self._connector.open(endpoint, self._push)
            except OxendUnreachableError as error:
                reasons.append(str(error))
                if len(reasons) < len(self._endpoints):
                    continue
                self._tell_unreachable("; ".join(reasons))
            else:
                self._told = None
                opened = loop.time()
                await self._serve(connection, endpoint)
                if loop.time() - opened > self._settings.reconnect_max:
                    pauses = 0
            reasons.clear()
            await asyncio.sleep(self._pause(pauses))
            pauses += 1

    async def _serve(self, connection: Connection, endpoint: Endpoint) -> None:
        """Lends the connection to requests until it is lost."""
        try:
            self._lend(connection)
            self._log.info("connected to oxend", endpoint=endpoint.label)
            for listener in self._connected_listeners:
                self._notify(listener)
            reason = await asyncio.shield(connection.lost)
            self._log.warning("connection to oxend lost", reason=str(reason))
            self._connection = asyncio.get_running_loop().create_future()
        finally:
            await connection.close()

    def _tell_unreachable(self, reasons: str) -> None:
        """Fails those who wait; warns once of what then stays the same."""
        say = self._log.debug if reasons == self._told else self._log.warning
        say("oxend unreachable", reasons=reasons)
        self._told = reasons
        self._fail(OxendUnreachableError(f"cannot reach oxend at {reasons}"))

    def _pause(self, count: int) -> float:
        longest = min(self._settings.reconnect_max, self._settings.reconnect_initial * 2 ** min(count, 32))
        return self._uniform(longest / 2, longest)

    def _ended(self, keeper: asyncio.Task[None]) -> None:
        """The keeper ends by our close alone; should it fail otherwise, nobody is left waiting for it."""
        if not keeper.cancelled() and (fault := keeper.exception()) is not None:
            self._log.error("oxend connection keeper failed", exc_info=fault)
            self._fail(OxendUnreachableError("the connection to oxend failed for a fault of ours: see the log"))

    def _lend(self, connection: Connection) -> None:
        self._pending().set_result(connection)

    def _fail(self, error: OxendUnreachableError) -> None:
        future = self._pending()
        future.set_exception(error)
        future.exception()  # that nobody waits for it is no fault

    def _pending(self) -> asyncio.Future[Connection]:
        if self._connection is None or self._connection.done():
            self._connection = asyncio.get_running_loop().create_future()
        return self._connection

    def _push(self, frames: Frames) -> None:
        for listener in self._push_listeners:
            self._notify(listener, frames)

    def _notify(self, listener: Callable[..., None], *arguments: object) -> None:
        try:
            listener(*arguments)
        except Exception:  # noqa: BLE001  # a listener's fault must not end the connection
            self._log.exception("listener failed")
