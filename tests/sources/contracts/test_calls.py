"""Reading many views at one block: round trips, order, and failures that stay where they belong."""

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from eth_abi.abi import decode, encode

from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.calls import BlockReader, Call, Reverted
from sent_graphql.sources.contracts.errors import HistoryPrunedError, RpcMalformedReplyError, RpcRefusedError
from sent_graphql.sources.contracts.multicall import AGGREGATE3, aggregate3_data, aggregate3_results
from sent_graphql.sources.contracts.rpc import JsonRpc

MakeReader = Callable[..., tuple[BlockReader, JsonRpc]]

REVERTING = 7
EMPTY_REVERT = 8
PANIC = bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big")


def address(number: int) -> str:
    return f"0x{number:040x}"


def calls(count: int) -> list[Call]:
    return [Call(address(number), number.to_bytes(3, "big")) for number in range(1, count + 1)]


def contract_answer(to: str, data: bytes, block: int) -> bytes:
    return bytes.fromhex(to[2:])[-2:] + data + block.to_bytes(4, "big")


def expected(count: int, block: int) -> list[bytes]:
    return [contract_answer(call.to, call.data, block) for call in calls(count)]


@pytest.fixture
def make_reader(
    make_rpc: Callable[..., JsonRpc], contracts_settings: Callable[..., ContractsSettings]
) -> Callable[..., tuple[BlockReader, JsonRpc]]:
    def make(url: str, **changes: Any) -> tuple[BlockReader, JsonRpc]:
        rpc = make_rpc(url, **changes)
        return BlockReader(rpc, contracts_settings(url, **changes)), rpc

    return make


@pytest.fixture(autouse=True)
def contract(node: Any) -> None:
    node.contract = contract_answer


def fail_some(node: Any, refuse: type[Exception]) -> None:
    """Contract 7 reverts with a panic, contract 8 without a word."""

    def answer(to: str, data: bytes, block: int) -> bytes:
        if to == address(REVERTING):
            raise refuse(PANIC)
        if to == address(EMPTY_REVERT):
            raise refuse(b"")
        return contract_answer(to, data, block)

    node.contract = answer


@pytest.mark.parametrize("multicall", [True, False])
async def test_calls_and_extras_travel_in_one_round_trip_in_order(
    node: Any, make_reader: MakeReader, multicall: bool
) -> None:
    node.multicall = multicall
    reader, rpc = make_reader(node.url)
    await reader.call_many(calls(1), 1)
    before = rpc.round_trips
    read = await reader.call_many(calls(300), 12, extra=[("echo", ["x"]), ("eth_blockNumber", [])])
    assert rpc.round_trips == before + 1
    assert read.extra == [["x"], "0x4d"]
    assert read.results == expected(300, 12)


async def test_multicall_is_looked_for_once(node: Any, make_reader: MakeReader) -> None:
    reader, _ = make_reader(node.url)
    for _ in range(3):
        await reader.call_many(calls(5), 1)
    methods = [item["method"] for post in node.posts for item in (post if isinstance(post, list) else [post])]
    assert methods == ["eth_chainId", "eth_getCode", "eth_call", "eth_call", "eth_call"]


async def test_thousands_of_calls_are_one_round_trip_with_multicall(node: Any, make_reader: MakeReader) -> None:
    reader, rpc = make_reader(node.url, batch_size=500)
    await reader.call_many(calls(1), 1)
    before = rpc.round_trips
    assert (await reader.call_many(calls(2000), 3)).results == expected(2000, 3)
    assert rpc.round_trips == before + 1
    assert len(node.posts[-1]) == 4


async def test_without_multicall_a_round_trip_carries_batch_size_calls(node: Any, make_reader: MakeReader) -> None:
    reader, rpc = make_reader(node.url, multicall=None, batch_size=100)
    assert (await reader.call_many(calls(250), 3, extra=[("echo", [1])])).results == expected(250, 3)
    assert rpc.round_trips == 1 + 3
    assert [len(post) for post in node.posts[1:]] == [100, 100, 51]


