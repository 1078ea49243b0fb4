"""Reading many views at one block: round trips, order, and failures that stay where they belong."""

from collections.abc import Callable

import pytest

from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.calls import BlockReader, Call, Reverted
from sent_graphql.sources.contracts.rpc import JsonRpc


def address(number: int) -> str:
    return f"0x{number:040x}"


@pytest.fixture
def make_reader(
    make_rpc: Callable[..., JsonRpc], contracts_settings: Callable[..., ContractsSettings]
) -> Callable[..., tuple[BlockReader, JsonRpc]]:
    def make(url, **changes):
        rpc = make_rpc(url, **changes)
        return BlockReader(rpc, contracts_settings(url, **changes)), rpc

    return make


@pytest.mark.parametrize("multicall", [True, False])
async def test_calls_and_extras_travel_in_one_round_trip_in_order(node, make_reader, multicall):
    node.multicall = multicall
    node.contract = lambda to, data, block: bytes.fromhex(to[2:])[-2:] + data + block.to_bytes(4, "big")
    reader, rpc = make_reader(node.url)
    await reader.call_many([Call(address(1), b"")], 1)
    before = rpc.round_trips
    calls = [Call(address(number), number.to_bytes(3, "big")) for number in range(1, 301)]
    read = await reader.call_many(calls, 12, extra=[("echo", ["x"]), ("eth_blockNumber", [])])
    assert rpc.round_trips == before + 1
    assert read.extra == [["x"], "0x4d"]
    assert read.results == [
        number.to_bytes(2, "big") + number.to_bytes(3, "big") + (12).to_bytes(4, "big") for number in range(1, 301)
    ]
    assert not any(isinstance(result, Reverted) for result in read.results)
