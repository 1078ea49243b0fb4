"""The transport stays at it: servers that come, go and come back."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import zmq
import zmq.asyncio
from structlog.testing import capture_logs

from sent_graphql.localdev.omq_server import OmqServer
from sent_graphql.settings import OxendSettings
from sent_graphql.sources.oxend.connection import Connection, PushListener
from sent_graphql.sources.oxend.endpoints import Endpoint
from sent_graphql.sources.oxend.errors import OxendTimeoutError, OxendUnreachableError
from sent_graphql.sources.oxend.reconnecting import ReconnectingTransport
from sent_graphql.sources.oxend.transport import OxendTransport, make_transport

Connect = Callable[..., Awaitable[OxendTransport]]
Serve = Callable[..., Awaitable[OmqServer]]


def named(name: bytes) -> dict[str, Callable[[bytes | None], Awaitable[tuple[bytes, bytes]]]]:
    """Handlers of a server that answers with its name."""

    async def answer(_: bytes | None) -> tuple[bytes, bytes]:
        return b"200", name

    return {"rpc.name": answer}


async def test_nobody_there_is_told_at_once_with_every_endpoint(connect: Connect, dead_endpoint: str) -> None:
    transport = await connect(dead_endpoint, "ipc:///nonexistent/oxend.sock")
    with pytest.raises(OxendUnreachableError) as failure:
        await transport.request("rpc.name")
    assert dead_endpoint in str(failure.value)
    assert "ipc:///nonexistent/oxend.sock" in str(failure.value)


async def test_a_server_that_comes_later_is_found(serve: Serve, connect: Connect, dead_endpoint: str) -> None:
    transport = await connect(dead_endpoint)
    connected = asyncio.Event()
    transport.on_connected(connected.set)
    with pytest.raises(OxendUnreachableError):
        await transport.request("rpc.name")
    await serve(named(b"late"), dead_endpoint)
    await connected.wait()
    assert await transport.request("rpc.name") == [b"200", b"late"]


async def test_a_restarted_server_is_found_again_and_told_of(serve: Serve, connect: Connect) -> None:
    server = await serve(named(b"first"))
    endpoint = server.endpoint
    transport = await connect(endpoint)
    connected: asyncio.Queue[None] = asyncio.Queue()
    transport.on_connected(lambda: connected.put_nowait(None))
    assert await transport.request("rpc.name") == [b"200", b"first"]
    await connected.get()
    await server.close()
    await serve(named(b"second"), endpoint)
    await connected.get()
    assert await transport.request("rpc.name") == [b"200", b"second"]


async def test_requests_under_way_fail_when_the_server_goes(serve: Serve, connect: Connect) -> None:
    asked = asyncio.Event()

    async def never(_: bytes | None) -> None:
        asked.set()

    server = await serve({"rpc.never": never})
    transport = await connect(server.endpoint)
    request = asyncio.create_task(transport.request("rpc.never"))
    await asked.wait()
    await server.close()
    with pytest.raises(OxendUnreachableError):
        await request


async def test_the_next_endpoint_is_tried_when_one_fails(serve: Serve, connect: Connect, dead_endpoint: str) -> None:
    second = await serve(named(b"second"))
    transport = await connect(dead_endpoint, second.endpoint)
    assert await transport.request("rpc.name") == [b"200", b"second"]
    connected = asyncio.Event()
    transport.on_connected(connected.set)
    await serve(named(b"first"), dead_endpoint)
    await second.close()
    await connected.wait()
    assert await transport.request("rpc.name") == [b"200", b"first"]


async def test_requests_under_way_are_bounded(router: zmq.asyncio.Socket, connect: Connect) -> None:
    transport = await connect(router.getsockopt_string(zmq.LAST_ENDPOINT), max_in_flight=2)
    peer, _ = await router.recv_multipart()
    await router.send_multipart([peer, b"HELLO"])
    requests = [asyncio.create_task(transport.request("rpc.x", b"%d" % number)) for number in range(3)]
    waiting = [await router.recv_multipart() for _ in range(2)]
    assert not await router.poll(30)
    for *_, tag, body in [waiting[0], waiting[1]]:
        await router.send_multipart([peer, b"REPLY", tag, body])
    *_, tag, body = await router.recv_multipart()
    await router.send_multipart([peer, b"REPLY", tag, body])
    assert [await request for request in requests] == [[b"0"], [b"1"], [b"2"]]


async def test_a_request_that_gets_no_place_in_time_is_a_timeout(router: zmq.asyncio.Socket, connect: Connect) -> None:
    transport = await connect(router.getsockopt_string(zmq.LAST_ENDPOINT), max_in_flight=1)
    peer, _ = await router.recv_multipart()
    await router.send_multipart([peer, b"HELLO"])
    first = asyncio.create_task(transport.request("rpc.x"))
    await router.recv_multipart()
    with pytest.raises(OxendTimeoutError, match="too many requests"):
        await transport.request("rpc.y", timeout=0.02)
    await transport.close()
    with pytest.raises(OxendUnreachableError):
        await first


async def test_a_listener_that_fails_does_no_harm(serve: Serve, connect: Connect) -> None:
    server = await serve(named(b"here"))
    transport = await connect(server.endpoint)

    def fail(*_: object) -> None:
        raise RuntimeError("a listener's fault")

    heard: asyncio.Queue[list[bytes]] = asyncio.Queue()
    transport.on_connected(fail)
    transport.on_push(fail)
    transport.on_push(heard.put_nowait)
    assert await transport.request("sub.block") == [b"OK"]
    await server.push_block(7, bytes(32))
    assert (await heard.get())[1] == b"7"
    assert await transport.request("rpc.name") == [b"200", b"here"]


async def test_before_the_start_and_after_the_close_nothing_is_sent(
    oxend_settings: Callable[..., OxendSettings], dead_endpoint: str
) -> None:
    transport = make_transport(oxend_settings(dead_endpoint))
    await transport.close()
    with pytest.raises(OxendUnreachableError, match="not been started"):
        await transport.request("rpc.name")
    await transport.start()
    await transport.start()
    await transport.close()
    await transport.close()
    with pytest.raises(OxendUnreachableError, match="closed"):
        await transport.request("rpc.name")


class DeadConnector:
    """Counts the endpoints that it is asked to open, and opens none."""

    def __init__(self, enough: int) -> None:
        self.tried: list[str] = []
        self.enough = enough
        self.done = asyncio.Event()

    async def open(self, endpoint: Endpoint, on_push: PushListener) -> Connection:
        self.tried.append(endpoint.address)
        if len(self.tried) >= self.enough:
            self.done.set()
        raise OxendUnreachableError("down")

    async def close(self) -> None:
        """Nothing is held."""


async def test_pauses_grow_with_jitter_up_to_the_longest_and_one_warning_is_enough(
    oxend_settings: Callable[..., OxendSettings],
) -> None:
    ranges: list[tuple[float, float]] = []

    def record(low: float, high: float) -> float:
        ranges.append((low, high))
        return 0.0

    connector = DeadConnector(enough=14)
    transport = ReconnectingTransport(
        [Endpoint("tcp://a", None), Endpoint("tcp://b", None)],
        connector,
        oxend_settings("tcp://127.0.0.1:1", reconnect_initial=1, reconnect_max=10),
        uniform=record,
    )
    with capture_logs() as lines:
        await transport.start()
        await connector.done.wait()
        await transport.close()
    warnings = [line for line in lines if line["log_level"] == "warning"]
    assert [line["event"] for line in warnings] == ["oxend unreachable"]
    assert connector.tried[:4] == ["tcp://a", "tcp://b", "tcp://a", "tcp://b"]
    assert [high for _, high in ranges[:6]] == [1, 2, 4, 8, 10, 10]
    assert all(low == high / 2 for low, high in ranges)


async def test_a_fault_of_a_connector_leaves_nobody_waiting(oxend_settings: Callable[..., OxendSettings]) -> None:
    class Faulty(DeadConnector):
        async def open(self, endpoint: Endpoint, on_push: PushListener) -> Connection:
            raise KeyError("a fault")

    transport = ReconnectingTransport(
        [Endpoint("tcp://a", None)], Faulty(enough=1), oxend_settings("tcp://127.0.0.1:1")
    )
    await transport.start()
    with pytest.raises(OxendUnreachableError, match="see the log"):
        await transport.request("rpc.x")
    await transport.close()
