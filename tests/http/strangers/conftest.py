"""The server as it stands on the open internet, with bounds as a test wants them, and strangers who speak raw HTTP."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from sent_graphql.cache.snapshots import SnapshotCache
from sent_graphql.http.guard import Guard
from sent_graphql.http.live_connections import LiveConnections
from sent_graphql.http.server import create_app
from sent_graphql.http.workload import Workload
from sent_graphql.live.hub import LiveQueryHub
from sent_graphql.models.network import NetworkType
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema.build import build_schema
from sent_graphql.server import serve_http
from sent_graphql.settings import (
    GraphqlSettings,
    HttpSettings,
    LiveSettings,
    NetworkSettings,
    OxendSettings,
    RateLimitSettings,
    Settings,
)
from sent_graphql.tasks import end

ANSWER_LIMIT = 64 * 1024 * 1024


class Stranger:
    """A connection on which a test says what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, text: bytes) -> None:
        """Sends these bytes."""
        self._writer.write(text)
        await self._writer.drain()

    async def head(self) -> str:
        """Status line and headers of an answer."""
        return (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")

    async def answer(self) -> str:
        """A whole answer that tells its length."""
        head = await self.head()
        length = next(line for line in head.lower().split("\r\n") if line.startswith("content-length:")).split(":")[1]
        return head + (await self._reader.readexactly(int(length))).decode("latin-1")

    async def rest(self) -> bytes:
        """All that comes until the server ends the connection; how it does so is its own affair."""
        received = b""
        with contextlib.suppress(ConnectionError):
            while part := await self._reader.read(65_536):
                received += part
        return received

    async def trickle(self, text: bytes) -> None:
        """Sends one byte now and then for as long as the server listens."""
        with contextlib.suppress(ConnectionError):
            for byte in text:
                await self.say(bytes([byte]))
                await asyncio.sleep(0.02)

    async def end(self) -> None:
        """Says no more, and listens on."""
        self._writer.write_eof()

    async def close(self) -> None:
        """Goes away."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


class Host:
    """A running server."""

    def __init__(self, port: int, guard: Guard, workload: Workload, clients: AsyncExitStack) -> None:
        self.port = port
        self.workload = workload
        self.guard = guard
        self.address = f"http://127.0.0.1:{port}"
        self._clients = clients
        self.client = httpx.AsyncClient(base_url=self.address, timeout=60)
        clients.push_async_callback(self.client.aclose)

    async def stranger(self, *, receive_buffer: int | None = None, address: str = "127.0.0.1") -> Stranger:
        """A raw connection from `address`.

        `receive_buffer`: bytes that the system takes for a client that does not read.
        """
        opened = socket.socket()
        opened.bind((address, 0))
        if receive_buffer is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        opened.setblocking(False)
        await asyncio.get_running_loop().sock_connect(opened, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=opened, limit=receive_buffer or ANSWER_LIMIT)
        stranger = Stranger(reader, writer)
        self._clients.push_async_callback(stranger.close)
        return stranger

    async def websocket(self, **options: Any) -> ClientConnection:
        """A WebSocket that has been initialised."""
        opened = await self._clients.enter_async_context(
            connect(
                f"ws://127.0.0.1:{self.port}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")], **options
            )
        )
        await opened.send(json.dumps({"type": "connection_init"}))
        assert json.loads(await opened.recv())["type"] == "connection_ack"
        return opened

    async def ask(self, query: str, **more: Any) -> httpx.Response:
        """A question by POST."""
        accept = {"accept": "application/graphql-response+json"}
        return await self.client.post("/graphql", json={"query": query, **more}, headers=accept)

    async def is_well(self) -> bool:
        """Whether health and a simple question are answered."""
        health, answer = await self.client.get("/healthz"), await self.ask("{ meta { version } }")
        return health.status_code == answer.status_code == 200


@pytest.fixture
async def host(make: Any) -> AsyncIterator[Callable[..., Any]]:
    """Starts servers; sections of settings may be given as dicts. `state`: the network, of one node unless told."""
    async with AsyncExitStack() as hosts:

        async def host(*, state: Any = None, **sections: dict[str, Any]) -> Host:
            settings = Settings(
                network=NetworkSettings(
                    name="mainnet",
                    nettype=NetworkType.MAINNET,
                    chain_id=42_161,
                    unlock_seconds=86_400,
                    deregistration_lock_seconds=172_800,
                ),
                oxend=OxendSettings(endpoints=("ipc://oxend/mainnet.sock",)),
                http=HttpSettings(**{"shutdown_grace": 1, "max_delay": 60, **sections.get("http", {})}),
                graphql=GraphqlSettings(**{"max_wait": 60, **sections.get("graphql", {})}),
                live=LiveSettings(**sections.get("live", {})),
                rate_limit=RateLimitSettings(**sections.get("rate_limit", {})),
            )
            snapshots = SnapshotCache(make.snapshot(state or make.state(make.node(1)), version=1))
            options = ResolverOptions("mainnet", settings.graphql.default_page_size, settings.graphql.max_page_size)

            def make_context(snapshot: Snapshot) -> RequestContext:
                return RequestContext(snapshot, options)

            schema = build_schema(settings.graphql, "mainnet")
            live = LiveQueryHub(schema, snapshots, make_context, settings.live)
            connections = LiveConnections(settings.live)
            workload = Workload(settings.graphql)
            app = create_app(
                settings=settings,
                schema=schema,
                snapshots=snapshots,
                make_context=make_context,
                live=live,
                connections=connections,
                workload=workload,
            )
            bound = socket.create_server(("127.0.0.1", 0), backlog=512)
            guard = Guard(settings.http, settings.live.max_connections_per_address)
            answering = asyncio.Event()

            async def farewell() -> None:
                await live.close()
                await connections.leave(1)

            serving = asyncio.create_task(
                serve_http(
                    app,
                    bound,
                    settings.http,
                    settings.live,
                    announce=lambda _url: answering.set(),
                    farewell=farewell,
                    guard=guard,
                )
            )
            following = asyncio.create_task(live.run())
            hosts.push_async_callback(end, [serving, following])
            await answering.wait()
            return Host(bound.getsockname()[1], guard, workload, await hosts.enter_async_context(AsyncExitStack()))

        yield host