async def test_nothing_to_call_still_asks_the_extras(node: Any, make_reader: MakeReader) -> None:
    reader, rpc = make_reader(node.url)
    read = await reader.call_many([], 3, extra=[("echo", [1])])
    assert (read.results, read.extra) == ([], [[1]])
    assert rpc.round_trips == 2


async def test_nothing_at_all_asks_nobody(node: Any, make_reader: MakeReader) -> None:
    reader, _ = make_reader(node.url)
    read = await reader.call_many([], 3)
    assert (read.results, read.extra, node.posts) == ([], [], [])


@pytest.mark.parametrize("multicall", [True, False])
async def test_a_reverting_call_does_not_harm_its_neighbours(
    node: Any, make_reader: MakeReader, stub_revert: type[Exception], multicall: bool
) -> None:
    node.multicall = multicall
    fail_some(node, stub_revert)
    reader, _ = make_reader(node.url)
    read = await reader.call_many(calls(20), 5)
    reverted, silent = read.results[REVERTING - 1], read.results[EMPTY_REVERT - 1]
    assert isinstance(reverted, Reverted)
    assert reverted.data == PANIC
    assert isinstance(silent, Reverted)
    assert silent.data == b""
    others = [result for i, result in enumerate(read.results, 1) if i not in (REVERTING, EMPTY_REVERT)]
    assert others == [result for i, result in enumerate(expected(20, 5), 1) if i not in (REVERTING, EMPTY_REVERT)]


async def test_an_address_without_code_gives_no_bytes(node: Any, make_reader: MakeReader) -> None:
    node.contract = lambda to, data, block: b""
    reader, _ = make_reader(node.url)
    assert (await reader.call_many(calls(3), 5)).results == [b""] * 3


async def test_a_call_starved_of_gas_inside_an_aggregate_is_not_taken_for_a_revert(
    node: Any, make_reader: MakeReader, stub_revert: type[Exception]
) -> None:
    plain = node.methods["eth_call"]
    budget = 10

    def within_budget(params: list[Any]) -> object:
        left = budget

        def answer(to: str, data: bytes, block: int) -> bytes:
            nonlocal left
            left -= 1
            if left < 0:
                raise stub_revert(b"")
            return contract_answer(to, data, block)

        node.contract = answer
        return plain(params)

    node.methods["eth_call"] = within_budget
    reader, rpc = make_reader(node.url)
    assert (await reader.call_many(calls(16), 5)).results == expected(16, 5)
    before = rpc.round_trips
    for _ in range(8):
        before = rpc.round_trips
        assert (await reader.call_many(calls(16), 5)).results == expected(16, 5)
    assert rpc.round_trips == before + 1


async def test_an_aggregate_over_the_gas_cap_is_halved_and_the_size_remembered(
    node: Any, make_reader: MakeReader, stub_refusal: type[Exception]
) -> None:
    plain = node.methods["eth_call"]

    def capped(params: list[Any]) -> object:
        data = bytes.fromhex(params[0]["data"][2:])
        if data[:4] == AGGREGATE3 and len(decode(["(address,bool,bytes)[]"], data[4:])[0]) > 30:
            raise stub_refusal(-32000, "out of gas: gas required exceeds allowance (50000000)")
        return plain(params)

    node.methods["eth_call"] = capped
    reader, rpc = make_reader(node.url)
    assert (await reader.call_many(calls(100), 5)).results == expected(100, 5)
    assert rpc.round_trips == 2 + 3
    assert (await reader.call_many(calls(100), 6)).results == expected(100, 6)
    assert rpc.round_trips == 2 + 3 + 1


async def test_a_single_call_over_the_gas_cap_fails_alone(
    node: Any, make_reader: MakeReader, stub_refusal: type[Exception]
) -> None:
    plain = node.methods["eth_call"]

    def capped(params: list[Any]) -> object:
        if params[0]["to"] == address(2):
            raise stub_refusal(-32000, "out of gas")
        return plain(params)

    node.methods["eth_call"] = capped
    reader, _ = make_reader(node.url, multicall=None)
    first, second, third = (await reader.call_many(calls(3), 5)).results
    assert isinstance(second, Reverted)
    assert [first, third] == [expected(3, 5)[0], expected(3, 5)[2]]


