"""Our OxenMQ client against real sockets: well-behaved servers and such as no server should be."""

import asyncio
import base64
import errno
from collections.abc import Awaitable, Callable

import pytest
import zmq
import zmq.asyncio
from zmq.utils import z85

from sent_graphql.localdev.omq_server import CurveKeys, Handler, OmqServer
from sent_graphql.settings import OxendSettings
from sent_graphql.sources.oxend.base32z import to_base32z
from sent_graphql.sources.oxend.endpoints import Endpoint
from sent_graphql.sources.oxend.errors import OxendRefusedError, OxendTimeoutError, OxendUnreachableError
from sent_graphql.sources.oxend.frames import MAX_BODY_BYTES
from sent_graphql.sources.oxend.transport import OxendTransport, make_transport
from sent_graphql.sources.oxend.zmq_connection import ZmqConnector

Connect = Callable[..., Awaitable[OxendTransport]]
Serve = Callable[..., Awaitable[OmqServer]]


async def echo(body: bytes | None) -> tuple[bytes, bytes]:
    return b"200", b"nothing" if body is None else body


def address(router: zmq.asyncio.Socket) -> str:
    return router.getsockopt_string(zmq.LAST_ENDPOINT)


async def greet(router: zmq.asyncio.Socket) -> bytes:
    """Answers the next HI; gives the peer's routing id."""
    peer: bytes
    peer, *frames = await router.recv_multipart()
    assert frames == [b"HI"]
    await router.send_multipart([peer, b"HELLO"])
    return peer


