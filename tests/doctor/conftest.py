"""Real counterparts for the doctor: sockets on disk, OxenMQ servers, JSON-RPC servers on loopback."""

import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from sent_graphql.localdev.omq_server import CurveKeys, Handler, OmqServer
from sent_graphql.models.network import NetworkType
from sent_graphql.settings import NetworkSettings, OxendSettings

INFO = {"status": "OK", "nettype": "stagenet", "height": 900, "target_height": 0, "version": "11"}


@pytest.fixture
def network() -> NetworkSettings:
    return NetworkSettings(
        name="stagenet",
        nettype=NetworkType.STAGENET,
        chain_id=421614,
        unlock_seconds=86_400,
        deregistration_lock_seconds=172_800,
    )


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path that every account may enter, unlike pytest's own directories."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    path.chmod(0o755)
    shutil.rmtree(path)


@pytest.fixture
def listening(directory: Path) -> Iterator[Path]:
    """A socket on which somebody listens, and never answers."""
    path = directory / "oxend.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(5)
        yield path


@pytest.fixture
def patient() -> Callable[[str], OxendSettings]:
    """Settings for one endpoint whose answers come."""
    return lambda endpoint: OxendSettings(endpoints=(endpoint,), connect_timeout=30, request_timeout=30)


@pytest.fixture
def hasty() -> Callable[[str], OxendSettings]:
    """Settings for one endpoint whose answers do not come."""
    return lambda endpoint: OxendSettings(endpoints=(endpoint,), connect_timeout=1, request_timeout=0.2)


OxendMaker = Callable[..., Awaitable[str]]


@pytest.fixture
async def oxend() -> AsyncIterator[OxendMaker]:
    """Starts OxenMQ servers that answer as oxend does; gives their endpoints."""
    async with AsyncExitStack() as stack:

        async def start(
            endpoint: str = "tcp://127.0.0.1:*",
            info: Mapping[str, object] | bytes | None = None,
            header: Mapping[str, object] | None = None,
            handlers: Mapping[str, Handler] | None = None,
            curve: CurveKeys | None = None,
            forbidden: tuple[str, ...] = (),
            status: bytes = b"200",
        ) -> str:
            body = info if isinstance(info, bytes) else msgspec.json.encode({**INFO, **(info or {})})

            async def get_info(_body: bytes | None) -> tuple[bytes, bytes]:
                return status, body

            async def get_header(_body: bytes | None) -> tuple[bytes, bytes]:
                return b"200", msgspec.json.encode(header or {"status": "OK", "block_header": {}})

            known = {"rpc.get_info": get_info, "rpc.get_last_block_header": get_header}
            server = OmqServer(endpoint, known if handlers is None else handlers, curve=curve, forbidden=forbidden)
            await server.start()
            stack.push_async_callback(server.close)
            return server.endpoint

        yield start


class Rpc:
    """What a JSON-RPC server on loopback answers; tests change it."""

    def __init__(self) -> None:
        self.results: dict[str, Any] = {
            "eth_chainId": hex(421614),
            "eth_blockNumber": "0x10",
            "eth_getBlockByNumber": {"number": "0x10", "timestamp": "0x64"},
            "eth_getCode": "0x6000",
        }
        self.code: dict[str, str] = {}
        self.status = 200
        self.raw: bytes | None = None
        self.batches = True
        self.url = ""

    def answer(self, question: Any) -> Any:
        if isinstance(question, list):
            return [self.answer(one) for one in question] if self.batches else {"error": {"message": "no batches"}}
        method, parameters = question["method"], question["params"]
        result = self.results[method]
        if method == "eth_getCode":
            result = self.code.get(parameters[0], result)
        part = "error" if isinstance(result, dict) and "message" in result else "result"
        return {"jsonrpc": "2.0", "id": question["id"], part: result}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket" and self.status == 200:
            return await self._over_websocket(request)
        if self.raw is not None or self.status != 200:
            return web.Response(status=self.status, body=self.raw or b"")
        return web.json_response(self.answer(await request.json()))

    async def _over_websocket(self, request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        async for message in connection:
            await connection.send_json(self.answer(msgspec.json.decode(message.data)))
        return connection


@pytest.fixture
async def rpc() -> AsyncIterator[Rpc]:
    """A JSON-RPC server of the right chain, over HTTP and WebSocket."""
    served = Rpc()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", served.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    served.url = f"http://{host}:{port}/v2/KEY"
    yield served
    await runner.cleanup()
