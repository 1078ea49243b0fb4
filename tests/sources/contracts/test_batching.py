"""Several requests at once: matched to their answers whatever comes back, in pieces where a provider demands it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from sent_graphql.sources.contracts.errors import (
    GasCapError,
    RangeTooLargeError,
    RpcMalformedReplyError,
    RpcRefusedError,
    RpcUnreachableError,
)
from sent_graphql.sources.contracts.rpc import JsonRpc

MakeNode = Callable[..., Awaitable[Any]]
MakeRpc = Callable[..., JsonRpc]

ECHOES: list[tuple[str, list[object]]] = [("echo", [number]) for number in range(4)]
ANSWERS: list[object] = [[number] for number in range(4)]


def status(code: int, text: str = "", **headers: str) -> Callable[[Any], web.Response]:
    return lambda _: web.Response(status=code, text=text, headers={k.replace("_", "-"): v for k, v in headers.items()})


def json_reply(change: Callable[[Any], object], code: int = 200) -> Callable[[Any], web.Response]:
    """A fault that answers `change(requests)` as JSON."""
    return lambda body: web.json_response(change(body), status=code)


def results(body: Any) -> list[dict[str, Any]]:
    return [{"jsonrpc": "2.0", "id": item["id"], "result": item["params"]} for item in body]


async def test_an_empty_batch_asks_nobody(node: Any, make_rpc: MakeRpc) -> None:
    assert await make_rpc(node.url).batch([]) == []
    assert node.posts == []


async def test_a_refused_item_stays_in_its_place(node: Any, make_rpc: MakeRpc) -> None:
    def lose_second(body: Any) -> object:
        reply: list[dict[str, Any]] = results(body)
        reply[1] = {"id": reply[1]["id"], "error": {"code": -32601, "message": "no such method"}}
        return reply

    node.faults.append(json_reply(lose_second))
    answers = await make_rpc(node.url).batch(ECHOES)
    refused = answers[1]
    assert isinstance(refused, RpcRefusedError)
    assert refused.code == -32601
    assert [answers[0], *answers[2:]] == [ANSWERS[0], *ANSWERS[2:]]
    assert len(node.posts) == 2


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(lambda body: results(body)[:-1], id="short"),
        pytest.param(lambda body: [*results(body), *results(body)[:1]], id="long"),
        pytest.param(lambda body: [results(body)[0], *results(body)[:-1]], id="duplicated"),
        pytest.param(lambda body: [{**results(body)[0], "id": 999}, *results(body)[1:]], id="unknown id"),
        pytest.param(lambda body: [{**item, "id": None} for item in results(body)], id="no ids"),
        pytest.param(lambda body: [{**item, "id": [1]} for item in results(body)], id="ids of no kind"),
        pytest.param(lambda body: [{"id": item["id"]} for item in results(body)], id="neither result nor error"),
        pytest.param(lambda body: [1] * len(body), id="no objects"),
        pytest.param(lambda body: {"id": 1, "result": "0x1"}, id="one object"),
        pytest.param(lambda body: [], id="nothing"),
    ],
)
async def test_a_batch_that_does_not_match_is_asked_again_and_never_shifted(
    node: Any, make_rpc: MakeRpc, reply: Callable[[Any], object]
) -> None:
    rpc = make_rpc(node.url)
    node.faults.append(json_reply(reply))
    assert await rpc.batch(ECHOES) == ANSWERS
    node.standing_fault = json_reply(reply)
    with pytest.raises(RpcMalformedReplyError):
        await rpc.batch(ECHOES)


async def test_a_shuffled_batch_is_put_in_order(node: Any, make_rpc: MakeRpc) -> None:
    node.faults.append(json_reply(lambda body: results(body)[::-1]))
    assert await make_rpc(node.url).batch(ECHOES) == ANSWERS
    assert len(node.posts) == 2


async def test_items_that_are_throttled_are_asked_again_alone(node: Any, make_rpc: MakeRpc) -> None:
    def throttle_odd(body: Any) -> object:
        error = {"code": 429, "message": "exceeded its compute units per second capacity"}
        return [item if item["result"][0] % 2 == 0 else {"id": item["id"], "error": error} for item in results(body)]

    node.faults.append(json_reply(throttle_odd))
    assert await make_rpc(node.url).batch(ECHOES) == ANSWERS
    assert [request["params"] for request in node.posts[2]] == [[1], [3]]


@pytest.mark.parametrize(
    ("error", "pieces", "later"),
    [
        pytest.param(
            {"code": -32600, "message": "batch requests are not supported"}, [4, 1, 1, 1, 1], [1, 1, 1, 1], id="none"
        ),
        pytest.param({"code": -32600, "message": "batch too large"}, [4, 1, 2, 1], [2, 2], id="too many"),
    ],
)
@pytest.mark.parametrize("in_list", [True, False])
async def test_a_refused_batch_is_asked_in_pieces_from_then_on(
    node: Any, make_rpc: MakeRpc, error: dict[str, object], pieces: list[int], later: list[int], in_list: bool
) -> None:
    def refuse(body: Any) -> object:
        reply = {"jsonrpc": "2.0", "id": None, "error": error}
        return [reply] if in_list else reply

    rpc = make_rpc(node.url)
    node.faults.append(json_reply(refuse))
    assert await rpc.batch(ECHOES) == ANSWERS
    assert await rpc.batch(ECHOES) == ANSWERS
    sizes = [len(post) if isinstance(post, list) else 1 for post in node.posts[1:]]
    assert sizes == pieces + later


@pytest.mark.parametrize("words", ["Batch size limit exceeded", "too many requests in batch", "10 requests per batch"])
@pytest.mark.parametrize("shape", ["alone", "in every item", "as plain text"])
async def test_a_limit_of_batches_is_not_taken_for_a_limit_of_the_rate(
    node: Any, make_rpc: MakeRpc, words: str, shape: str
) -> None:
    error = {"code": -32005, "message": f"max limit: {words}"}

    def refuse(body: Any) -> web.Response:
        if not isinstance(body, list) or len(body) <= 2:
            return web.json_response(node.answer(body))
        if shape == "as plain text":
            return web.Response(status=400, text=f"max limit: {words}")
        items = [{"jsonrpc": "2.0", "id": item["id"], "error": error} for item in body]
        return web.json_response(items if shape == "in every item" else items[0])

    rpc = make_rpc(node.url)
    node.standing_fault = refuse
    assert await rpc.batch(ECHOES) == ANSWERS
    posts = len(node.posts)
    assert await rpc.batch(ECHOES) == ANSWERS
    assert len(node.posts) - posts == 2


async def test_an_http_refusal_of_single_requests_too_is_no_answer(node: Any, make_rpc: MakeRpc) -> None:
    rpc = make_rpc(node.url)
    await rpc.request("echo", [1])
    node.standing_fault = status(403, text="secret-key is not allowed")
    with pytest.raises(RpcUnreachableError, match="HTTP 403") as refused:
        await rpc.batch(ECHOES)
    assert "secret-key" not in str(refused.value)


async def test_a_refused_batch_teaches_nothing_when_the_endpoint_breaks_down_meanwhile(
    node: Any, make_rpc: MakeRpc
) -> None:
    refusal = json_reply(lambda body: {"id": None, "error": {"code": -32600, "message": "invalid request"}})
    node.faults.extend([refusal, status(500)])
    assert await make_rpc(node.url).batch(ECHOES) == ANSWERS
    assert len(node.posts[-1]) == len(ECHOES)


async def test_an_endpoint_that_refuses_everything_is_not_taken_for_one_without_batches(
    make_node: MakeNode, make_rpc: MakeRpc
) -> None:
    broken, good = await make_node(), await make_node()
    error = {"code": -32000, "message": "this plan has ended, see https://provider.example/secret-key"}
    rpc = make_rpc(broken.url, good.url, retry_initial=5.0, retry_max=5.0)
    await rpc.request("eth_blockNumber", [])
    broken.standing_fault = json_reply(lambda body: {"id": None, "error": error})
    assert await rpc.batch(ECHOES) == ANSWERS
    assert len(broken.posts) == 2 + 2
    broken.standing_fault, fault = None, broken.standing_fault
    alone = make_rpc(broken.url)
    await alone.request("eth_blockNumber", [])
    broken.standing_fault = fault
    with pytest.raises(RpcUnreachableError, match="refuses every request: this plan has ended") as caught:
        await alone.batch(ECHOES)
    assert "secret-key" not in str(caught.value)


async def test_an_answer_beyond_the_bound_is_asked_in_pieces_and_refused_when_alone(
    node: Any, make_rpc: MakeRpc
) -> None:
    node.methods["eth_getLogs"] = lambda params: "x" * params[0]
    node.methods["eth_call"] = lambda params: "x" * params[0]
    rpc = make_rpc(node.url, max_response_bytes=5000)
    answers = await rpc.batch(
        [("echo", ["y" * 3000]), ("echo", ["z" * 3000]), ("eth_getLogs", [90_000]), ("eth_call", [6000])]
    )
    assert answers[:2] == [["y" * 3000], ["z" * 3000]]
    assert isinstance(answers[2], RangeTooLargeError)
    assert isinstance(answers[3], GasCapError)


async def test_items_crowded_out_of_a_long_answer_are_asked_apart(node: Any, make_rpc: MakeRpc) -> None:
    error = {"code": -32003, "message": "response too large"}
    node.faults.append(
        json_reply(lambda body: [*results(body)[:2], *({"id": item["id"], "error": error} for item in body[2:])])
    )
    assert await make_rpc(node.url).batch(ECHOES) == ANSWERS
    assert [len(post) for post in node.posts[1:]] == [4, 2]


async def test_a_json_rpc_error_in_an_http_400_is_an_answer(node: Any, make_rpc: MakeRpc) -> None:
    error = {"code": -32602, "message": "Log response size exceeded. You can make eth_getLogs requests with up to"}
    node.faults.append(json_reply(lambda body: {"id": body["id"], "error": error}, 400))
    with pytest.raises(RangeTooLargeError):
        await make_rpc(node.url).request("eth_getLogs", [{}])


async def test_an_http_413_to_a_query_of_logs_is_a_range_too_large(node: Any, make_rpc: MakeRpc) -> None:
    node.faults.append(status(413, "too long"))
    with pytest.raises(RangeTooLargeError):
        await make_rpc(node.url).request("eth_getLogs", [{}])
