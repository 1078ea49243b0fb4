"""The service as benchmarks have it: its application over a network made by hand, or all of it over the local one."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from sent_graphql.app import Service
from sent_graphql.cache.snapshots import SnapshotCache
from sent_graphql.http.live_connections import LiveConnections
from sent_graphql.http.server import create_app
from sent_graphql.live.hub import LiveQueryHub
from sent_graphql.models.network import NetworkType
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.resolvers.context import RequestContext
from sent_graphql.schema.build import build_schema
from sent_graphql.server import listen, serve_http
from sent_graphql.settings import LiveSettings, NetworkSettings, OxendSettings, RateLimitSettings, Settings

MOST: Final = 1_000_000


def bench_settings(live: Mapping[str, float]) -> Settings:
    """The default settings but for those, and that one address may have as many clients and questions as it likes."""
    return Settings(
        network=NetworkSettings(
            name="mainnet",
            nettype=NetworkType.MAINNET,
            chain_id=42_161,
            unlock_seconds=1_296_000,
            deregistration_lock_seconds=2_592_000,
        ),
        oxend=OxendSettings(endpoints=("ipc://never-asked.sock",)),
        rate_limit=RateLimitSettings(enabled=False),
        live=LiveSettings.model_validate({"max_connections": MOST, "max_connections_per_address": MOST} | dict(live)),
    )


def application(settings: Settings, snapshot: Snapshot, make_context: Callable[[Snapshot], RequestContext]) -> ASGIApp:
    """What answers requests from one snapshot."""
    app, _ = live_application(settings, SnapshotCache(snapshot), make_context)
    return app


def live_application(
    settings: Settings, snapshots: SnapshotCache, make_context: Callable[[Snapshot], RequestContext]
) -> tuple[ASGIApp, LiveQueryHub]:
    """What answers requests from the newest snapshot, and what answers subscriptions, which is to be run."""
    schema = build_schema(settings.graphql, settings.network.nettype.value, objects_bytes=settings.cache.objects_bytes)
    live = LiveQueryHub(schema, snapshots, make_context, settings.live)
    app = create_app(
        settings=settings,
        schema=schema,
        snapshots=snapshots,
        make_context=lambda snapshot: replace(make_context(snapshot), encodes=True),
        live=live,
        connections=LiveConnections(settings.live),
    )
    return app, live


def bare(canned: bytes) -> ASGIApp:
    """Reads the question and sends the answer that it was given, a whole one with its head."""
    head, _, body = canned.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines) if name != b"date"]
    code = int(status.split()[1])

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": code, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


async def guarded(app: ASGIApp, bound: socket.socket, settings: Settings) -> None:
    """Serves as `sent-graphql serve` does: with its guard of connections."""

    async def farewell() -> None:
        """Clients are gone by then."""

    await serve_http(app, bound, settings.http, settings.live, announce=lambda _url: None, farewell=farewell)


@asynccontextmanager
async def running(service: Service, settings: Settings) -> AsyncIterator[str]:
    """All of the service, with its pollers; gives where it answers questions."""
    bound = listen(settings.http)
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        service.run(
            lambda app: serve_http(
                app, bound, settings.http, settings.live, announce=ready.set_result, farewell=service.take_leave
            )
        )
    )
    try:
        yield f"{await ready}/graphql"
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
