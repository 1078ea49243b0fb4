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
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

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

    async def client(self, *protocols: str, **options: Any) -> Client:
        """A connected client that speaks these protocols, graphql-transport-ws unless told otherwise."""
        names = [Subprotocol(name) for name in protocols or ("graphql-transport-ws",)]
        opened = connect(f"ws://127.0.0.1:{self.port}/graphql", subprotocols=names, **options)
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
    """Starts servers, each with its live settings."""
    async with AsyncExitStack() as stages:

        async def serve(
            *,
            origins: tuple[str, ...] = (),
            schema: ServedSchema = SMALL_SCHEMA,
            snapshots: SnapshotReader = NOTHING_YET,
            make_context: Callable[[Snapshot], object] = lambda snapshot: snapshot,
            live_queries: LiveQueries | None = None,
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
                http=HttpSettings(cors_origins=origins, shutdown_grace=5, max_delay=60),
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
            answering = asyncio.Event()

            async def farewell() -> None:
                await answering_live.close()
                await connections.leave(settings.http.shutdown_grace)

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


class Network:
    """A running server of the schema that is really served, over states that the test publishes."""

    def __init__(self, stage: Stage, snapshots: SnapshotCache, make: Any) -> None:
        self.stage = stage
        self._snapshots = snapshots
        self._make = make
        self._version = 1

    async def publish(self, state: NetworkState) -> None:
        """The next snapshot."""
        self._version += 1
        await self._snapshots.publish(self._make.snapshot(state, version=self._version))


@pytest.fixture
async def network(serve: Callable[..., Any], make: Any) -> AsyncIterator[Network]:
    """One that has a running node 1 at height 5313."""
    snapshots = SnapshotCache(make.snapshot(make.state(make.node(1)), version=1))
    options = ResolverOptions("mainnet", 100, 2500)

    def make_context(snapshot: Snapshot) -> RequestContext:
        return RequestContext(snapshot, options)

    schema = build_schema(GraphqlSettings(), "mainnet")
    hub = LiveQueryHub(schema, snapshots, make_context, LiveSettings(), max_tokens=5_000)
    stage = await serve(schema=schema, snapshots=snapshots, make_context=make_context, live_queries=hub)
    following = asyncio.create_task(hub.run())
    yield Network(stage, snapshots, make)
    await end([following])
