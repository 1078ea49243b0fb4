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
from service import application, bare, bench_settings, guarded
from starlette.types import ASGIApp
from strawberry.asgi import GraphQL
from strawberry.schema.config import StrawberryConfig

from contest.data import LIMITS, context, snapshot
from sent_graphql.logs import configure_logging
from sent_graphql.resolvers.context import RequestContext
from sent_graphql.schema.build import NODE_TYPES
from sent_graphql.schema.query import Query
from sent_graphql.schema.scalars import scalars
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


async def as_it_comes(app: ASGIApp, bound: socket.socket) -> None:
    """Serves by uvicorn, on httptools and without a log of requests."""
    config = uvicorn.Config(
        app, http="httptools", log_config=None, access_log=False, lifespan="off", server_header=False
    )
    await uvicorn.Server(config).serve(sockets=[bound])


APPS: Final[dict[str, Callable[[str], ASGIApp]]] = {
    "ours": lambda nodes: application(settings(), snapshot(int(nodes)), context),
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
    await (guarded(app, bound, settings()) if name == "ours" else as_it_comes(app, bound))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2]))
