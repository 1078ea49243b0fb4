"""Requests over a WebSocket, where no HTTP endpoint is given."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.endpoints import push_urls
from sent_graphql.sources.contracts.errors import (
    RangeTooLargeError,
    RpcMalformedReplyError,
    RpcTimeoutError,
    RpcUnreachableError,
)
from sent_graphql.sources.contracts.rpc import JsonRpc

MakeRpc = Callable[..., JsonRpc]


class SocketNode:
    """Answers echo and eth_chainId over a WebSocket; `faults` replace the next answers."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self.connections = 0
        self.frames: list[object] = []
        self.faults: list[Callable[[Any], str | None]] = []

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"ws://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/v2/secret-key"

    async def serve(self, connection: ServerConnection) -> None:
        self.connections += 1
        async for frame in connection:
            self.frames.append(frame)
            request = json.loads(frame)
            if isinstance(request, list):
                reply: object = [self.one(item) for item in request]
            else:
                reply = self.one(request)
            text = json.dumps(reply)
            handshake = isinstance(request, dict) and request["method"] == "eth_chainId"
            if self.faults and not handshake:
                fault = self.faults.pop(0)(request)
                if fault is None:
                    connection.transport.abort()
                    return
                text = fault
            await connection.send(text)

    def one(self, item: dict[str, Any]) -> dict[str, Any]:
        result = hex(31337) if item["method"] == "eth_chainId" else item["params"]
        return {"jsonrpc": "2.0", "id": item["id"], "result": result}


@pytest.fixture
async def socket_node() -> AsyncIterator[SocketNode]:
    node = SocketNode()
    async with serve(node.serve, "127.0.0.1", 0) as server:
        node.server = server
        yield node


async def test_requests_and_batches_go_over_one_connection_as_text(socket_node: SocketNode, make_rpc: MakeRpc) -> None:
    rpc = make_rpc(socket_node.url)
    assert await rpc.request("echo", [1]) == [1]
    answers = await asyncio.gather(*(rpc.batch([("echo", [n]), ("echo", [n, n])]) for n in range(10)))
    assert answers == [[[n], [n, n]] for n in range(10)]
    assert socket_node.connections == 1
    assert all(isinstance(frame, str) for frame in socket_node.frames)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda _: None, id="connection lost"),
        pytest.param(lambda _: "<html>", id="not JSON"),
        pytest.param(lambda request: json.dumps({"id": request["id"] + 1, "result": [9]}), id="another id"),
        pytest.param(lambda request: json.dumps([{"id": request["id"], "result": [9]}]), id="a list"),
    ],
)
async def test_a_passing_fault_is_got_over(
    socket_node: SocketNode, make_rpc: MakeRpc, fault: Callable[[Any], str | None]
) -> None:
    rpc = make_rpc(socket_node.url)
    socket_node.faults.append(fault)
    assert await rpc.request("echo", [1]) == [1]
    assert not socket_node.faults


async def test_a_late_answer_is_not_given_to_the_next_request(socket_node: SocketNode, make_rpc: MakeRpc) -> None:
    rpc = make_rpc(socket_node.url, request_timeout=0.1, retries=0)
    await rpc.request("echo", [1])
    assert socket_node.server is not None
    (connection,) = socket_node.server.connections
    connection.transport.pause_reading()
    with pytest.raises(RpcTimeoutError):
        await rpc.request("echo", [2])
    connection.transport.resume_reading()
    assert await rpc.request("echo", [3]) == [3]
    assert socket_node.connections == 2


async def test_an_answer_beyond_the_bound_is_refused(socket_node: SocketNode, make_rpc: MakeRpc) -> None:
    rpc = make_rpc(socket_node.url, max_response_bytes=2000)
    with pytest.raises(RangeTooLargeError):
        await rpc.request("eth_getLogs", ["x" * 3000])


async def test_lasting_nonsense_is_malformed_and_nobody_there_unreachable(
    socket_node: SocketNode, make_rpc: MakeRpc
) -> None:
    url = socket_node.url
    rpc = make_rpc(url)
    await rpc.request("echo", [1])
    socket_node.faults.extend([lambda _: "<html>"] * 20)
    with pytest.raises(RpcMalformedReplyError):
        await rpc.request("echo", [1])
    assert socket_node.server is not None
    socket_node.server.close()
    await socket_node.server.wait_closed()
    with pytest.raises(RpcUnreachableError) as caught:
        await make_rpc(url).request("echo", [1])
    assert "secret-key" not in str(caught.value)


async def test_websockets_are_for_pushes_where_there_is_http(
    node: Any, socket_node: SocketNode, make_rpc: MakeRpc, contracts_settings: Callable[..., ContractsSettings]
) -> None:
    assert await make_rpc(socket_node.url, node.url).request("eth_blockNumber", []) == "0x4d"
    assert socket_node.connections == 0
    urls = push_urls(contracts_settings(socket_node.url, node.url))
    assert [url.get_secret_value() for url in urls] == [socket_node.url]


async def test_a_websocket_answers_when_http_does_not(node: Any, socket_node: SocketNode, make_rpc: MakeRpc) -> None:
    await node.stop()
    assert await make_rpc(socket_node.url, node.url).request("echo", [1]) == [1]
    assert socket_node.connections == 1
