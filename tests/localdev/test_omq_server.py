"""Our OxenMQ server behaves on the wire as oxend's listener was seen to."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import zmq
import zmq.asyncio

from sent_graphql.localdev import omq_server
from sent_graphql.localdev.omq_server import OmqServer

Peer = Callable[[], zmq.asyncio.Socket]


async def echo(body: bytes | None) -> tuple[bytes, bytes]:
    return b"200", b"nothing" if body is None else body


async def never(_: bytes | None) -> None:
    return None


async def throws(_: bytes | None) -> tuple[bytes, bytes]:
    raise RuntimeError("a handler's fault")


@pytest.fixture
def now() -> list[float]:
    """The server's clock."""
    return [0.0]


@pytest.fixture
async def server(now: list[float]) -> AsyncIterator[OmqServer]:
    handlers: dict[str, Callable[[bytes | None], Awaitable[tuple[bytes, bytes] | None]]] = {
        "rpc.echo": echo,
        "rpc.never": never,
        "rpc.throws": throws,
    }
    server = OmqServer("tcp://127.0.0.1:*", handlers, forbidden={"admin.stop"}, clock=lambda: now[0])
    await server.start()
    yield server
    await server.close()


@pytest.fixture
async def peer(server: OmqServer) -> AsyncIterator[Peer]:
    """Opens DEALER sockets to the server."""
    context = zmq.asyncio.Context()

    def connect() -> zmq.asyncio.Socket:
        dealer = context.socket(zmq.DEALER)
        dealer.linger = 0
        dealer.connect(server.endpoint)
        return dealer

    yield connect
    context.destroy(linger=0)


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ([b"HI"], [b"HELLO"]),
        ([b"HI", b"more"], [b"HELLO"]),
        ([b"hi"], [b"UNKNOWNCOMMAND", b"hi"]),
        ([b""], [b"UNKNOWNCOMMAND", b""]),
        ([b"rpc.nosuch", b"tag"], [b"UNKNOWNCOMMAND", b"rpc.nosuch"]),
        ([b"\xff.\xfe", b"tag"], [b"UNKNOWNCOMMAND", b"\xff.\xfe"]),
        ([b"admin.stop", b"tag"], [b"FORBIDDEN", b"REPLY", b"tag"]),
        ([b"admin.stop"], [b"FORBIDDEN", b"admin.stop"]),
        ([b"rpc.echo"], [b"NO_REPLY_TAG", b"rpc.echo"]),
        ([b"rpc.echo", b"tag"], [b"REPLY", b"tag", b"200", b"nothing"]),
        ([b"rpc.echo", b"\x00" * 300, b"{}"], [b"REPLY", b"\x00" * 300, b"200", b"{}"]),
        ([b"ping.ping", b"t"], [b"REPLY", b"t", b"pong"]),
    ],
)
async def test_a_message_gets_the_answer_that_oxend_gives(peer: Peer, sent: list[bytes], answered: list[bytes]) -> None:
    dealer = peer()
    await dealer.send_multipart(sent)
    assert await dealer.recv_multipart() == answered


@pytest.mark.parametrize(
    "silent",
    [[b"rpc.never", b"t"], [b"rpc.throws", b"t"], [b"BYE"], [b"HELLO"], [b"REPLY", b"t"], [b"UNKNOWNCOMMAND", b"x"]],
)
async def test_what_oxend_leaves_unanswered_is_unanswered_and_harmless(peer: Peer, silent: list[bytes]) -> None:
    dealer = peer()
    await dealer.send_multipart(silent)
    await dealer.send_multipart([b"rpc.echo", b"after"])
    assert await dealer.recv_multipart() == [b"REPLY", b"after", b"200", b"nothing"]


async def test_two_body_frames_get_a_complaint_and_then_an_answer(peer: Peer) -> None:
    dealer = peer()
    await dealer.send_multipart([b"rpc.echo", b"t", b"one", b"two"])
    complaint = await dealer.recv_multipart()
    assert complaint[:3] == [b"REPLY", b"t", b"400"]
    assert b"at most one data part (received 2)" in complaint[3]
    assert await dealer.recv_multipart() == [b"REPLY", b"t", b"200", b"one"]


async def test_blocks_are_pushed_to_subscribers_until_their_subscription_expires(
    server: OmqServer, peer: Peer, now: list[float]
) -> None:
    dealer, other = peer(), peer()
    await other.send_multipart([b"HI"])
    assert await other.recv_multipart() == [b"HELLO"]
    for answer in (b"OK", b"ALREADY"):
        await dealer.send_multipart([b"sub.block", b"t"])
        assert await dealer.recv_multipart() == [b"REPLY", b"t", answer]
    await server.push_block(7, bytes(32))
    assert await dealer.recv_multipart() == [b"notify.block", b"7", bytes(32)]
    now[0] = omq_server.SUBSCRIPTION_SECONDS
    await server.push_block(8, bytes(32))
    assert server.subscribers == 0
    for socket in (dealer, other):
        await socket.send_multipart([b"ping.ping", b"t"])
        assert await socket.recv_multipart() == [b"REPLY", b"t", b"pong"]
    await dealer.send_multipart([b"sub.block", b"t"])
    assert await dealer.recv_multipart() == [b"REPLY", b"t", b"OK"]


async def test_a_push_to_a_peer_that_has_gone_is_dropped(server: OmqServer, peer: Peer) -> None:
    gone, here = peer(), peer()
    for dealer in (gone, here):
        await dealer.send_multipart([b"sub.block", b"t"])
        await dealer.recv_multipart()
    gone.close()
    await server.push_block(7, bytes(32))
    assert await here.recv_multipart() == [b"notify.block", b"7", bytes(32)]


async def test_requests_beyond_the_queue_are_dropped_without_a_word(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(omq_server, "MAX_QUEUED", 0)
    dealer = peer()
    await dealer.send_multipart([b"rpc.echo", b"t"])
    assert not await dealer.poll(30)


async def test_the_address_can_be_taken_again_after_the_close(server: OmqServer) -> None:
    endpoint = server.endpoint
    await server.close()
    with pytest.raises(RuntimeError):
        _ = server.endpoint
    again = OmqServer(endpoint, {})
    await again.start()
    assert again.endpoint == endpoint
    with pytest.raises(zmq.ZMQError):
        await OmqServer(endpoint, {}).start()
    await again.close()
