"""A JSON-RPC node on loopback that answers what it is told to, and fails as real providers do when told so."""

import asyncio
import json
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from eth_abi.abi import decode, encode
from pydantic import SecretStr

from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.source import ContractsSource

CHAIN_ID = 31337
MULTICALL = "0xcA11bde05977b3631167028862bE2a173976CA11"
AGGREGATE3 = bytes.fromhex("82ad56cb")

Requests = list[dict[str, Any]]
Fault = Callable[[Any], web.StreamResponse | Awaitable[web.StreamResponse]]


class StubRevertError(Exception):
    """A contract of the stub reverts with these bytes."""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__("revert")
        self.data = data


class StubRefusalError(Exception):
    """The stub answers one request with this error object."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message}


class StubNode:
    """One node; `faults` are used up one a POST (never for eth_chainId alone), `posts` are what it was sent."""

    def __init__(self, chain_id: int = CHAIN_ID) -> None:
        self.posts: list[Any] = []
        self.faults: deque[Fault] = deque()
        self.standing_fault: Fault | None = None
        self.multicall = True
        self.methods: dict[str, Callable[[list[Any]], object]] = {
            "eth_chainId": lambda _: hex(chain_id),
            "eth_blockNumber": lambda _: hex(77),
            "echo": lambda params: params,
            "eth_getCode": lambda params: "0x60" if self.multicall and params[0] == MULTICALL else "0x",
            "eth_call": self._call,
        }
        self.contract: Callable[[str, bytes, int], bytes] = lambda to, data, block: b""
        self._peers: set[object] = set()
        self.in_flight = 0
        self.most_in_flight = 0
        self.runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v2/secret-key"

    @property
    def connections(self) -> int:
        return len(self._peers)

    async def start(self, port: int = 0) -> None:
        app = web.Application(client_max_size=1 << 28)
        app.router.add_post("/v2/secret-key", self._post)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", port)
        await site.start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None

    def answer(self, body: Any) -> Any:
        return [self.one(item) for item in body] if isinstance(body, list) else self.one(body)

    def one(self, item: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"jsonrpc": "2.0", "id": item["id"], "result": self.methods[item["method"]](item["params"])}
        except StubRevertError as revert:
            error = {"code": 3, "message": "execution reverted", "data": "0x" + revert.data.hex()}
            return {"jsonrpc": "2.0", "id": item["id"], "error": error}
        except StubRefusalError as refusal:
            return {"jsonrpc": "2.0", "id": item["id"], "error": refusal.error}

    async def _post(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        self.posts.append(body)
        self._peers.add(request.transport)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(0)
            handshake = isinstance(body, dict) and body["method"] == "eth_chainId"
            fault = self.standing_fault or (self.faults.popleft() if self.faults and not handshake else None)
            if fault is None:
                return web.json_response(self.answer(body))
            reply = fault(body)
            return reply if isinstance(reply, web.StreamResponse) else await reply
        finally:
            self.in_flight -= 1

    def _call(self, params: list[Any]) -> str:
        to, data, block = params[0]["to"], bytes.fromhex(params[0]["data"][2:]), int(params[1], 16)
        if to != MULTICALL or not self.multicall:
            return "0x" + self.contract(to, data, block).hex()
        assert data[:4] == AGGREGATE3
        (calls,) = decode(["(address,bool,bytes)[]"], data[4:])
        results = []
        for target, may_fail, inner in calls:
            assert may_fail
            try:
                results.append((True, self.contract(target, inner, block)))
            except StubRevertError as revert:
                results.append((False, revert.data))
        return "0x" + encode(["(bool,bytes)[]"], [results]).hex()


@pytest.fixture
async def make_node() -> AsyncIterator[Callable[..., Awaitable[StubNode]]]:
    nodes: list[StubNode] = []

    async def make(chain_id: int = CHAIN_ID) -> StubNode:
        node = StubNode(chain_id)
        await node.start()
        nodes.append(node)
        return node

    yield make
    for node in nodes:
        await node.stop()


@pytest.fixture
async def node(make_node: Callable[..., Awaitable[StubNode]]) -> StubNode:
    return await make_node()


@pytest.fixture
def contracts_settings() -> Callable[..., ContractsSettings]:
    """Settings with short pauses, for the URLs of nodes."""

    def make(*urls: str, **changes: Any) -> ContractsSettings:
        values: dict[str, Any] = {"retry_initial": 0.001, "retry_max": 0.02, "request_timeout": 5.0, "retries": 3}
        return ContractsSettings(rpc_urls=tuple(SecretStr(url) for url in urls), **(values | changes))

    return make


@pytest.fixture
async def make_rpc(
    contracts_settings: Callable[..., ContractsSettings],
) -> AsyncIterator[Callable[..., JsonRpc]]:
    clients: list[JsonRpc] = []

    def make(*urls: str, **changes: Any) -> JsonRpc:
        rpc = JsonRpc(contracts_settings(*urls, **changes), chain_id=CHAIN_ID, random=random.Random(1))
        clients.append(rpc)
        return rpc

    yield make
    for rpc in clients:
        await rpc.close()


@pytest.fixture
def stub_revert() -> type[Exception]:
    return StubRevertError


@pytest.fixture
def stub_refusal() -> type[Exception]:
    return StubRefusalError


@pytest.fixture
def scan_through() -> Callable[[ContractsSource], Awaitable[int]]:
    """Runs the scan until it is complete or has failed; returns how often it told of progress."""

    async def run(source: ContractsSource) -> int:
        told = 0
        if source.progress.complete:
            return told
        done = asyncio.Event()

        def on_progress() -> None:
            nonlocal told
            told += 1
            if source.progress.complete or source.progress.error is not None:
                done.set()

        task = asyncio.create_task(source.scan(on_progress))
        async with asyncio.timeout(20):
            await done.wait()
        # A turn for what follows the last step.
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return told

    return run
