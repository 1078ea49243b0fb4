"""One WebSocket: what its client asks for, and the operations that run on it.

A connection costs its coroutine, which waits for messages, and little else: results are sent from where they are made.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Final

import orjson
from starlette.types import Receive, Send

from sent_graphql.http.dialects import BadMessageError, Dialect, Frames, Message, Verb
from sent_graphql.http.graphql_request import Parameters
from sent_graphql.http.lines import PushLine, room_on
from sent_graphql.http.not_now import NotNowError
from sent_graphql.http.operations import QUERIES_AND_MUTATIONS, Operations, encoded, never_ran
from sent_graphql.http.replies import masked
from sent_graphql.live.subscriptions import LiveQueries, Subscription, SubscriptionRefusedError
from sent_graphql.schema.price import Price
from sent_graphql.settings import LiveSettings

GOING_AWAY: Final = 1001
BAD_MESSAGE: Final = 4400
NOT_INITIALISED: Final = 4401
INIT_TIMEOUT: Final = 4408
ID_IN_USE: Final = 4409
TOO_MANY_INITS: Final = 4429
IDLE: Final = 1000

ANSWERS_AT_ONCE: Final = 4
"""Queries of one client whose answers are made at once, and held where it does not read: the others wait unanswered."""

MAX_REASON_BYTES: Final = 123
"""What a close frame has room for."""


class WebSocketConnection:
    """Speaks one dialect with one client until either of them ends it."""

    __slots__ = (
        "_answering",
        "_client",
        "_closed",
        "_dialect",
        "_initialised",
        "_line",
        "_live",
        "_operations",
        "_receive",
        "_running",
        "_send",
        "_settings",
        "_tasks",
        "_timer",
    )

    def __init__(
        self,
        dialect: Dialect,
        *,
        client: str,
        live: LiveQueries,
        operations: Operations,
        settings: LiveSettings,
        receive: Receive,
        send: Send,
        line: PushLine | None,
    ) -> None:
        self._dialect = dialect
        self._client = client
        self._live = live
        self._operations = operations
        self._settings = settings
        self._receive = receive
        self._send = send
        self._line = line
        self._initialised = False
        self._closed = False
        self._running: dict[str, _Running] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] | None = None
        self._answering: asyncio.Semaphore | None = None

    async def run(self) -> None:
        """Serves the client; returns when the connection has ended."""
        await self._send({"type": "websocket.accept", "subprotocol": self._dialect.name})
        self._close_after(self._settings.init_timeout, INIT_TIMEOUT, "Connection initialisation timeout")
        try:
            while (event := await self._receive())["type"] != "websocket.disconnect":
                if event["type"] == "websocket.receive" and not self._closed:
                    await self._hear(event.get("text"))
        finally:
            self._closed = True
            self._keep_open()
            for running in list(self._running.values()):
                running.stop()

    async def leave(self) -> None:
        """Tells the client that the service goes down, and ends the connection."""
        for running in list(self._running.values()):
            running.stop()
            await self.say(running.frames.complete)
        await self._close(GOING_AWAY, "The service goes down")

    async def say(self, text: str) -> None:
        """Sends one message; ConnectionError when the connection has ended."""
        if self._closed:
            raise ConnectionAbortedError
        await self._send({"type": "websocket.send", "text": text})

    def room(self) -> Coroutine[Any, Any, None] | None:
        """What to wait for until the client is ready for more; null where it is."""
        return None if self._closed else room_on(self._line)

    def place(self, price: Price) -> AbstractAsyncContextManager[None]:
        """One of the places for queries whose answers are made; what asks oxend takes long, and little room."""
        if price.dear:
            return nullcontext()
        self._answering = self._answering or asyncio.Semaphore(ANSWERS_AT_ONCE)
        return self._answering

    def tell(self, *parts: bytes) -> Coroutine[Any, Any, None] | None:
        """Sends one message; gives what is left to do where its client has to be waited for. Raises as `say` does."""
        if self._closed:
            raise ConnectionAbortedError
        if self._line is not None and self._line.push(*parts):
            return None
        return self._say_late(b"".join(parts))

    async def _say_late(self, message: bytes) -> None:
        """The same, once the client has read what it was sent before."""
        with nullcontext() if self._line is None else self._line.holding(message):
            await self.say(message.decode())

    def cut(self) -> None:
        """Ends the connection of a client that takes nothing."""
        if self._line is not None:
            self._line.cut()

    def forget(self, running: "_Running") -> None:
        """An operation is over: its id is free again."""
        if self._running.get(running.id) is running:
            del self._running[running.id]
        if not self._running and not self._closed:
            self._close_after(self._settings.idle_timeout, IDLE, "No operation for too long")

    async def _hear(self, text: str | None) -> None:
        if text is None:
            await self._close(BAD_MESSAGE, "Messages are JSON texts")
            return
        try:
            verb, message = self._dialect.read(text)
            await self._obey(verb, message)
        except BadMessageError as error:
            await self._close(BAD_MESSAGE, str(error))

    async def _obey(self, verb: Verb, message: Message) -> None:
        match verb:
            case Verb.INIT:
                await self._initialise(message)
            case Verb.START:
                await self._start(message)
            case Verb.STOP:
                if (running := self._running.get(message.id or "")) is not None:
                    running.stop()
                    self.forget(running)
            case Verb.PING:
                self._dialect.check_payload(message)
                if (pong := self._dialect.pong(message)) is not None:
                    await self.say(pong)
            case Verb.PONG:
                self._dialect.check_payload(message)
            case Verb.TERMINATE:
                await self._close(IDLE, "")

    async def _initialise(self, message: Message) -> None:
        self._dialect.check_payload(message)
        if self._initialised:
            await self._close(TOO_MANY_INITS, "Too many initialisation requests")
            return
        self._initialised = True
        self._close_after(self._settings.idle_timeout, IDLE, "No operation for too long")
        for text in self._dialect.greeting:
            await self.say(text)

    async def _start(self, message: Message) -> None:
        parameters = self._dialect.parameters(message)
        operation_id = message.id or ""
        if not self._initialised:
            await self._close(NOT_INITIALISED, "Unauthorized")
            return
        if operation_id in self._running:
            await self._close(ID_IN_USE, f"Subscriber for {operation_id} already exists")
            return
        running = _Running(self, self._dialect, operation_id)
        if len(self._running) >= self._settings.max_operations:
            await running.refuse(f"{len(self._running)} operations are open on this connection: no more are allowed.")
            return
        self._running[operation_id] = running
        self._keep_open()
        running.start(self._live, self._operations, parameters, self._client)

    def _close_after(self, seconds: float, code: int, reason: str) -> None:
        self._keep_open()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._close_now, code, reason)

    def _keep_open(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close_now(self, code: int, reason: str) -> None:
        # Kept until it is done: the loop itself holds tasks weakly.
        self._tasks = {asyncio.get_running_loop().create_task(self._close(code, reason))}

    async def _close(self, code: int, reason: str) -> None:
        if self._closed:
            return
        self._closed = True
        self._keep_open()
        room = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
        await self._send({"type": "websocket.close", "code": code, "reason": room})


class _Running:
    """One operation of a connection; as an outlet it puts results into the frames of its id."""

    __slots__ = ("_connection", "_dialect", "_subscription", "_task", "frames", "id")

    def __init__(self, connection: WebSocketConnection, dialect: Dialect, operation_id: str) -> None:
        self.id = operation_id
        self.frames: Frames = dialect.frames(operation_id)
        self._connection = connection
        self._dialect = dialect
        self._subscription: Subscription | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, live: LiveQueries, operations: Operations, parameters: Parameters, client: str) -> None:
        """Does the work aside, so that the client can be heard meanwhile."""
        self._task = asyncio.get_running_loop().create_task(self._run(live, operations, parameters, client))

    def stop(self) -> None:
        """Ends it without a word."""
        if self._task is not None:
            self._task.cancel()
        if self._subscription is not None:
            self._subscription.stop()

    async def _run(self, live: LiveQueries, operations: Operations, parameters: Parameters, client: str) -> None:
        """Has results sent: that of a query or mutation, or those of a subscription until somebody ends it."""
        try:
            await operations.turn()
            price = await operations.admit(parameters, client)
            if operations.is_subscription(parameters):
                self._subscription = await live.subscribe(parameters.as_operation(), self)
            else:
                await self._answer(operations, parameters, price)
        except SubscriptionRefusedError as error:
            await self.error(error.json())
        except NotNowError as error:
            await self.error(orjson.dumps([error.formatted()]))
        except OSError:
            return  # the client is gone
        except Exception as fault:  # noqa: BLE001 - a fault of ours ends one operation, and not the connection
            await self.error(masked(fault))

    async def refuse(self, message: str) -> None:
        """Ends it before it began."""
        await self.error(orjson.dumps([{"message": message, "extensions": {"code": "TOO_MANY_OPERATIONS"}}]))

    async def _answer(self, operations: Operations, parameters: Parameters, price: Price) -> None:
        async with self._connection.place(price):
            if (unread := self.room()) is not None:
                await unread
            async with operations.room(price):
                result = await operations.run(parameters, QUERIES_AND_MUTATIONS)
                payload = await encoded(result)
            if never_ran(result):
                await self.error(orjson.dumps([error.formatted for error in result.errors or ()]))
                return
            if (rest := self.next(payload)) is not None:
                await rest
        await self.complete()

    def room(self) -> Coroutine[Any, Any, None] | None:
        """What to wait for until the client is ready for a result."""
        return self._connection.room()

    def next(self, payload: bytes) -> Coroutine[Any, Any, None] | None:
        """Sends a result; gives what is left to do."""
        return self._connection.tell(self.frames.next, payload, b"}")

    async def error(self, errors: bytes) -> None:
        """Sends the errors that end it."""
        self._connection.forget(self)
        await self._connection.say(self.frames.error + self._dialect.errors(errors) + "}")

    async def complete(self) -> None:
        """Sends that it is over."""
        self._connection.forget(self)
        await self._connection.say(self.frames.complete)

    def cut(self) -> None:
        """Ends the connection of a client that takes nothing."""
        self._connection.cut()
