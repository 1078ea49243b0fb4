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
from graphql import GraphQLError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from sent_graphql.http.live_connections import LiveConnections
from sent_graphql.http.server import create_app
from sent_graphql.live.subscriptions import Operation, Outlet, SubscriptionRefusedError
from sent_graphql.models.network import NetworkType
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.server import serve_http
from sent_graphql.settings import HttpSettings, LiveSettings, NetworkSettings, OxendSettings, Settings


class ScriptedSubscription:
    """One subscription, which the test feeds through `outlet`."""

    def __init__(self, operation: Operation, outlet: Outlet) -> None:
        self.operation = operation
        self.outlet = outlet
        self.stopped = asyncio.Event()

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
        await outlet.next(b'{"data":{"count":1}}')
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


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Any]]:
    """Starts servers, each with its live settings."""
    async with AsyncExitStack() as stages:

        async def serve(*, origins: tuple[str, ...] = (), **live: Any) -> Stage:
            settings = Settings(
                network=NetworkSettings(
                    name="stagenet",
                    nettype=NetworkType.STAGENET,
                    chain_id=421_614,
                    unlock_seconds=86_400,
                    deregistration_lock_seconds=172_800,
                ),
                oxend=OxendSettings(endpoints=("ipc://oxend/stagenet.sock",)),
                http=HttpSettings(cors_origins=origins, shutdown_grace=5),
                live=LiveSettings(**live),
            )
            scripted, connections = ScriptedLive(), LiveConnections(settings.live)
            app = create_app(
                settings=settings,
                schema=strawberry.Schema(Query, mutation=Mutation, subscription=Subscription),
                snapshots=NoSnapshots(),
                make_context=lambda snapshot: snapshot,
                live=scripted,
                connections=connections,
            )
            bound = socket.create_server(("127.0.0.1", 0))
            answering = asyncio.Event()

            async def farewell() -> None:
                await scripted.close()
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


class NoSnapshots:
    """Before the first snapshot."""

    async def current(self) -> Snapshot:
        """None of them has a state."""
        return Snapshot(version=0, created_at=None, stale=True, sources=(), state=None)


@pytest.fixture
async def stage(serve: Callable[..., Any]) -> Stage:
    """A server with the default settings."""
    started = await serve()
    assert isinstance(started, Stage)
    return started
