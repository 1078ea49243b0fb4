"""What only anvil can show: a reorganisation, and that it follows the rules of our own EVM."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.deployment import Deployment

pytestmark = pytest.mark.node

NOWHERE = "0x" + "77" * 20


@pytest_asyncio.fixture
async def anvil_chain(anvil: tuple[str, Deployment]) -> AsyncIterator[Chain]:
    async with Chain(anvil[0]) as client:
        snapshot = await client.snapshot()
        yield client
        await client.revert(snapshot)


async def test_it_is_the_same_chain_by_id_and_limits(anvil_chain: Chain) -> None:
    assert await anvil_chain.request("eth_chainId") == hex(31337)
    head = await anvil_chain.request("eth_getBlockByNumber", "latest", False)
    assert int(head["gasLimit"], 16) == 500_000_000
    assert len(await anvil_chain.accounts()) == 100


async def test_a_reorganisation_replaces_blocks_at_the_same_height(
    anvil_chain: Chain, anvil: tuple[str, Deployment]
) -> None:
    deployment = anvil[1]
    await anvil_chain.send(deployment.token, "mint", NOWHERE, 5, sender=deployment.owner)
    height = await anvil_chain.block_number()
    before = await anvil_chain.request("eth_getBlockByNumber", hex(height), False)
    await anvil_chain.request("anvil_reorg", 1, [])
    after = await anvil_chain.request("eth_getBlockByNumber", hex(height), False)
    assert await anvil_chain.block_number() == height
    assert before["hash"] != after["hash"]
    assert before["parentHash"] == after["parentHash"]
    assert await anvil_chain.logs(height, height) == []
    assert await anvil_chain.call(deployment.token, "balanceOf", NOWHERE) == 0
