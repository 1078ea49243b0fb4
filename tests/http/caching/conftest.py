"""The real server on a socket, over the real schema and snapshots that a test publishes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, NoReturn

import httpx
import pytest
from graphql import GraphQLError
from msgspec import structs

from sent_graphql.cache.answers import MemoryAnswers
from sent_graphql.cache.snapshots import SnapshotCache
from sent_graphql.http.live_connections import LiveConnections
from sent_graphql.http.server import create_app
from sent_graphql.live.subscriptions import Operation, Outlet, SubscriptionRefusedError
from sent_graphql.models.network import NetworkType
from sent_graphql.models.snapshot import NetworkState, Snapshot
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema.build import ServedSchema, build_schema
from sent_graphql.server import serve_http
from sent_graphql.settings import (
    CacheSettings,
    GraphqlSettings,
    HttpSettings,
    NetworkSettings,
    OxendSettings,
    Settings,
)
from sent_graphql.tasks import end


class NoLiveQueries:
    """Refuses all subscriptions."""

    async def subscribe(self, operation: Operation, outlet: Outlet) -> NoReturn:
        """Refuses."""
        raise SubscriptionRefusedError([GraphQLError("There are none here")])

    async def close(self) -> None:
        """Nothing to end."""


class Clock:
    """Unix seconds, as a test sets them."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """That moment."""
        return self.now


@dataclass
class Served:
    """A running service. `executed`: from which snapshot each execution was answered."""

    snapshots: SnapshotCache
    answers: MemoryAnswers
    schema: ServedSchema
    clock: Clock
    executed: list[Snapshot] = field(default_factory=list)
    address: str = ""
    app: Any = None

    def context(self, snapshot: Snapshot) -> RequestContext:
        """What resolvers are given; counted."""
        self.executed.append(snapshot)
        return RequestContext(snapshot, ResolverOptions("stagenet", default_page_size=100, max_page_size=2_500))

    async def publish(self, **changes: Any) -> Snapshot:
        """The next snapshot: the same network, at the next block unless told otherwise."""
        newest = self.snapshots.newest
        state = newest.state
        assert state is not None
        network = structs.replace(state.network, block_height=state.network.block_height + 1, **changes)
        moved = NetworkState(
            network=network,
            nodes=state.nodes,
            contribution_contracts=state.contribution_contracts,
            accrued=state.accrued,
            recipients=state.recipients,
        )
        snapshot = structs.replace(newest, version=newest.version + 1, state=moved)
        await self.snapshots.publish(snapshot)
        return snapshot


Serve = Callable[..., Any]


def settings(cache: CacheSettings, **http: Any) -> Settings:
    """Those of a service that is reached by its tests alone."""
    return Settings(
        network=NetworkSettings(
            name="stagenet",
            nettype=NetworkType.STAGENET,
            chain_id=421_614,
            unlock_seconds=86_400,
            deregistration_lock_seconds=172_800,
        ),
        oxend=OxendSettings(endpoints=("ipc://oxend/stagenet.sock",)),
        http=HttpSettings(**{"shutdown_grace": 2, "max_delay": 60, **http}),
        cache=cache,
    )


def assembled(snapshot: Snapshot, cache: CacheSettings | None = None, **http: Any) -> Served:
    """The application, not served yet."""
    chosen = settings(cache or CacheSettings(), **http)
    assert snapshot.created_at is not None
    schema = build_schema(GraphqlSettings(), "stagenet")
    served = Served(
        SnapshotCache(snapshot),
        MemoryAnswers(chosen.cache.answers_bytes),
        schema,
        Clock(snapshot.created_at.timestamp()),
    )
    served.snapshots.follow(served.answers.renew)
    served.app = create_app(
        settings=chosen,
        schema=schema,
        snapshots=served.snapshots,
        make_context=served.context,
        live=NoLiveQueries(),
        connections=LiveConnections(chosen.live),
        answers=served.answers,
        clock=served.clock,
    )
    return served


@pytest.fixture
def assemble(snapshot: Snapshot) -> Callable[[], Served]:
    """Makes applications that are asked without a socket."""
    return lambda: assembled(snapshot)


@pytest.fixture
async def serve(snapshot: Snapshot) -> AsyncIterator[Serve]:
    """Starts services."""
    async with AsyncExitStack() as stages:

        async def serve(*, first: Snapshot = snapshot, cache: dict[str, Any] | None = None, **http: Any) -> Served:
            served = assembled(first, CacheSettings(**(cache or {})), **http)
            chosen = settings(CacheSettings(), **http)
            bound = socket.create_server(("127.0.0.1", 0))
            answering = asyncio.Event()

            async def farewell() -> None:
                return

            serving = asyncio.create_task(
                serve_http(
                    served.app,
                    bound,
                    chosen.http,
                    chosen.live,
                    announce=lambda _url: answering.set(),
                    farewell=farewell,
                )
            )
            stages.push_async_callback(end, [serving])
            await answering.wait()
            served.address = f"http://127.0.0.1:{bound.getsockname()[1]}"
            return served

        yield serve


@pytest.fixture
async def served(serve: Serve) -> Served:
    """A service with the default settings."""
    running: Served = await serve()
    return running


@pytest.fixture
async def client(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it that takes no compression unless told otherwise."""
    async with httpx.AsyncClient(base_url=served.address, headers={"accept-encoding": "identity"}) as client:
        yield client