async def test_a_refused_extra_is_in_its_place(
    node: Any, make_reader: MakeReader, stub_refusal: type[Exception]
) -> None:
    def refuse(_: list[Any]) -> object:
        raise stub_refusal(-32601, "no such method")

    node.methods["eth_getLogs"] = refuse
    reader, _ = make_reader(node.url)
    read = await reader.call_many(calls(3), 5, extra=[("eth_getLogs", [{}]), ("echo", [1])])
    assert isinstance(read.extra[0], RpcRefusedError)
    assert read.extra[1] == [1]
    assert read.results == expected(3, 5)


@pytest.mark.parametrize("multicall", [True, False])
async def test_a_block_that_the_node_does_not_hold_fails_the_reading(
    node: Any, make_reader: MakeReader, stub_refusal: type[Exception], multicall: bool
) -> None:
    def prune(_: list[Any]) -> object:
        raise stub_refusal(-32000, "missing trie node 0123 (path )")

    node.multicall = multicall
    node.methods["eth_call"] = prune
    reader, _ = make_reader(node.url)
    with pytest.raises(HistoryPrunedError):
        await reader.call_many(calls(3), 5)


async def test_a_block_before_multicall_is_read_call_by_call(node: Any, make_reader: MakeReader) -> None:
    reader, rpc = make_reader(node.url)
    await reader.call_many(calls(3), 5)
    before = rpc.round_trips
    node.multicall = False
    node.contract = lambda to, data, block: b"" if len(data) > 3 else contract_answer(to, data, block)
    assert (await reader.call_many(calls(3), 1)).results == expected(3, 1)
    assert rpc.round_trips == before + 2


@pytest.mark.parametrize("result", [None, 7, "", "60", "0x6", "0xzz"])
async def test_a_result_that_is_no_hex_is_malformed(node: Any, make_reader: MakeReader, result: object) -> None:
    node.methods["eth_call"] = lambda _: result
    reader, _ = make_reader(node.url)
    with pytest.raises(RpcMalformedReplyError, match="eth_call"):
        await reader.call_many(calls(1), 5)


async def test_a_provider_without_batches_is_read_call_by_call_at_bounded_concurrency(
    node: Any, make_reader: MakeReader
) -> None:
    node.multicall = False

    def refuse(body: Any) -> web.Response:
        if isinstance(body, list):
            error = {"code": -32600, "message": "batch requests are disabled"}
            return web.json_response({"jsonrpc": "2.0", "id": None, "error": error})
        return web.json_response(node.answer(body))

    node.standing_fault = refuse
    reader, _ = make_reader(node.url, max_concurrency=3)
    assert (await reader.call_many(calls(40), 5)).results == expected(40, 5)
    assert node.most_in_flight <= 3
    batches = [post for post in node.posts if isinstance(post, list)]
    await reader.call_many(calls(40), 5)
    assert len([post for post in node.posts if isinstance(post, list)]) == len(batches) == 1


def test_aggregates_are_encoded_and_decoded_as_the_abi_says() -> None:
    inner = [(address(1), b""), (address(2**160 - 1), b"\x01" * 4), (address(3), b"\x02" * 32), (address(4), b"x" * 99)]
    data = aggregate3_data(inner)
    assert data == AGGREGATE3 + encode(["(address,bool,bytes)[]"], [[(to, True, body) for to, body in inner]])
    results = [(True, b""), (False, b"\x01" * 33), (True, b"\x02" * 64)]
    answer = encode(["(bool,bytes)[]"], [results])
    assert [(inner.success, inner.data) for inner in aggregate3_results(answer, 3)] == results


@pytest.mark.parametrize("cut", [0, 31, 32, 64, 100, 200])
def test_a_cut_or_miscounted_aggregate_is_malformed(cut: int) -> None:
    answer = encode(["(bool,bytes)[]"], [[(True, b"\x01" * 32), (False, b"\x02" * 32)]])
    with pytest.raises(RpcMalformedReplyError, match="aggregate3"):
        aggregate3_results(answer[:cut], 2)
    with pytest.raises(RpcMalformedReplyError, match="2 results for 3 calls"):
        aggregate3_results(answer, 3)
