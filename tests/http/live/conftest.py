"""The real server with live queries that say what a test has them say, and clients that speak in raw messages."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import strawberry
import structlog
from graphql import GraphQLError
from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from sent_graphql.cache.snapshots import SnapshotCache
from sent_graphql.http.live_connections import LiveConnections
from sent_graphql.http.server import create_app
from sent_graphql.http.snapshots import SnapshotReader
from sent_graphql.live.hub import LiveQueryHub
from sent_graphql.live.subscriptions import LiveQueries, Operation, Outlet, SubscriptionRefusedError
from sent_graphql.models.network import NetworkType
from sent_graphql.models.snapshot import NetworkState, Snapshot
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema.build import ServedSchema, build_schema
from sent_graphql.schema.documents import Documents
from sent_graphql.schema.policy import ErrorLog
from sent_graphql.server import serve_http
from sent_graphql.settings import (
    GraphqlSettings,
    HttpSettings,
    LiveSettings,
    NetworkSettings,
    OxendSettings,
    Settings,
)
from sent_graphql.tasks import end


class ScriptedSubscription:
    """One subscription, which the test feeds through `outlet`."""

    def __init__(self, operation: Operation, outlet: Outlet) -> None:
        self.operation = operation
        self.outlet = outlet
        self.stopped = asyncio.Event()

    async def tell(self, payload: bytes) -> None:
        """Sends a result."""
        if (rest := self.outlet.next(payload)) is not None:
            await rest

    def stop(self) -> None:
        """The end."""
        self.stopped.set()


class ScriptedLive:
    """Refuses subscriptions whose document says so, fails at those whose document says that; else sends a first
    result, and nothing more by itself.
    """

    def __init__(self) -> None:
        self.begun: asyncio.Queue[ScriptedSubscription] = asyncio.Queue()
        self.open: list[ScriptedSubscription] = []

    async def subscribe(self, operation: Operation, outlet: Outlet) -> ScriptedSubscription:
        """One more."""
        if "refused" in operation.query:
            raise SubscriptionRefusedError([GraphQLError("No such thing"), GraphQLError("Nor that")])
        if "broken" in operation.query:
            raise RuntimeError("a fault of ours")
        subscription = ScriptedSubscription(operation, outlet)
        await subscription.tell(b'{"data":{"count":1}}')
        self.open.append(subscription)
        self.begun.put_nowait(subscription)
        return subscription

    async def close(self) -> None:
        """Completes all that are open."""
        for subscription in self.open:
            if not subscription.stopped.is_set():
                with contextlib.suppress(OSError):
                    await subscription.outlet.complete()


@strawberry.type
class Query:
    """Something to ask."""

    @strawberry.field
    def one(self) -> int:
        """Always."""
        return 1

    @strawberry.field
    def half(self) -> int | None:
        """Fails, and may be null."""
        raise GraphQLError("Cannot tell")


@strawberry.type
class Mutation:
    """Something to change."""

    @strawberry.mutation
    def touch(self) -> bool:
        """Changes nothing."""
        return True


@strawberry.type
class Subscription:
    """Something to hear; who answers is scripted."""

    @strawberry.subscription
    async def count(self) -> AsyncIterator[int]:
        """Never asked."""
        yield 0


class Client:
    """A WebSocket whose messages are dicts."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> None:
        """Sends a message."""
        await self.socket.send(json.dumps(message))

    async def hear(self) -> Any:
        """The next message."""
        return json.loads(await self.socket.recv())

    async def init(self) -> None:
        """Begins as graphql-transport-ws has it."""
        await self.say(type="connection_init")
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, operation_id: str = "1", query: str = "subscription { count }") -> None:
        """Asks, without waiting for the answer."""
        await self.say(type="subscribe", id=operation_id, payload={"query": query})

    async def closed(self) -> tuple[int, str]:
        """Code and reason with which the server ends the connection; messages before are passed over."""
        with contextlib.suppress(ConnectionClosed):
            async for _ in self.socket:
                continue
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""


