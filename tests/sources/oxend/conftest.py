"""A real OxenMQ server for the client to meet, and what a real oxend once answered."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import zmq
import zmq.asyncio

from sent_graphql.localdev.omq_server import Handler, OmqServer
from sent_graphql.models.network import NetworkType
from sent_graphql.settings import NetworkSettings, OxendSettings
from sent_graphql.sources.oxend.transport import OxendTransport, make_transport

RECORDED = Path(__file__).parent / "recorded"
NO_PENDING_EVENTS = b'{"exits":[],"registrations":[],"status":"OK","unlocks":[]}'


@pytest.fixture
def recorded() -> Callable[[str], bytes]:
    """The recorded body of that name."""
    return lambda name: (RECORDED / f"{name}.json").read_bytes()


@pytest.fixture
def answering() -> Callable[[bytes], Handler]:
    """Makes a handler that always answers 200 with that body."""

    def make(body: bytes) -> Handler:
        async def answer(_: bytes | None) -> tuple[bytes, bytes]:
            return b"200", body

        return answer

    return make


@pytest.fixture
def handlers(recorded: Callable[[str], bytes], answering: Callable[[bytes], Handler]) -> dict[str, Handler]:
    """The recorded replies that belong together, by command; tests replace what they want to be different."""
    names = (
        *("rpc.get_info", "rpc.get_last_block_header", "rpc.get_service_nodes"),
        *("rpc.get_staking_requirement", "rpc.get_accrued_rewards", "rpc.bls_exit_liquidation_list"),
    )
    replies = {name: answering(recorded(name)) for name in names}
    return replies | {"rpc.get_pending_events": answering(NO_PENDING_EVENTS)}


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[OmqServer]]]:
    """Starts an OmqServer (on a free port when no endpoint is given) and closes it at the end."""
    servers: list[OmqServer] = []

    async def start(handlers: dict[str, Handler], endpoint: str = "tcp://127.0.0.1:*", **options: Any) -> OmqServer:
        server = OmqServer(endpoint, handlers, **options)
        await server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
async def router() -> AsyncIterator[zmq.asyncio.Socket]:
    """A bare ROUTER on a free port, for a test to play a server that misbehaves."""
    context = zmq.asyncio.Context()
    listener = context.socket(zmq.ROUTER)
    listener.linger = 0
    listener.bind("tcp://127.0.0.1:*")
    yield listener
    context.destroy(linger=0)


@pytest.fixture
def dead_endpoint() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def oxend_settings() -> Callable[..., OxendSettings]:
    """Settings with quick reconnection; keywords override."""

    def make(*endpoints: str, **options: Any) -> OxendSettings:
        quick = {"transport": "zmq", "reconnect_initial": 0.01, "reconnect_max": 0.05}
        return OxendSettings.model_validate({"endpoints": endpoints, **quick, **options})

    return make


@pytest.fixture
async def connect(
    oxend_settings: Callable[..., OxendSettings],
) -> AsyncIterator[Callable[..., Awaitable[OxendTransport]]]:
    """Starts a transport to these endpoints, settings as keywords, and closes it at the end."""
    transports: list[OxendTransport] = []

    async def start(*endpoints: str, **options: Any) -> OxendTransport:
        transport = make_transport(oxend_settings(*endpoints, **options))
        await transport.start()
        transports.append(transport)
        return transport

    yield start
    for transport in transports:
        await transport.close()


@pytest.fixture
def network() -> NetworkSettings:
    """The network that the recorded replies come from."""
    return NetworkSettings(
        name="localdev",
        nettype=NetworkType.LOCALDEV,
        chain_id=31337,
        block_seconds=5,
        unlock_seconds=0,
        deregistration_lock_seconds=50,
    )
