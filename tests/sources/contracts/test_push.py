"""New heads over a real WebSocket: told at once, told again after a lost connection, and never any data."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from websockets.asyncio.server import Server, ServerConnection, serve

from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.push import HeadPush

CHAIN_ID = 31337
ADDRESS = "0x" + "ab" * 20


class PushingNode:
    """A node that knows the methods a subscriber needs and pushes what it is told to."""

    def __init__(self) -> None:
        self.chain_id = CHAIN_ID
        self.height = 100
        self.subscriptions: dict[str, str] = {}
        self.connection: ServerConnection | None = None
        self.connections = 0
        self.server: Server | None = None
        self.subscribed = asyncio.Event()
        self.wanted = 1

    @property
    def url(self) -> SecretStr:
        assert self.server is not None
        port = self.server.sockets[0].getsockname()[1]
        return SecretStr(f"ws://127.0.0.1:{port}/v2/secret-key")

    async def serve(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.connections += 1
        async for message in connection:
            request = json.loads(message)
            await connection.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": self.answer(request)}))
            if len(self.subscriptions) >= self.wanted:
                self.subscribed.set()

    def answer(self, request: dict[str, Any]) -> object:
        if request["method"] == "eth_subscribe":
            identity = f"0x{len(self.subscriptions) + 1:x}"
            self.subscriptions[request["params"][0]] = identity
            return identity
        return hex(self.chain_id if request["method"] == "eth_chainId" else self.height)

    async def push(self, kind: str, result: dict[str, Any]) -> None:
        assert self.connection is not None
        params = {"subscription": self.subscriptions[kind], "result": result}
        await self.connection.send(json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params}))

    async def drop(self) -> None:
        assert self.connection is not None
        self.subscriptions.clear()
        self.subscribed.clear()
        self.connection.transport.abort()


class PauseWatch(random.Random):
    """Jitter that tells when the third pause between connections begins."""

    def __init__(self) -> None:
        super().__init__(1)
        self.pauses = 0
        self.third = asyncio.Event()

    def uniform(self, a: float, b: float) -> float:
        self.pauses += 1
        if self.pauses == 3:
            self.third.set()
        return super().uniform(a, b)


@pytest.fixture
async def pauses() -> PauseWatch:
    return PauseWatch()


@pytest.fixture
async def pushing_node() -> AsyncIterator[PushingNode]:
    node = PushingNode()
    async with serve(node.serve, "127.0.0.1", 0) as server:
        node.server = server
        yield node


@pytest.fixture
async def heads() -> asyncio.Queue[int]:
    return asyncio.Queue()


@pytest.fixture
async def start_push(
    heads: asyncio.Queue[int], pauses: PauseWatch, contracts_settings: Callable[..., ContractsSettings]
) -> AsyncIterator[Callable[..., HeadPush]]:
    tasks: list[asyncio.Task[None]] = []

    def start(url: SecretStr, **changes: Any) -> HeadPush:
        push = HeadPush(url, heads.put_nowait, contracts_settings(), chain_id=CHAIN_ID, random=pauses, **changes)
        tasks.append(asyncio.create_task(push.run()))
        return push

    yield start
    for task in tasks:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def next_head(heads: asyncio.Queue[int]) -> int:
    async with asyncio.timeout(10):
        return await heads.get()


async def test_a_connection_asks_for_a_refresh_and_every_head_for_another(
    pushing_node: PushingNode, heads: asyncio.Queue[int], start_push: Callable[..., HeadPush]
) -> None:
    push = start_push(pushing_node.url)
    assert await next_head(heads) == 100
    await pushing_node.push("newHeads", {"number": "0x65", "hash": "0x" + "11" * 32, "parentHash": "0x" + "22" * 32})
    assert await next_head(heads) == 101
    assert push.connected


async def test_a_lost_connection_is_made_again_and_the_gap_asks_for_a_refresh(
    pushing_node: PushingNode, heads: asyncio.Queue[int], start_push: Callable[..., HeadPush]
) -> None:
    start_push(pushing_node.url)
    assert await next_head(heads) == 100
    pushing_node.height = 120
    await pushing_node.drop()
    assert await next_head(heads) == 120
    await pushing_node.push("newHeads", {"number": "0x79"})
    assert await next_head(heads) == 121
    assert pushing_node.connections == 2


async def test_logs_of_the_given_addresses_ask_for_a_refresh_too(
    pushing_node: PushingNode, heads: asyncio.Queue[int], start_push: Callable[..., HeadPush]
) -> None:
    pushing_node.wanted = 2
    start_push(pushing_node.url, addresses=[ADDRESS])
    assert await next_head(heads) == 100
    await pushing_node.push("logs", {"address": ADDRESS, "blockNumber": "0x70", "topics": [], "data": "0x"})
    assert await next_head(heads) == 112


async def test_a_head_without_a_number_is_passed_over(
    pushing_node: PushingNode, heads: asyncio.Queue[int], start_push: Callable[..., HeadPush]
) -> None:
    start_push(pushing_node.url)
    assert await next_head(heads) == 100
    await pushing_node.push("newHeads", {"hash": "0x" + "11" * 32})
    await pushing_node.push("newHeads", {"number": "0x66"})
    assert await next_head(heads) == 102


async def test_another_chain_is_never_taken_for_ours_and_no_log_shows_the_key(
    pushing_node: PushingNode,
    heads: asyncio.Queue[int],
    pauses: PauseWatch,
    start_push: Callable[..., HeadPush],
) -> None:
    pushing_node.chain_id = 1
    with structlog.testing.capture_logs() as logs:
        push = start_push(pushing_node.url)
        async with asyncio.timeout(10):
            await pauses.third.wait()
    assert heads.empty()
    assert not push.connected
    assert "serves chain 1, but chain 31337" in logs[0]["error"]
    assert "secret-key" not in str(logs)


async def test_nobody_listening_is_tried_again_until_somebody_does(
    heads: asyncio.Queue[int],
    start_push: Callable[..., HeadPush],
    pushing_node: PushingNode,
    pauses: PauseWatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    url = pushing_node.url
    port = int(url.get_secret_value().rpartition(":")[2].partition("/")[0])
    assert pushing_node.server is not None
    pushing_node.server.close()
    await pushing_node.server.wait_closed()
    with structlog.testing.capture_logs() as logs:
        start_push(url)
        async with asyncio.timeout(10):
            await pauses.third.wait()
        async with serve(pushing_node.serve, "127.0.0.1", port):
            assert await next_head(heads) == 100
    ours = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]
    assert ours
    assert "secret-key" not in str(logs) + str(ours)
    assert "connection refused" in logs[0]["error"]
