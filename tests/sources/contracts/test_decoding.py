"""Our hand-written decoders beside a general one: equal on whatever is valid, and one clear error on all else."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from sent_graphql.models.contracts import ContractNode, ContributionStatus, Recipient, ReservedPlace, Stake
from sent_graphql.models.keys import ZERO_ADDRESS, eth_address
from sent_graphql.sources.contracts import decoding
from sent_graphql.sources.contracts.decoding import ContributionShare, NodeParams
from sent_graphql.sources.contracts.errors import RpcMalformedReplyError

NODE_TYPE = (
    "(uint64,uint64,address,(uint256,uint256),uint256,uint256,uint256,uint256,((address,address),uint256)[],uint256)"
)

uint256 = st.one_of(st.integers(0, 2**256 - 1), st.integers(0, 300))
uint64 = st.integers(0, 2**64 - 1)
wallets = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
points = st.tuples(uint256, uint256)
stakes = st.lists(st.tuples(st.tuples(wallets, wallets), uint256), max_size=10)
ids = st.integers(0, 2**31 - 1)
times = st.integers(0, 2**37 - 1)
nodes = st.tuples(uint64, uint64, wallets, points, times, times, uint256, uint256, stakes, uint256)

DECODERS: dict[str, Callable[[bytes], object]] = {
    "number": lambda data: decoding.number(data, "stakingRequirement"),
    "boolean": lambda data: decoding.boolean(data, "paused"),
    "address": lambda data: decoding.address(data, "operator"),
    "node_ids": decoding.node_ids,
    "node": lambda data: decoding.node(data, 1),
    "recipient": decoding.recipient,
    "bls_pubkey": decoding.bls_pubkey,
    "node_params": decoding.node_params,
    "status": decoding.status,
    "contributions": decoding.contributions,
    "reservations": decoding.reservations,
}

ENCODED = {
    "number": encode(["uint256"], [1]),
    "boolean": encode(["bool"], [True]),
    "address": encode(["address"], ["0x" + "ab" * 20]),
    "node_ids": encode(["uint64[]", "(uint256,uint256)[]"], [[1, 3], [(1, 2), (3, 4)]]),
    "node": encode([NODE_TYPE], [(2, 0, "0x" + "ab" * 20, (1, 2), 3, 4, 5, 6, [(("0x" + "ab" * 20,) * 2, 6)], 7)]),
    "recipient": encode(["uint256", "uint256"], [2, 1]),
    "bls_pubkey": encode(["uint256", "uint256"], [2, 1]),
    "node_params": encode(["(uint256,uint256,uint256,uint16)"], [(1, 2, 3, 4)]),
    "status": encode(["uint8"], [3]),
    "contributions": encode(["address[]", "address[]", "uint256[]"], [["0x" + "ab" * 20]] * 2 + [[5]]),
    "reservations": encode(["address[]", "uint256[]", "bool[]"], [["0x" + "ab" * 20], [5], [True]]),
}
"""One valid answer for each decoder, none of whose bytes can be missed."""


def key(number: int) -> str:
    return f"{number:064x}"


@settings(max_examples=60, deadline=None)
@given(nodes, st.integers(1, 2**64 - 1))
def test_a_node_decodes_as_the_general_decoder_has_it(node: Any, contract_id: int) -> None:
    _, _, operator, (x, y), added, leave, _, deposit, contributors, ed25519 = node
    decoded = decoding.node(encode([NODE_TYPE], [node]), contract_id)
    if operator == ZERO_ADDRESS and (x, y) == (0, 0):
        assert decoded is None
        return
    assert decoded == ContractNode(
        contract_id=contract_id,
        pubkey=key(ed25519),
        pubkey_bls=key(x) + key(y),
        operator=eth_address(operator),
        added_at=added,
        leave_requested_at=leave or None,
        deposit=deposit,
        contributors=tuple(
            Stake(eth_address(address), eth_address(beneficiary), amount)
            for (address, beneficiary), amount in contributors
        ),
    )


def test_leading_zero_bytes_of_keys_are_kept() -> None:
    data = encode([NODE_TYPE], [(0, 0, "0x" + "ab" * 20, (0xA, 0xB), 1, 0, 0, 1, [], 0xC)])
    node = decoding.node(data, 1)
    assert node is not None
    assert node.pubkey == "0" * 63 + "c"
    assert node.pubkey_bls == "0" * 63 + "a" + "0" * 63 + "b"
    assert decoding.node_params(encode(["(uint256,uint256,uint256,uint16)"], [(1, 2, 3, 10_000)])) == NodeParams(
        pubkey="0" * 63 + "1", signature="0" * 63 + "2" + "0" * 63 + "3", fee=10_000
    )


def test_a_departed_or_unknown_id_is_no_node() -> None:
    empty: tuple[Any, ...] = (0, 0, ZERO_ADDRESS, (0, 0), 0, 0, 0, 0, [], 0)
    assert decoding.node(encode([NODE_TYPE], [empty]), 5) is None
    sentinel = (3, 9, *empty[2:])
    assert decoding.node(encode([NODE_TYPE], [sentinel]), 0) is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(ids, points), max_size=30))
def test_the_node_list_decodes_with_its_gaps_and_order(entries: list[tuple[int, tuple[int, int]]]) -> None:
    data = encode(["uint64[]", "(uint256,uint256)[]"], [[i for i, _ in entries], [point for _, point in entries]])
    assert decoding.node_ids(data) == [(i, key(x) + key(y)) for i, (x, y) in entries]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(wallets, wallets, uint256, st.booleans()), max_size=12))
def test_contributions_and_reservations_decode(entries: list[tuple[str, str, int, bool]]) -> None:
    stakers, beneficiaries, amounts, received = ([entry[i] for entry in entries] for i in range(4))
    data = encode(["address[]", "address[]", "uint256[]"], [stakers, beneficiaries, amounts])
    assert decoding.contributions(data) == tuple(
        ContributionShare(eth_address(a), eth_address(b), amount) for a, b, amount, _ in entries
    )
    data = encode(["address[]", "uint256[]", "bool[]"], [stakers, amounts, received])
    assert decoding.reservations(data) == tuple(
        ReservedPlace(eth_address(a), amount, done) for a, _, amount, done in entries
    )


@settings(max_examples=40, deadline=None)
@given(uint256, uint256, wallets, st.booleans())
def test_single_values_decode(first: int, second: int, wallet: str, truth: bool) -> None:
    pair = encode(["uint256", "uint256"], [first, second])
    assert decoding.recipient(pair) == Recipient(credited=first, claimed=second)
    assert decoding.bls_pubkey(pair) == key(first) + key(second)
    assert decoding.number(pair, "totalNodes") == first
    assert decoding.address(encode(["address"], [wallet]), "operator") == eth_address(wallet)
    assert decoding.boolean(encode(["bool"], [truth]), "paused") is truth


@pytest.mark.parametrize("status", ContributionStatus)
def test_each_status_decodes(status: ContributionStatus) -> None:
    assert decoding.status(encode(["uint8"], [int(status)])) is status


@pytest.mark.parametrize("name", DECODERS)
def test_what_comes_after_the_last_value_is_ignored(name: str) -> None:
    assert DECODERS[name](ENCODED[name] + b"\xff" * 40) == DECODERS[name](ENCODED[name])


@pytest.mark.parametrize("name", DECODERS)
def test_a_cut_answer_is_malformed_wherever_it_is_cut(name: str) -> None:
    data = ENCODED[name]
    DECODERS[name](data)
    for end in range(len(data)):
        with pytest.raises(RpcMalformedReplyError):
            DECODERS[name](data[:end])


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_garbage_is_malformed_or_decodes_but_never_crashes(name: str, data: st.DataObject) -> None:
    words = st.one_of(
        st.binary(min_size=32, max_size=32), st.integers(0, 600).map(lambda value: value.to_bytes(32, "big"))
    )
    garbage = b"".join(data.draw(st.lists(words, max_size=24))) + data.draw(st.binary(max_size=31))
    with contextlib.suppress(RpcMalformedReplyError):
        DECODERS[name](garbage)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        pytest.param("node_ids", b"", "allServiceNodeIDs: nothing in word 0", id="no contract there"),
        pytest.param(
            "node_ids",
            encode(["uint64[]", "(uint256,uint256)[]"], [[1, 2], [(1, 2)]]),
            "allServiceNodeIDs: 2 ids and 1 keys",
            id="ids without keys",
        ),
        pytest.param(
            "contributions",
            encode(["address[]", "address[]", "uint256[]"], [[], [], [5]]),
            "getContributions: 0, 0 and 1 entries",
            id="uneven contributions",
        ),
        pytest.param(
            "reservations",
            encode(["address[]", "uint256[]", "bool[]"], [[], [5], [True, False]]),
            "getReserved: 0, 1 and 2 entries",
            id="uneven reservations",
        ),
        pytest.param("status", encode(["uint8"], [4]), "status: 4 is none", id="unknown status"),
        pytest.param(
            "status", encode(["uint256"], [256]), "status: 256 in word 0 is more than 8 bits", id="status too large"
        ),
        pytest.param(
            "boolean", encode(["uint8"], [2]), "paused: 2 in word 0 is more than 1 bits", id="neither true nor false"
        ),
        pytest.param(
            "node_ids",
            encode(["uint64[]", "(uint256,uint256)[]"], [[2**31], [(1, 2)]]),
            "allServiceNodeIDs: 2147483648 in word 0 is more than 31 bits",
            id="an id that GraphQL's Int does not hold",
        ),
        pytest.param(
            "node",
            encode([NODE_TYPE], [(2, 0, "0x" + "ab" * 20, (1, 2), 2**200, 0, 0, 6, [], 7)]),
            f"serviceNodes: {2**200} in word 5 is more than 37 bits",
            id="a time that no date holds",
        ),
        pytest.param(
            "node",
            encode([NODE_TYPE], [(2, 0, "0x" + "ab" * 20, (1, 2), 3, 2**37, 0, 6, [], 7)]),
            f"serviceNodes: {2**37} in word 6 is more than 37 bits",
            id="a leave request that no date holds",
        ),
        pytest.param("address", b"\x01" * 32, "operator: no address in word 0", id="address with high bytes"),
        pytest.param(
            "node_params",
            encode(["(uint256,uint256,uint256,uint16)"], [(1, 2, 3, 10_001)]),
            "a fee of 10001",
            id="fee over 100 %",
        ),
        pytest.param("node", encode(["uint256"], [33]), "serviceNodes: an offset beyond the end", id="offset"),
        pytest.param(
            "node_ids",
            encode(["uint256"] * 4, [64, 64, 2**255, 0]),
            "allServiceNodeIDs: no whole array at word 0",
            id="more items than bytes",
        ),
    ],
)
def test_a_malformed_answer_says_what_is_wrong_in_which_view(name: str, data: bytes, message: str) -> None:
    with pytest.raises(RpcMalformedReplyError, match=message):
        DECODERS[name](data)
