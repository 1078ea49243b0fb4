"""The EVM's JSON-RPC over WebSocket, with what only a connection can have: eth_subscribe to heads and logs."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from sent_graphql.localdev import jsonrpc_params as params
from sent_graphql.localdev import jsonrpc_shapes as shapes
from sent_graphql.localdev.evm_ledger import LogFilter, MinedBlock
from sent_graphql.localdev.jsonrpc import JsonRpc, error_answer
from sent_graphql.localdev.jsonrpc_params import RpcError

MAX_SUBSCRIPTIONS: Final = 100
"""Most subscriptions of one connection."""

MAX_WAITING: Final = 10_000
"""Messages that may wait for a slow client; one more, and it is cut off."""


class _Subscription(NamedTuple):
    """What a client wants to hear of: new heads, or the logs that `logs` lets through."""

    logs: LogFilter | None

    def news(self, block: MinedBlock) -> list[dict[str, Any]]:
        """What there is to tell about `block`."""
        if self.logs is None:
            head = shapes.block(block, full=False)
            del head["transactions"]
            return [head]
        return [shapes.log(log) for log in block.logs if self.logs.matches(log)]


class WebSocketSession:
    """One connection. `watch` and `unwatch` register for the blocks that the EVM mines in other threads."""

    def __init__(
        self,
        socket: WebSocket,
        rpc: JsonRpc,
        watch: Callable[[Callable[[MinedBlock], None]], None],
        unwatch: Callable[[Callable[[MinedBlock], None]], None],
    ) -> None:
        self._socket = socket
        self._rpc = rpc
        self._watch = watch
        self._unwatch = unwatch
        self._loop = asyncio.get_running_loop()
        self._outbox: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_WAITING)
        self._subscriptions: dict[str, _Subscription] = {}
        self._ids = itertools.count(1)

    async def run(self) -> None:
        """Serves the connection until the client leaves or cannot keep up."""
        await self._socket.accept()
        self._watch(self._block_mined)
        reader = asyncio.create_task(self._read())
        try:
            await self._write()
        finally:
            self._unwatch(self._block_mined)
            reader.cancel()

    async def _read(self) -> None:
        try:
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                await self._handle(message.get("bytes") or message.get("text", "").encode())
        finally:
            self._post(None)

    async def _write(self) -> None:
        while (message := await self._outbox.get()) is not None:
            try:
                await self._socket.send_text(message.decode())
            except WebSocketDisconnect:
                return

    async def _handle(self, text: bytes) -> None:
        try:
            request = orjson.loads(text)
        except orjson.JSONDecodeError:
            self._post(orjson.dumps(error_answer(None, RpcError(-32700, "parse error"))))
            return
        method = request.get("method") if isinstance(request, dict) else None
        if method == "eth_subscribe":
            self._subscribe(request)
        elif method == "eth_unsubscribe":
            self._unsubscribe(request)
        else:
            answer = await asyncio.to_thread(self._rpc.answer, request)
            if answer is not None:
                self._post(orjson.dumps(answer))

    def _subscribe(self, request: dict[str, Any]) -> None:
        try:
            subscription = self._wanted_subscription(request.get("params"))
        except RpcError as error:
            self._post(orjson.dumps(error_answer(request.get("id"), error)))
            return
        subscription_id = hex(next(self._ids))
        self._reply(request, subscription_id)
        self._subscriptions[subscription_id] = subscription

    def _wanted_subscription(self, given: object) -> _Subscription:
        if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
            raise RpcError(-32005, f"more than {MAX_SUBSCRIPTIONS} subscriptions")
        if not isinstance(given, list) or not given:
            raise RpcError(-32602, "params: a list with the kind of subscription is wanted")
        if given[0] == "newHeads":
            return _Subscription(None)
        if given[0] == "logs":
            return _Subscription(params.log_filter(params.fields(given[1] if len(given) > 1 else {})))
        raise RpcError(-32602, "only newHeads and logs can be subscribed to")

    def _unsubscribe(self, request: dict[str, Any]) -> None:
        given = request.get("params")
        wanted = given[0] if isinstance(given, list) and given and isinstance(given[0], str) else ""
        self._reply(request, self._subscriptions.pop(wanted, None) is not None)

    def _reply(self, request: dict[str, Any], result: object) -> None:
        self._post(orjson.dumps({"jsonrpc": "2.0", "id": request.get("id"), "result": result}))

    def _block_mined(self, block: MinedBlock) -> None:
        """Called in the thread that mined it."""
        self._loop.call_soon_threadsafe(self._announce, block)

    def _announce(self, block: MinedBlock) -> None:
        for subscription_id, subscription in self._subscriptions.items():
            for result in subscription.news(block):
                body = {"subscription": subscription_id, "result": result}
                self._post(orjson.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": body}))

    def _post(self, message: bytes | None) -> None:
        """Puts a message into the outbox; None ends the connection, as does a full outbox."""
        if self._outbox.full():
            while not self._outbox.empty():
                self._outbox.get_nowait()
            message = None
        self._outbox.put_nowait(message)