@pytest.mark.parametrize("scheme", ["tcp", "ipc"])
async def test_a_request_is_answered(serve: Serve, connect: Connect, tmp_path: str, scheme: str) -> None:
    endpoint = {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{tmp_path}/s"}[scheme]
    server = await serve({"rpc.echo": echo}, endpoint)
    transport = await connect(server.endpoint)
    assert await transport.request("rpc.echo", b"{}") == [b"200", b"{}"]
    assert await transport.request("ping.ping") == [b"pong"]


async def test_an_empty_body_travels_as_none(serve: Serve, connect: Connect) -> None:
    server = await serve({"rpc.echo": echo})
    transport = await connect(server.endpoint)
    assert await transport.request("rpc.echo", b"") == [b"200", b"nothing"]


async def test_the_largest_body_arrives(serve: Serve, connect: Connect) -> None:
    server = await serve({"rpc.echo": echo})
    transport = await connect(server.endpoint)
    body = b"x" * MAX_BODY_BYTES
    assert await transport.request("rpc.echo", body) == [b"200", body]


@pytest.mark.parametrize("form", ["hex", "base32z", "base64"])
async def test_curve_with_the_right_key(serve: Serve, connect: Connect, form: str) -> None:
    public, secret = zmq.curve_keypair()
    server = await serve({"rpc.echo": echo}, curve=CurveKeys(public, secret))
    key = z85.decode(public)
    written = {"hex": key.hex(), "base32z": to_base32z(key), "base64": base64.b64encode(key).decode()}[form]
    transport = await connect(f"{server.endpoint.replace('tcp', 'curve')}/{written}")
    assert await transport.request("rpc.echo", b"x" * MAX_BODY_BYTES) == [b"200", b"x" * MAX_BODY_BYTES]


async def test_curve_with_a_wrong_key_is_unreachable_and_the_key_is_not_told(serve: Serve, connect: Connect) -> None:
    server = await serve({}, curve=CurveKeys(*zmq.curve_keypair()))
    wrong = z85.decode(zmq.curve_keypair()[0]).hex()
    transport = await connect(f"{server.endpoint.replace('tcp', 'curve')}/{wrong}", connect_timeout=0.5)
    with pytest.raises(OxendUnreachableError) as failure:
        await transport.request("rpc.echo")
    assert wrong not in str(failure.value)


async def test_a_plain_client_of_a_curve_listener_is_unreachable(serve: Serve, connect: Connect) -> None:
    server = await serve({}, curve=CurveKeys(*zmq.curve_keypair()))
    transport = await connect(server.endpoint, connect_timeout=0.5)
    with pytest.raises(OxendUnreachableError):
        await transport.request("rpc.echo")


async def test_replies_in_reverse_order_reach_their_requests(router: zmq.asyncio.Socket, connect: Connect) -> None:
    transport = await connect(address(router))
    await greet(router)
    requests = [asyncio.create_task(transport.request("rpc.x", b"%d" % number)) for number in range(5)]
    received = [await router.recv_multipart() for _ in requests]
    for peer, _, tag, body in reversed(received):
        await router.send_multipart([peer, b"REPLY", tag, b"200", body])
    assert [await request for request in requests] == [[b"200", b"%d" % number] for number in range(5)]


async def test_what_oxend_refuses_is_told_by_its_code(serve: Serve, connect: Connect) -> None:
    server = await serve({"rpc.echo": echo}, forbidden={"admin.stop"})
    transport = await connect(server.endpoint)
    with pytest.raises(OxendRefusedError, match="UNKNOWNCOMMAND"):
        await transport.request("rpc.nosuch")
    with pytest.raises(OxendRefusedError, match="FORBIDDEN"):
        await transport.request("admin.stop")
    assert await transport.request("rpc.echo") == [b"200", b"nothing"]


async def test_the_second_reply_to_a_tag_is_dropped(router: zmq.asyncio.Socket, connect: Connect) -> None:
    transport = await connect(address(router))
    await greet(router)
    for _ in range(3):
        request = asyncio.create_task(transport.request("rpc.x"))
        peer, _, tag = await router.recv_multipart()
        await router.send_multipart([peer, b"REPLY", tag, b"400", b"complaint"])
        await router.send_multipart([peer, b"REPLY", tag, b"200", b"answer all the same"])
        assert await request == [b"400", b"complaint"]


async def test_garbage_between_replies_is_survived(router: zmq.asyncio.Socket, connect: Connect) -> None:
    transport = await connect(address(router))
    pushed: list[list[bytes]] = []
    transport.on_push(pushed.append)
    peer = await greet(router)
    request = asyncio.create_task(transport.request("rpc.x"))
    _, _, tag = await router.recv_multipart()
    for frames in (
        *([b""], [b"", b""], [b"REPLY"], [b"REPLY", b""], [b"REPLY", b"nobody's", b"x"], [b"\xff\xfe\x00"], [b"HELLO"]),
        *([b"FORBIDDEN"], [b"UNKNOWNCOMMAND"], [b"UNKNOWNCOMMAND", b"rpc.y"], [b"NO_REPLY_TAG", b"\xff", b"x"]),
        *([b"FORBIDDEN", b"REPLY"], [b"x" * 100_000], [b"notify.other", b"1"], [b"reply", tag, b"wrong case"]),
        [b"REPLY", tag, b"200", b"good"],
    ):
        await router.send_multipart([peer, *frames])
    assert await request == [b"200", b"good"]
    assert pushed == [[b"notify.other", b"1"]]


async def test_no_reply_is_a_timeout_and_a_late_one_is_dropped(router: zmq.asyncio.Socket, connect: Connect) -> None:
    transport = await connect(address(router))
    await greet(router)
    with pytest.raises(OxendTimeoutError, match=r"rpc\.slow"):
        await transport.request("rpc.slow", timeout=0.05)
    peer, _, late = await router.recv_multipart()
    await greet(router)
    request = asyncio.create_task(transport.request("rpc.x"))
    _, _, tag = await router.recv_multipart()
    await router.send_multipart([peer, b"REPLY", late, b"200", b"late"])
    await router.send_multipart([peer, b"REPLY", tag, b"200", b"in time"])
    assert await request == [b"200", b"in time"]


async def test_a_server_that_has_gone_silent_is_left_for_a_new_connection(
    router: zmq.asyncio.Socket, connect: Connect
) -> None:
    transport = await connect(address(router), connect_timeout=0.1)
    first = await greet(router)
    with pytest.raises(OxendTimeoutError):
        await transport.request("rpc.x", timeout=0.05)
    peer = first
    while peer == first:  # the request, and the greeting by which the client asks whether anybody is there
        peer, *frames = await router.recv_multipart()
    assert frames == [b"HI"]


async def test_a_server_that_never_says_hello_is_unreachable(router: zmq.asyncio.Socket, connect: Connect) -> None:
    transport = await connect(address(router), connect_timeout=0.1)
    with pytest.raises(OxendUnreachableError, match=r"no answer within 0\.1 s"):
        await transport.request("rpc.x")


async def test_no_routing_id_is_used_twice(router: zmq.asyncio.Socket, connect: Connect) -> None:
    await connect(address(router), connect_timeout=0.05)
    await connect(address(router), connect_timeout=0.05)
    peers = [(await router.recv_multipart())[0] for _ in range(6)]
    assert len(set(peers)) == 6
    assert all(16 < len(peer) < 256 and peer[0] != 0 for peer in peers)


async def test_bye_ends_the_connection_and_another_is_made(router: zmq.asyncio.Socket, connect: Connect) -> None:
    transport = await connect(address(router))
    first = await greet(router)
    request = asyncio.create_task(transport.request("rpc.x"))
    await router.recv_multipart()
    await router.send_multipart([first, b"BYE"])
    with pytest.raises(OxendUnreachableError, match="took leave"):
        await request
    assert await greet(router) != first


async def test_an_oversize_reply_names_the_setting_and_the_next_request_works(
    serve: Serve, connect: Connect, handlers: dict[str, Handler]
) -> None:
    server = await serve({**handlers, "rpc.echo": echo})
    transport = await connect(server.endpoint, max_message_bytes=1024)
    other = asyncio.create_task(transport.request("rpc.get_service_nodes"))
    with pytest.raises(OxendUnreachableError, match="max_message_bytes"):
        await transport.request("rpc.echo", b"x" * 1025)
    with pytest.raises(OxendUnreachableError):
        await other
    assert await transport.request("rpc.echo", b"x" * 1024) == [b"200", b"x" * 1024]


async def test_a_cancelled_request_leaves_the_connection_usable(router: zmq.asyncio.Socket, connect: Connect) -> None:
    transport = await connect(address(router))
    await greet(router)
    cancelled = asyncio.create_task(transport.request("rpc.x"))
    peer, _, old_tag = await router.recv_multipart()
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    request = asyncio.create_task(transport.request("rpc.x"))
    _, _, tag = await router.recv_multipart()
    await router.send_multipart([peer, b"REPLY", old_tag, b"old"])
    await router.send_multipart([peer, b"REPLY", tag, b"new"])
    assert await request == [b"new"]


async def test_no_more_sockets_is_unreachable_and_does_not_end_the_tries(
    serve: Serve, oxend_settings: Callable[..., OxendSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: ZmqConnector, endpoint: Endpoint) -> zmq.asyncio.Socket:
        raise zmq.ZMQError(errno.EMFILE, f"{endpoint.label} is one too many")

    server = await serve({"rpc.echo": echo})
    connected = asyncio.Event()
    with monkeypatch.context() as exhausted:
        exhausted.setattr(ZmqConnector, "_socket", refuse)
        transport = make_transport(oxend_settings(server.endpoint))
        transport.on_connected(connected.set)
        await transport.start()
        with pytest.raises(OxendUnreachableError, match="one too many"):
            await transport.request("rpc.echo")
    await connected.wait()
    assert await transport.request("rpc.echo") == [b"200", b"nothing"]
    await transport.close()
