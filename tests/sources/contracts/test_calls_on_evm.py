"""Reading the contracts on a real EVM: Multicall3 and plain batches agree, and keys keep their leading zeros."""

from collections.abc import Callable

import pytest

from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.deployment import STAKING_REQUIREMENT, Deployment
from sent_graphql.models.contracts import Stake
from sent_graphql.models.keys import bls_from_ints, ed25519_from_int
from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts import decoding
from sent_graphql.sources.contracts.abi import View, call_data
from sent_graphql.sources.contracts.calls import BlockReader, Call, Reverted
from sent_graphql.sources.contracts.errors import HistoryPrunedError
from sent_graphql.sources.contracts.rpc import JsonRpc

KEYS = [
    (1, 2, 0xC3),
    (
        1368015179489954701390400359078579693043519447331113978918064868415326638035,
        9918110051302171585080402603319702774565515993150576347155970296011118125764,
        1 << 247,
    ),
    (
        3353031288059533942658390886683067124040920775575537747144343083137631628272,
        19321533766552368860946552437480515441416830039777911637913418824951667761761,
        9,
    ),
]
"""X and Y of a BLS key (the first three multiples of the generator) and an Ed25519 key, with leading zeros."""


@pytest.fixture
async def filled(chain: Chain, deployment: Deployment) -> Deployment:
    """Three nodes of two contributors each."""
    operator, other = deployment.wallets[:2]
    part = STAKING_REQUIREMENT // 4
    shares = [((operator, operator), STAKING_REQUIREMENT - part), ((other, operator), part)]
    nodes = [(operator, (x, y), (ed25519, 1, 2, 500), 1_700_000_000, shares) for x, y, ed25519 in KEYS]
    await chain.send(deployment.rewards, "fill", nodes, sender=deployment.owner)
    return deployment


@pytest.fixture(params=["multicall", "batches"])
def reader(
    request: pytest.FixtureRequest,
    chain: Chain,
    deployment: Deployment,
    make_rpc: Callable[..., JsonRpc],
    contracts_settings: Callable[..., ContractsSettings],
) -> BlockReader:
    multicall = deployment.multicall.address if request.param == "multicall" else None
    return BlockReader(make_rpc(chain.url), contracts_settings(chain.url, multicall=multicall))


async def test_nodes_are_read_as_they_were_filled(chain: Chain, filled: Deployment, reader: BlockReader) -> None:
    rewards, block = filled.rewards.address, await chain.block_number()
    views = [call_data(View.ALL_SERVICE_NODE_IDS), *(call_data(View.SERVICE_NODES, number) for number in range(1, 5))]
    read = await reader.call_many([Call(rewards, view) for view in views], block)
    listed, *structs = [result for result in read.results if isinstance(result, bytes)]
    assert decoding.node_ids(listed) == [(i, bls_from_ints(x, y)) for i, (x, y, _) in enumerate(KEYS, 1)]
    nodes = [decoding.node(data, number) for number, data in enumerate(structs, 1)]
    assert nodes[3] is None
    operator, other = filled.wallets[:2]
    for node, (x, y, ed25519) in zip(nodes[:3], KEYS, strict=True):
        assert node is not None
        assert (node.pubkey, node.pubkey_bls) == (ed25519_from_int(ed25519), bls_from_ints(x, y))
        assert (node.operator, node.deposit, node.added_at) == (operator, STAKING_REQUIREMENT, 1_700_000_000)
        assert node.leave_requested_at is None
        assert node.contributors == (
            Stake(operator, operator, STAKING_REQUIREMENT - STAKING_REQUIREMENT // 4),
            Stake(other, operator, STAKING_REQUIREMENT // 4),
        )


async def test_a_reading_is_true_at_its_block(chain: Chain, filled: Deployment, reader: BlockReader) -> None:
    call = Call(filled.rewards.address, call_data(View.TOTAL_NODES))
    block = await chain.block_number()
    now = await reader.call_many([call, call], block)
    before = await reader.call_many([call, call], block - 1)
    assert [decoding.number(result, "totalNodes") for result in now.results if isinstance(result, bytes)] == [3, 3]
    assert [decoding.number(result, "totalNodes") for result in before.results if isinstance(result, bytes)] == [0, 0]


async def test_a_view_that_is_not_there_reverts_alone(chain: Chain, filled: Deployment, reader: BlockReader) -> None:
    rewards = filled.rewards.address
    nowhere = "0x" + "77" * 20
    calls = [
        Call(rewards, call_data(View.REWARD_RATE)),
        Call(rewards, call_data(View.IS_STARTED)),
        Call(nowhere, call_data(View.STATUS)),
    ]
    missing, started, codeless = (await reader.call_many(calls, await chain.block_number())).results
    assert isinstance(missing, Reverted)
    assert isinstance(started, bytes)
    assert decoding.boolean(started, "isStarted") is True
    assert codeless == b""


async def test_a_block_that_is_not_there_yet_is_no_answer(
    chain: Chain, filled: Deployment, reader: BlockReader
) -> None:
    calls = [Call(filled.rewards.address, call_data(View.TOTAL_NODES))] * 2
    with pytest.raises(HistoryPrunedError):
        await reader.call_many(calls, await chain.block_number() + 100)
