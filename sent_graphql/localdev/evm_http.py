"""The EVM's JSON-RPC over HTTP: POST to `/`, requests bounded in size, slow methods off the event loop."""

import asyncio
from typing import Final

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sent_graphql.localdev.jsonrpc import JsonRpc

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

    return Starlette(routes=[Route("/", post, methods=["POST"])])


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
        return b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}'
    answer = rpc.answer(request)
    return b"" if answer is None else orjson.dumps(answer)
