"""uvicorn on a socket of ours, stopped from within: it neither takes the process's signals nor ends it."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sent_graphql.door import Door
from sent_graphql.errors import UnavailableError
from sent_graphql.http.connections import guarded_protocol
from sent_graphql.http.framing import framing_protocol
from sent_graphql.http.guard import Guard
from sent_graphql.settings import HttpSettings, LiveSettings

BACKLOG = 2048
"""Connections that the system holds while none is being accepted."""


class Server(uvicorn.Server):
    """Signals are the caller's business: it cancels, and open answers get their grace.

    `connection` makes one of uvicorn's HTTP connections.
    """

    def __init__(
        self, config: uvicorn.Config, connection: type[HttpToolsProtocol], farewell: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(config)
        self._connection = connection
        self.answering = asyncio.Event()
        self._farewell = farewell
        self._doors: list[Door] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to accept, and tells so."""
        await super().startup([])
        self._doors = [Door(bound, self._protocol) for bound in sockets or []]
        for door in self._doors:
            door.open()
        self.answering.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts no more, takes leave of who would stay for ever, and lets the rest end within the grace period."""
        for door in self._doors:
            door.close()
        await self._farewell()
        await super().shutdown(sockets)

    async def serve_until_cancelled(self, bound: socket.socket, answering: Callable[[], None] = lambda: None) -> None:
        """Answers on `bound`; `answering` is told once it does. Cancelled, it lets open answers end in their grace."""
        serving = asyncio.create_task(self.serve(sockets=[bound]))
        try:
            await self.answering.wait()
            answering()
            await asyncio.shield(serving)
        finally:
            self.should_exit = True
            await serving

    def _protocol(self) -> asyncio.Protocol:
        return self._connection(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the process's signal handlers as they are."""
        yield


def listen(settings: HttpSettings) -> socket.socket:
    """The bound socket; UnavailableError where the address cannot be had."""
    return bind(settings.host, settings.port, "--host or --port (http.host, http.port)")


def bind(host: str, port: int, settings: str) -> socket.socket:
    """A bound socket; UnavailableError where the address cannot be had, which names the `settings` to change."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        raise UnavailableError(
            f"cannot listen on {host}:{port}: {_reason(error)}. Give another {settings}, or stop what is listening "
            "there."
        ) from error
    # What is accepted takes it over: asyncio's own loop leaves it out, and an answer is written in more than one part.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def _reason(error: OSError | UnicodeError) -> object:
    """In words; Python adds the address to those of a failed bind."""
    if not isinstance(error, OSError):
        return error
    return error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)


def url_of(bound: socket.socket) -> str:
    """The address to open in a browser on this machine."""
    host, port = bound.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - recognised, not listened on
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve_http(
    app: ASGIApp,
    bound: socket.socket,
    settings: HttpSettings,
    live: LiveSettings,
    *,
    announce: Callable[[str], None],
    farewell: Callable[[], Awaitable[None]],
    guard: Guard | None = None,
) -> None:
    """Answers requests until cancelled, then lets open answers end within the grace period.

    `farewell` ends the connections that clients mean to keep; it is called when no more are accepted. `guard` counts
    all connections, for who wants to know.
    """
    guard = Guard(settings, live.max_connections_per_address) if guard is None else guard
    connection = guarded_protocol(settings, guard)
    server = Server(
        uvicorn.Config(
            app,
            interface="asgi3",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=max(1, round(settings.shutdown_grace)),
            http=connection,
            timeout_keep_alive=max(1, round(settings.idle_timeout)),
            # Named here, or uvicorn would believe whoever connects from this machine, or what the environment names.
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            ws=framing_protocol(unread=guard.unread, unfinished=guard.unfinished),
            ws_max_size=live.max_message_bytes,
            ws_ping_interval=live.ping_interval,
            ws_ping_timeout=live.ping_timeout,
            # Its memory for each connection is a multiple of all the rest, and updates are small.
            ws_per_message_deflate=False,
        ),
        connection,
        farewell,
    )
    await server.serve_until_cancelled(bound, lambda: announce(url_of(bound)))
