"""The block subscription survives expiry, restarts, refusals and nonsense."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import zmq
import zmq.asyncio

from sent_graphql.localdev.omq_server import OmqServer
from sent_graphql.settings import OxendSettings
from sent_graphql.sources.oxend.block_watch import RETRY_MAX, BlockWatch
from sent_graphql.sources.oxend.transport import make_transport

Serve = Callable[..., Awaitable[OmqServer]]
Queue = asyncio.Queue[tuple[int, str] | str]
Watch = Callable[..., Awaitable[Queue]]

HASH = b"\x01" * 32


@pytest.fixture
async def watch(oxend_settings: Callable[..., OxendSettings]) -> AsyncIterator[Watch]:
    """Watches the endpoint; the queue tells of blocks and of the word `interruption`, in order."""
    closing: list[Callable[[], Awaitable[None]]] = []

    async def start(endpoint: str, **options: Any) -> Queue:
        settings = oxend_settings(endpoint, **options)
        told: Queue = asyncio.Queue()
        transport = make_transport(settings)
        watch = BlockWatch(
            transport,
            settings,
            on_block=lambda height, block_hash: told.put_nowait((height, block_hash)),
            on_interruption=lambda: told.put_nowait("interruption"),
        )
        await transport.start()
        watch.start()
        watch.start()
        closing.extend([watch.close, transport.close])
        return told

    yield start
    for close in closing:
        await close()


async def test_a_new_block_is_told_with_height_and_hash(serve: Serve, watch: Watch) -> None:
    server = await serve({})
    told = await watch(server.endpoint)
    assert await told.get() == "interruption"
    await server.push_block(5314, HASH)
    assert await told.get() == (5314, HASH.hex())
    assert server.subscribers == 1


async def test_a_restarted_server_is_subscribed_to_again(serve: Serve, watch: Watch) -> None:
    server = await serve({})
    endpoint = server.endpoint
    told = await watch(endpoint)
    assert await told.get() == "interruption"
    await server.close()
    server = await serve({}, endpoint)
    assert await told.get() == "interruption"
    await server.push_block(5315, HASH)
    assert await told.get() == (5315, HASH.hex())


async def test_a_renewal_that_oxend_knows_of_is_silent_and_one_it_does_not_is_an_interruption(
    router: zmq.asyncio.Socket, watch: Watch
) -> None:
    told = await watch(router.getsockopt_string(zmq.LAST_ENDPOINT), subscription_renewal=0.01)
    peer, _ = await router.recv_multipart()
    await router.send_multipart([peer, b"HELLO"])
    for number, answer in enumerate((b"OK", b"ALREADY", b"ALREADY", b"OK")):
        _, command, tag = await router.recv_multipart()
        assert command == b"sub.block"
        await router.send_multipart([peer, b"notify.block", b"%d" % number, HASH])
        await router.send_multipart([peer, b"REPLY", tag, answer])
    assert [await told.get() for _ in range(6)] == [
        (0, HASH.hex()),
        "interruption",
        (1, HASH.hex()),
        (2, HASH.hex()),
        (3, HASH.hex()),
        "interruption",
    ]


async def test_an_expired_subscription_is_noticed_by_its_renewal(serve: Serve, watch: Watch) -> None:
    now = [0.0]
    server = await serve({}, clock=lambda: now[0])
    told = await watch(server.endpoint, subscription_renewal=0.01)
    assert await told.get() == "interruption"
    now[0] += 1801.0
    await server.push_block(5314, HASH)
    assert await told.get() == "interruption"
    await server.push_block(5315, HASH)
    assert await told.get() == (5315, HASH.hex())


@pytest.mark.parametrize(
    "reply", [[b"FORBIDDEN", b"REPLY"], [b"REPLY", b"no such thing"], [b"REPLY"], [b"UNKNOWNCOMMAND"]]
)
async def test_a_subscription_that_fails_is_tried_again(
    router: zmq.asyncio.Socket, watch: Watch, reply: list[bytes]
) -> None:
    told = await watch(router.getsockopt_string(zmq.LAST_ENDPOINT))
    peer, _ = await router.recv_multipart()
    await router.send_multipart([peer, b"HELLO"])
    for _ in range(2):
        _, _, tag = await router.recv_multipart()
        answers = {b"REPLY": [b"REPLY", tag, *reply[1:]], b"FORBIDDEN": [*reply, tag]}
        await router.send_multipart([peer, *answers.get(reply[0], [*reply, b"sub.block"])])
    _, _, tag = await router.recv_multipart()
    await router.send_multipart([peer, b"REPLY", tag, b"OK"])
    assert await told.get() == "interruption"


async def test_a_malformed_notification_is_dropped(router: zmq.asyncio.Socket, watch: Watch) -> None:
    told = await watch(router.getsockopt_string(zmq.LAST_ENDPOINT))
    peer, _ = await router.recv_multipart()
    await router.send_multipart([peer, b"HELLO"])
    for frames in (
        *(
            [],
            [b"1"],
            [b"1", HASH[1:]],
            [b"x", HASH],
            [b"-1", HASH],
            [b"", HASH],
            [b"9" * 5000, HASH],
            [b"1", HASH, b""],
        ),
        [b"7", HASH],
    ):
        await router.send_multipart([peer, b"notify.block", *frames])
    assert await told.get() == (7, HASH.hex())


async def test_pauses_grow_with_jitter_up_to_the_longest(
    oxend_settings: Callable[..., OxendSettings], dead_endpoint: str
) -> None:
    longest: list[float] = []
    enough = asyncio.Event()

    def record(low: float, high: float) -> float:
        assert low == high / 2
        longest.append(high)
        if len(longest) == 5:
            enough.set()
        return 0.0

    settings = oxend_settings(dead_endpoint, reconnect_initial=10, reconnect_max=10)
    transport = make_transport(settings)
    nothing = BlockWatch(transport, settings, on_block=lambda *_: None, on_interruption=lambda: None, uniform=record)
    await transport.start()
    nothing.start()
    await enough.wait()
    await nothing.close()
    await transport.close()
    assert longest[:5] == [20, 40, RETRY_MAX, RETRY_MAX, RETRY_MAX]
