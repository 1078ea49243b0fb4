"""The EVM's JSON-RPC on one path: POST, or a WebSocket. Requests are bounded in size, and run off the event loop."""

import asyncio
from typing import Final

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from sent_graphql.localdev.evm_websocket import WebSocketSession
from sent_graphql.localdev.jsonrpc import JsonRpc, error_answer
from sent_graphql.localdev.jsonrpc_params import RpcError

MAX_BODY_BYTES: Final = 16 * 1024 * 1024


class BodyTooLargeError(Exception):
    """The request's body passes the bound."""


def build_app(rpc: JsonRpc) -> Starlette:
    """The application that answers for `rpc`."""

    async def post(request: Request) -> Response:
        try:
            body = await _read(request)
        except BodyTooLargeError:
            return Response("request too large", status_code=413)
        answer = await asyncio.to_thread(_answer, rpc, body)
        return Response(answer, media_type="application/json")

    async def websocket(socket: WebSocket) -> None:
        await WebSocketSession(socket, rpc, rpc.listeners.append, rpc.listeners.remove).run()

    return Starlette(routes=[Route("/", post, methods=["POST"]), WebSocketRoute("/", websocket)])


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLargeError
    return bytes(body)


def _answer(rpc: JsonRpc, body: bytes) -> bytes:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError:
        return orjson.dumps(error_answer(None, RpcError(-32700, "parse error")))
    answer = rpc.answer(request)
    return b"" if answer is None else orjson.dumps(answer)
