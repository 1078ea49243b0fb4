"""A reorganisation of the L2 under the running service: what only the lost branch told is forgotten."""

from typing import Any

import pytest

from sent_graphql.localdev.chain import Chain

pytestmark = pytest.mark.node

NETWORK = "{ meta { stale } network { l2Height } contributionContracts { totalCount nodes { address } } }"


async def open_contract(chain: Chain, stage: Any, number: int) -> str:
    """Deploys a contribution contract; gives its address."""
    wallet = stage.deployment.wallets[0]
    receipt = await chain.send(
        stage.deployment.factory,
        "deploy",
        (2**200 + number, number),
        (0, 0, 0, 0),
        (2**201 + number, 0, 0, 500),
        [],
        False,
        sender=wallet,
    )
    made = next(event for event in receipt.events if event.name == "NewServiceNodeContributionContract")
    return str(made.arguments["contributorContract"])


def addresses(data: Any) -> set[str]:
    return {contract["address"].lower() for contract in data["contributionContracts"]["nodes"]}


async def test_a_contract_of_the_lost_branch_is_forgotten_and_one_of_the_new_branch_is_shown(
    stage_on_anvil: Any, anvil: Any
) -> None:
    stage = stage_on_anvil
    await stage.oxend.start()
    async with Chain(anvil.url) as chain:
        kept = await open_contract(chain, stage, 1)
        await chain.mine(5)
        service = await stage.serve()
        lost = await open_contract(chain, stage, 2)
        await service.until(NETWORK, lambda data: {kept.lower(), lost.lower()} <= addresses(data))

        await chain.request("anvil_reorg", 3, [])
        data = await service.until(NETWORK, lambda data: lost.lower() not in addresses(data))
        assert kept.lower() in addresses(data)

        found = await open_contract(chain, stage, 3)
        data = await service.until(NETWORK, lambda data: found.lower() in addresses(data))
        assert kept.lower() in addresses(data)
        assert not data["meta"]["stale"]
