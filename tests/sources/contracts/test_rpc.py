"""Asking endpoints that throttle, break, lie and hang: an answer comes, or one clear error, and never a wrong one."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog
from aiohttp import web

from sent_graphql.sources.contracts.errors import (
    RpcDeadlineError,
    RpcMalformedReplyError,
    RpcRefusedError,
    RpcThrottledError,
    RpcTimeoutError,
    RpcUnreachableError,
)
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.errors import SourceError, SourceMisconfiguredError

MakeNode = Callable[..., Awaitable[Any]]
MakeRpc = Callable[..., JsonRpc]

ECHOES: list[tuple[str, list[object]]] = [("echo", [number]) for number in range(4)]
ANSWERS: list[object] = [[number] for number in range(4)]


def status(code: int, text: str = "", **headers: str) -> Callable[[Any], web.Response]:
    return lambda _: web.Response(status=code, text=text, headers={k.replace("_", "-"): v for k, v in headers.items()})


def json_reply(change: Callable[[Any], object], code: int = 200) -> Callable[[Any], web.Response]:
    """A fault that answers `change(requests)` as JSON."""
    return lambda body: web.json_response(change(body), status=code)


def unused_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v2/secret-key"


async def test_a_request_and_a_batch_are_one_round_trip_each_after_the_first_contact(
    node: Any, make_rpc: MakeRpc
) -> None:
    rpc = make_rpc(node.url)
    assert await rpc.request("eth_blockNumber", []) == "0x4d"
    assert rpc.round_trips == 2
    assert await rpc.batch(ECHOES) == ANSWERS
    assert rpc.round_trips == 3
    assert [post["method"] for post in node.posts[:2]] == ["eth_chainId", "eth_blockNumber"]


async def test_a_refused_request_is_raised_and_not_tried_again(node: Any, make_rpc: MakeRpc) -> None:
    node.faults.append(json_reply(lambda body: {"id": body["id"], "error": {"code": -32602, "message": "bad"}}))
    with pytest.raises(RpcRefusedError, match=r"eth_blockNumber: bad \(code -32602\)"):
        await make_rpc(node.url).request("eth_blockNumber", [])
    assert len(node.posts) == 2


async def test_an_answer_to_another_request_is_not_taken(node: Any, make_rpc: MakeRpc) -> None:
    node.faults.append(json_reply(lambda body: {"id": body["id"] + 1, "result": "0xbad"}))
    assert await make_rpc(node.url).request("eth_blockNumber", []) == "0x4d"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(status(500), id="500"),
        pytest.param(status(503, "<html>busy</html>", Retry_After="0"), id="503"),
        pytest.param(status(200, "<html>welcome</html>", Content_Type="text/html"), id="HTML in a 200"),
        pytest.param(status(200, '"text"'), id="JSON that is no object"),
        pytest.param(status(200), id="empty"),
        pytest.param(status(301, Location="http://127.0.0.1/"), id="redirect"),
        pytest.param(status(404, "not here"), id="404"),
        pytest.param(status(401, "who are you"), id="401"),
        pytest.param(status(429, Retry_After="0.01"), id="429 with seconds"),
        pytest.param(status(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"), id="429 with a date"),
        pytest.param(status(429, Retry_After="soon"), id="429 with nonsense"),
        pytest.param(
            json_reply(lambda body: {"id": None, "error": {"code": 429, "message": "compute units"}}),
            id="throttled in a 200",
        ),
    ],
)
async def test_a_passing_fault_is_got_over(node: Any, make_rpc: MakeRpc, fault: Callable[[Any], web.Response]) -> None:
    node.faults.extend([fault, fault])
    assert await make_rpc(node.url).batch(ECHOES) == ANSWERS


async def test_throttling_without_end_is_an_error_of_its_own_and_bounded(node: Any, make_rpc: MakeRpc) -> None:
    rpc = make_rpc(node.url, retries=2)
    node.standing_fault = status(429)
    with pytest.raises(RpcThrottledError, match="HTTP 429"):
        await rpc.request("eth_blockNumber", [])
    assert len(node.posts) == 3


async def test_a_retry_after_beyond_the_longest_pause_fails_at_once_and_is_honoured(
    node: Any, make_rpc: MakeRpc
) -> None:
    rpc = make_rpc(node.url)
    await rpc.request("eth_blockNumber", [])
    node.faults.append(status(429, Retry_After="100"))
    for _ in range(3):
        with pytest.raises(RpcThrottledError):
            await rpc.request("eth_blockNumber", [])
    assert len(node.posts) == 3


async def test_the_next_endpoint_answers_when_one_is_throttled_and_keeps_doing_so(
    make_node: MakeNode, make_rpc: MakeRpc
) -> None:
    first, second = await make_node(), await make_node()
    rpc = make_rpc(first.url, second.url)
    await rpc.request("eth_blockNumber", [])
    first.faults.append(status(429, Retry_After="100"))
    for _ in range(3):
        await rpc.request("eth_blockNumber", [])
    assert (len(first.posts), len(second.posts)) == (3, 4)


async def test_fail_over_goes_on_and_comes_back_when_the_other_fails(make_node: MakeNode, make_rpc: MakeRpc) -> None:
    first, second = await make_node(), await make_node()
    rpc = make_rpc(first.url, second.url)
    port = first.port
    await first.stop()
    with structlog.testing.capture_logs() as logs:
        assert await rpc.request("eth_blockNumber", []) == "0x4d"
        await first.start(port)
        await second.stop()
        assert await rpc.request("eth_blockNumber", []) == "0x4d"
    failed = [line for line in logs if line["event"] == "endpoint failed"]
    assert [line["endpoint"] for line in failed] == [f"http://127.0.0.1:{port}", f"http://127.0.0.1:{second.port}"]
    assert [line["endpoint"] for line in logs if line["event"] == "endpoint works again"] == [failed[0]["endpoint"]]
    assert "secret-key" not in str(logs)


async def test_nobody_listening_is_unreachable_and_names_only_the_host(make_rpc: MakeRpc) -> None:
    url = unused_url()
    with pytest.raises(RpcUnreachableError) as caught:
        await make_rpc(url).request("eth_blockNumber", [])
    assert str(caught.value) == f"{url.rpartition('/v2')[0]}: connection refused"


async def test_a_key_that_the_provider_repeats_is_not_shown(node: Any, make_rpc: MakeRpc) -> None:
    error = {"code": -32602, "message": "project secret-key may not, nor may user"}
    node.faults.append(json_reply(lambda body: {"id": body["id"], "error": error}))
    with pytest.raises(RpcRefusedError, match=r"project \*\*\* may not, nor may user"):
        await make_rpc(node.url.replace("http://", "http://user:pass-word@")).request("eth_blockNumber", [])


async def test_plain_text_where_tls_is_wanted_is_unreachable(node: Any, make_rpc: MakeRpc) -> None:
    with pytest.raises(RpcUnreachableError, match="TLS") as caught:
        await make_rpc(node.url.replace("http://", "https://user:pass-word@")).request("eth_blockNumber", [])
    assert "pass-word" not in str(caught.value)


async def test_a_name_that_does_not_resolve_is_unreachable(make_rpc: MakeRpc) -> None:
    with pytest.raises(RpcUnreachableError):
        await make_rpc("http://no-such-host.invalid/", retries=0).request("eth_blockNumber", [])


async def test_a_silent_endpoint_times_out_and_the_next_one_answers(make_node: MakeNode, make_rpc: MakeRpc) -> None:
    silent, good = await make_node(), await make_node()

    async def hang(_: Any) -> web.StreamResponse:
        await asyncio.sleep(60)
        raise AssertionError

    silent.standing_fault = hang
    rpc = make_rpc(silent.url, good.url, request_timeout=0.05)
    assert await rpc.request("eth_blockNumber", []) == "0x4d"
    with pytest.raises(RpcTimeoutError, match=r"0\.05 s"):
        await make_rpc(silent.url, request_timeout=0.05, retries=0).request("eth_blockNumber", [])


async def test_the_deadline_ends_waiting_and_pauses_and_says_nothing_about_the_endpoint(
    node: Any, make_rpc: MakeRpc
) -> None:
    rpc = make_rpc(node.url)
    await rpc.request("eth_blockNumber", [])

    async def hang(_: Any) -> web.StreamResponse:
        await asyncio.sleep(60)
        raise AssertionError

    node.faults.append(hang)
    with structlog.testing.capture_logs() as logs, pytest.raises(RpcDeadlineError):
        await rpc.request("eth_blockNumber", [], deadline=time.monotonic() + 0.05)
    assert logs == []
    with pytest.raises(RpcDeadlineError):
        await rpc.request("eth_blockNumber", [], deadline=time.monotonic() - 1)
    assert await rpc.request("eth_blockNumber", [], deadline=time.monotonic() + 60) == "0x4d"
    posts = len(node.posts)
    slow = make_rpc(node.url, retry_initial=50.0, retry_max=50.0)
    node.standing_fault = status(500)
    with pytest.raises(RpcUnreachableError, match="HTTP 500"):
        await slow.request("eth_blockNumber", [], deadline=time.monotonic() + 20)
    assert len(node.posts) == posts + 1


async def test_round_trips_under_way_are_bounded(node: Any, make_rpc: MakeRpc) -> None:
    rpc = make_rpc(node.url, max_concurrency=3)
    await asyncio.gather(*(rpc.request("eth_blockNumber", []) for _ in range(20)))
    assert node.most_in_flight <= 3
    assert len(node.posts) == 21


@pytest.mark.parametrize(
    "error",
    [
        pytest.param({"code": -32603, "message": "Internal error"}, id="internal fault"),
        pytest.param({"code": -32000, "message": "header not found"}, id="block not there yet"),
    ],
)
async def test_a_passing_refusal_is_asked_again_elsewhere_and_given_as_the_answer_when_it_stays(
    make_node: MakeNode, make_rpc: MakeRpc, stub_refusal: Callable[[int, str], Exception], error: dict[str, Any]
) -> None:
    def refuse(_: list[Any]) -> object:
        raise stub_refusal(error["code"], error["message"])

    lagging, good = await make_node(), await make_node()
    lagging.methods["echo"] = refuse
    assert await make_rpc(lagging.url, good.url).batch([*ECHOES, ("eth_blockNumber", [])]) == [*ANSWERS, "0x4d"]
    assert [len(post) for post in good.posts if isinstance(post, list)] == [4]
    answers = await make_rpc(lagging.url, retries=1).batch([*ECHOES, ("eth_blockNumber", [])])
    assert all(isinstance(answer, RpcRefusedError) and error["message"] in str(answer) for answer in answers[:4])
    assert answers[4] == "0x4d"


async def test_one_endpoint_of_another_chain_is_refused_and_the_others_serve(
    make_node: MakeNode, make_rpc: MakeRpc
) -> None:
    wrong, right = await make_node(1), await make_node()
    rpc = make_rpc(wrong.url, right.url)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            assert await rpc.request("eth_blockNumber", []) == "0x4d"
    assert [post["method"] for post in wrong.posts] == ["eth_chainId"]
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert (line["chain_id"], line["expected"]) == (1, 31337)


async def test_every_endpoint_of_another_chain_is_a_misconfiguration_that_names_both(
    make_node: MakeNode, make_rpc: MakeRpc
) -> None:
    one, other = await make_node(1), await make_node(5)
    rpc = make_rpc(one.url, other.url)
    for _ in range(2):
        with pytest.raises(SourceMisconfiguredError, match=r"serves chain 1, but chain 31337 is wanted"):
            await rpc.request("eth_blockNumber", [])
    assert (len(one.posts), len(other.posts)) == (1, 1)


async def test_a_wrong_chain_beside_an_unreachable_endpoint_is_a_misconfiguration_until_the_right_one_was_seen(
    make_node: MakeNode, make_rpc: MakeRpc
) -> None:
    wrong, right = await make_node(1), await make_node()
    port = right.port
    rpc = make_rpc(wrong.url, right.url)
    await right.stop()
    with pytest.raises(SourceMisconfiguredError):
        await rpc.request("eth_blockNumber", [])
    await right.start(port)
    assert await rpc.request("eth_blockNumber", []) == "0x4d"
    await right.stop()
    for _ in range(3):
        rpc._endpoints[0].rest_until = 0.0  # the wrong one is to be looked at again
        with pytest.raises(RpcUnreachableError):
            await rpc.request("eth_blockNumber", [])


async def test_a_first_contact_that_gives_no_chain_id_is_not_trusted(node: Any, make_rpc: MakeRpc) -> None:
    node.methods["eth_chainId"] = lambda _: 31337
    with pytest.raises(RpcMalformedReplyError, match="eth_chainId"):
        await make_rpc(node.url).request("eth_blockNumber", [])
    assert {post["method"] for post in node.posts} == {"eth_chainId"}


async def test_concurrent_first_requests_ask_the_chain_id_once(node: Any, make_rpc: MakeRpc) -> None:
    rpc = make_rpc(node.url)
    await asyncio.gather(*(rpc.request("eth_blockNumber", []) for _ in range(10)))
    assert [post["method"] for post in node.posts].count("eth_chainId") == 1


async def test_no_url_at_all_names_the_setting(make_rpc: MakeRpc) -> None:
    rpc = make_rpc()
    with pytest.raises(SourceMisconfiguredError, match=r"contracts\.rpc_urls"):
        await rpc.start()
    with pytest.raises(SourceMisconfiguredError, match=r"contracts\.rpc_urls"):
        await rpc.request("eth_blockNumber", [])


async def test_a_closed_client_can_be_closed_again(node: Any, make_rpc: MakeRpc) -> None:
    rpc = make_rpc(node.url)
    await rpc.request("eth_blockNumber", [])
    await rpc.close()
    await rpc.close()


async def test_connections_are_kept_alive(node: Any, make_rpc: MakeRpc) -> None:
    rpc = make_rpc(node.url)
    for _ in range(5):
        await rpc.request("eth_blockNumber", [])
    assert node.connections == 1


async def test_errors_are_source_errors() -> None:
    assert issubclass(RpcRefusedError, SourceError)
    assert issubclass(RpcUnreachableError, SourceError)
    assert not issubclass(RpcUnreachableError, SourceMisconfiguredError)
