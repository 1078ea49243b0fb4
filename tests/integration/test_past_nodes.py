"""Nodes that come and go while the service looks away: they are found all the same, with all who staked in them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from sent_graphql.bls import SecretKey
from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.deployment import STAKING_REQUIREMENT

SEED = 77
GAS = 20_000_000
PROOF = (1, 2, 3, 4)

NODE = f"""{{ serviceNode(by: {{pubkey: "{SEED:064x}"}}) {{
    id state contractId operatorFee knownTo addedAt totalContributed contributors {{ address amount isOperator }}
    exit {{ kind blockNumber at returnedAmount transactionHash }} }} }}"""


AGAIN = """query ($id: ID!, $staker: Address!) {
    node(id: $id) { id }
    serviceNodes(filter: {states: [EXITED]}) { nodes { id } }
    wallet(address: $staker) { stakes { id } pastStakes { nodes { amount exited serviceNode { id } } } } }"""


@pytest_asyncio.fixture
async def chain(l2: Any) -> AsyncIterator[Chain]:
    """The L2's client; all that the test does to the chain is undone after it."""
    async with Chain(l2.url) as client:
        snapshot = await client.snapshot()
        yield client
        await client.revert(snapshot)


async def come_and_go(chain: Chain, deployment: Any) -> Any:
    """A node of two contributors is registered and exits; gives the receipt of the exit."""
    operator, other = deployment.wallets[:2]
    key = SecretKey(SEED).public_key()
    point, quarter = (key.x, key.y), STAKING_REQUIREMENT // 4
    stakes = [((operator, operator), STAKING_REQUIREMENT - quarter), ((other, other), quarter)]
    rewards = deployment.rewards
    arguments: Any = (point, PROOF, (SEED, 5, 6, 700), stakes)
    await chain.send(rewards, "addBLSPublicKey", *arguments, sender=operator, gas=GAS)
    contract_id = await chain.call(rewards, "ed25519ToServiceNodeID", SEED)
    await chain.send(rewards, "initiateExitBLSPublicKey", contract_id, sender=operator, gas=GAS)
    await chain.increase_time(3 * 3_600)
    signed: Any = (point, await chain.timestamp(), PROOF, [])
    return await chain.send(rewards, "exitBLSPublicKeyWithSignature", *signed, sender=operator, gas=GAS)


async def test_a_node_that_came_and_went_unseen_is_found_exited_with_its_contributors(stage: Any, chain: Chain) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await service.until("{ meta { stale } }", lambda data: not data["meta"]["stale"])
    await stage.gate.shut()
    receipt = await come_and_go(chain, stage.deployment)
    await stage.gate.open()

    node = (await service.until(NODE, lambda data: data["serviceNode"] is not None))["serviceNode"]
    operator, other = stage.deployment.wallets[:2]
    assert (node["state"], node["knownTo"], node["operatorFee"]) == ("EXITED", [], 700)
    assert [(c["address"].lower(), c["isOperator"]) for c in node["contributors"]] == [
        (operator.lower(), True),
        (other.lower(), False),
    ]
    assert node["totalContributed"] == node["exit"]["returnedAmount"] == str(STAKING_REQUIREMENT)
    assert node["exit"]["kind"] == "EXITED"
    assert node["exit"]["blockNumber"] == str(receipt.block_number)
    assert node["exit"]["at"] is not None

    found = await service.query(AGAIN, id=node["id"], staker=other)
    assert found["node"] == {"id": node["id"]}
    assert {"id": node["id"]} in found["serviceNodes"]["nodes"]
    assert found["wallet"] == {
        "stakes": [],
        "pastStakes": {
            "nodes": [{"amount": str(STAKING_REQUIREMENT // 4), "exited": True, "serviceNode": {"id": node["id"]}}]
        },
    }

    await service.stop()
    again = await stage.serve()
    assert (await again.until(NODE, lambda data: True))["serviceNode"] == node
