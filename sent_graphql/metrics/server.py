"""The port that `/metrics` is answered on."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sent_graphql.server import Server, bind
from sent_graphql.settings import MetricsSettings

MAX_REQUESTS = 8
"""Requests answered at once; who scrapes comes alone."""


@contextmanager
def listening_for_scrapes(settings: MetricsSettings) -> Iterator[socket.socket | None]:
    """The bound socket, where there is to be one; UnavailableError where the address cannot be had."""
    if settings.port is None:
        yield None
        return
    with closing(bind(settings.host, settings.port, "metrics.host or metrics.port")) as bound:
        yield bound


async def serve_scrapes(page: ASGIApp, bound: socket.socket) -> None:
    """Answers until cancelled, and not a moment longer."""
    server = Server(
        uvicorn.Config(
            page,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MAX_REQUESTS,
            timeout_graceful_shutdown=1,
            ws="none",
        ),
        HttpToolsProtocol,  # unguarded: a scrape is not to be refused because the loop is late
        _nobody_stays,
    )
    structlog.get_logger().info("metrics are told", host=bound.getsockname()[0], port=bound.getsockname()[1])
    await server.serve_until_cancelled(bound)


async def _nobody_stays() -> None:
    """There are no connections that clients mean to keep."""