class Stage:
    """A running server."""

    def __init__(
        self, port: int, live: ScriptedLive, connections: LiveConnections, serving: asyncio.Task[None]
    ) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/graphql"
        self.live = live
        self.connections = connections
        self.serving = serving
        self.clients = AsyncExitStack()

    async def client(self, *protocols: str, path: str = "/graphql", **options: Any) -> Client:
        """A connected client that speaks these protocols, graphql-transport-ws unless told otherwise."""
        names = [Subprotocol(name) for name in protocols or ("graphql-transport-ws",)]
        opened = connect(f"ws://127.0.0.1:{self.port}{path}", subprotocols=names, **options)
        return Client(await self.clients.enter_async_context(opened))


class NoSnapshots:
    """Before the first snapshot."""

    newest = Snapshot(version=0, created_at=None, stale=True, sources=(), state=None)

    async def current(self) -> Snapshot:
        """None of them has a state."""
        return self.newest


SMALL_SCHEMA = ServedSchema(Query, mutation=Mutation, subscription=Subscription)
SMALL_SCHEMA.documents = Documents()
SMALL_SCHEMA.error_log = ErrorLog(structlog.get_logger())
NOTHING_YET = NoSnapshots()


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Any]]:
    """Starts servers, each with its live settings; `send_buffer`: bytes that the system takes for a slow client."""
    async with AsyncExitStack() as stages:

        async def serve(
            *,
            origins: tuple[str, ...] = (),
            schema: ServedSchema = SMALL_SCHEMA,
            snapshots: SnapshotReader = NOTHING_YET,
            make_context: Callable[[Snapshot], object] = lambda snapshot: snapshot,
            live_queries: LiveQueries | None = None,
            send_buffer: int | None = None,
            **live: Any,
        ) -> Stage:
            settings = Settings(
                network=NetworkSettings(
                    name="stagenet",
                    nettype=NetworkType.STAGENET,
                    chain_id=421_614,
                    unlock_seconds=86_400,
                    deregistration_lock_seconds=172_800,
                ),
                oxend=OxendSettings(endpoints=("ipc://oxend/stagenet.sock",)),
                http=HttpSettings(cors_origins=origins, shutdown_grace=1, max_delay=60),
                live=LiveSettings(**live),
            )
            scripted, connections = ScriptedLive(), LiveConnections(settings.live)
            answering_live = live_queries or scripted
            app = create_app(
                settings=settings,
                schema=schema,
                snapshots=snapshots,
                make_context=make_context,
                live=answering_live,
                connections=connections,
            )
            bound = socket.create_server(("127.0.0.1", 0))
            if send_buffer is not None:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
            answering = asyncio.Event()

            async def farewell() -> None:
                grace = settings.http.shutdown_grace
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(grace):
                        await answering_live.close()
                await connections.leave(grace)

            serving = asyncio.create_task(
                serve_http(
                    app, bound, settings.http, settings.live, announce=lambda _url: answering.set(), farewell=farewell
                )
            )
            stage = Stage(bound.getsockname()[1], scripted, connections, serving)
            stages.push_async_callback(_ended, stage)
            await answering.wait()
            return stage

        yield serve


async def _ended(stage: Stage) -> None:
    stage.serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await stage.serving
    await stage.clients.aclose()


@pytest.fixture
async def stage(serve: Callable[..., Any]) -> Stage:
    """A server with the default settings."""
    started = await serve()
    assert isinstance(started, Stage)
    return started


LARGE = b'{"data":"' + b"x" * 30_000_000 + b'"}'
"""More than the system takes for a client that does not read."""


