"""The Python servers: ours, plain Strawberry's with the same types and data, and a bare app that sends finished bytes.

Run as a program, this is one of them: it says its port on standard output and serves until it is ended.
"""

import gc
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import strawberry
import uvicorn
import uvloop
from live.contenders import bench_settings
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.schema.config import StrawberryConfig

from contest.data import LIMITS, context, snapshot
from sent_graphql.cache.snapshots import SnapshotCache
from sent_graphql.http.live_connections import LiveConnections
from sent_graphql.http.server import create_app
from sent_graphql.live.hub import LiveQueryHub
from sent_graphql.logs import configure_logging
from sent_graphql.resolvers.context import RequestContext
from sent_graphql.schema.build import NODE_TYPES, build_schema
from sent_graphql.schema.query import Query
from sent_graphql.schema.scalars import scalars
from sent_graphql.server import serve_http
from sent_graphql.settings import CacheSettings, LogSettings, RateLimitSettings, Settings

BACKLOG: Final = 2048
PLENTY: Final = 1e15
"""One client asks for all of it: the buckets are counted, and never empty."""

NETTYPE: Final = "mainnet"


def settings() -> Settings:
    """The default ones, but that one client may ask for everything, and the largest answer may be kept."""
    return bench_settings({}).model_copy(
        update={
            "graphql": LIMITS,
            "rate_limit": RateLimitSettings(cost_burst=PLENTY, cost_per_second=PLENTY),
            "cache": CacheSettings(answers_bytes=128 * 1024 * 1024),
        }
    )


def service(nodes: int) -> ASGIApp:
    """Our own application, over a network made by hand."""
    chosen = settings()
    snapshots = SnapshotCache(snapshot(nodes))
    schema = build_schema(chosen.graphql, NETTYPE)
    return create_app(
        settings=chosen,
        schema=schema,
        snapshots=snapshots,
        make_context=context,
        live=LiveQueryHub(schema, snapshots, context, chosen.live),
        connections=LiveConnections(chosen.live),
    )


class PlainView(GraphQL[RequestContext, None]):
    """Strawberry's own ASGI view."""

    def __init__(self, schema: strawberry.Schema, given: RequestContext) -> None:
        super().__init__(schema)
        self._given = given

    async def get_context(self, request: object, response: object) -> RequestContext:
        """The same for every request."""
        return self._given


def plain(nodes: int) -> ASGIApp:
    """Our types and resolvers in a schema without anything of ours in between."""
    schema = strawberry.Schema(Query, types=NODE_TYPES, config=StrawberryConfig(scalar_map=scalars(NETTYPE)))
    return PlainView(schema, context(snapshot(nodes)))


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


async def as_served(app: ASGIApp, bound: socket.socket) -> None:
    """Serves as `sent-graphql serve` does: with its guard of connections."""
    chosen = settings()
    await serve_http(app, bound, chosen.http, chosen.live, announce=lambda _url: None, farewell=_nothing)


async def as_it_comes(app: ASGIApp, bound: socket.socket) -> None:
    """Serves by uvicorn, on httptools and without a log of requests."""
    config = uvicorn.Config(
        app, http="httptools", log_config=None, access_log=False, lifespan="off", server_header=False
    )
    await uvicorn.Server(config).serve(sockets=[bound])


async def _nothing() -> None:
    return


APPS: Final[dict[str, Callable[[str], ASGIApp]]] = {
    "ours": lambda nodes: service(int(nodes)),
    "strawberry": lambda nodes: plain(int(nodes)),
    "bare": lambda canned: bare(Path(canned).read_bytes()),
}


async def main(name: str, argument: str) -> Any:  # noqa: ANN401
    """Serves one of them."""
    configure_logging(LogSettings(level="error"))
    app = APPS[name](argument)
    bound = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    bound.setblocking(False)
    gc.collect()
    gc.freeze()  # as the service does once it has started
    print(bound.getsockname()[1], flush=True)
    await (as_served if name == "ours" else as_it_comes)(app, bound)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2]))