class Bare:
    """A client that reads when it is told to."""

    def __init__(self, stage: Any, connected: socket.socket) -> None:
        self._stage = stage
        self._socket = connected
        self._heard: list[Any] = []
        self.protocol = ClientProtocol(
            parse_uri(f"ws://127.0.0.1:{stage.port}/graphql"),
            subprotocols=[Subprotocol("graphql-transport-ws")],
            max_size=None,
        )

    async def open(self) -> None:
        """Connects, and says that it is there."""
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, ("127.0.0.1", self._stage.port))
        self.protocol.send_request(self.protocol.connect())
        await self.flush()
        await self.frames()
        self.protocol.send_text(b'{"type":"connection_init"}')
        await self.flush()

    async def overwhelm(self) -> tuple[Any, asyncio.Task[None]]:
        """Subscribes, and leaves unread what it is sent; gives the subscription, and the sending."""
        self.protocol.send_text(b'{"type":"subscribe","id":"1","payload":{"query":"subscription { count }"}}')
        await self.flush()
        subscription = await self._stage.live.begun.get()
        sending = asyncio.create_task(subscription.tell(LARGE))
        return subscription, sending

    async def flush(self) -> None:
        """Sends what there is to send."""
        for data in self.protocol.data_to_send():
            await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def frames(self) -> list[Any]:
        """Reads a little."""
        self.protocol.receive_data(await asyncio.get_running_loop().sock_recv(self._socket, 1 << 20))
        return self.protocol.events_received()

    async def say(self, **message: Any) -> None:
        """Sends a message."""
        self.protocol.send_text(json.dumps(message).encode())
        await self.flush()

    async def hear(self) -> Any:
        """The next message; pings are answered."""
        while not self._heard:
            self._heard += [json.loads(frame.data) for frame in await self.frames() if frame.opcode is Opcode.TEXT]
            await self.flush()
        return self._heard.pop(0)

    async def is_cut(self) -> None:
        """Waits until the server knows this connection no more. Nothing is read."""
        while True:
            try:
                await asyncio.get_running_loop().sock_sendall(self._socket, b"x")
            except OSError:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
async def bare() -> AsyncIterator[Callable[..., Any]]:
    """Connects clients; `receive_buffer`: bytes that the system takes for them while they do not read."""
    async with AsyncExitStack() as sockets:

        async def bare(stage: Any, *, receive_buffer: int | None = None) -> Bare:
            connected = sockets.enter_context(socket.socket())
            if receive_buffer is not None:
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            connected.setblocking(False)
            client = Bare(stage, connected)
            await client.open()
            return client

        yield bare


class Network:
    """A running server of the schema that is really served, over states that the test publishes."""

    def __init__(self, stage: Stage, hub: LiveQueryHub, snapshots: SnapshotCache, make: Any) -> None:
        self.stage = stage
        self.hub = hub
        self._snapshots = snapshots
        self._make = make
        self._version = 1

    async def publish(self, state: NetworkState) -> None:
        """The next snapshot."""
        self._version += 1
        await self._snapshots.publish(self._make.snapshot(state, version=self._version))


@pytest.fixture
async def networks(serve: Callable[..., Any], make: Any) -> AsyncIterator[Callable[..., Any]]:
    """Starts networks that have a running node 1 at height 5313, each with its live settings."""
    options = ResolverOptions("mainnet", 100, 2500)
    following: list[asyncio.Task[None]] = []

    def make_context(snapshot: Snapshot) -> RequestContext:
        return RequestContext(snapshot, options)

    async def networks(*, send_buffer: int | None = None, **live: Any) -> Network:
        snapshots = SnapshotCache(make.snapshot(make.state(make.node(1)), version=1))
        schema = build_schema(GraphqlSettings(), "mainnet")
        hub = LiveQueryHub(schema, snapshots, make_context, LiveSettings(**live))
        stage = await serve(
            schema=schema,
            snapshots=snapshots,
            make_context=make_context,
            live_queries=hub,
            send_buffer=send_buffer,
            **live,
        )
        following.append(asyncio.create_task(hub.run()))
        return Network(stage, hub, snapshots, make)

    yield networks
    await end(following)


@pytest.fixture
async def network(networks: Callable[..., Any]) -> Network:
    """One with the default settings."""
    started = await networks()
    assert isinstance(started, Network)
    return started
