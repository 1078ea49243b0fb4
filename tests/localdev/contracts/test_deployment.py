"""A deployed network is ready for use."""

from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.deployment import POOL_BALANCE, STAKING_REQUIREMENT, Deployment


async def test_every_contract_has_code_and_knows_the_others(chain: Chain, deployment: Deployment) -> None:
    rewards = deployment.rewards
    for contract in (rewards, deployment.factory, deployment.pool, deployment.token, deployment.multicall):
        assert len(await chain.request("eth_getCode", contract.address, "latest")) > 2
    assert await chain.call(rewards, "designatedToken") == deployment.token.address.lower()
    assert await chain.call(rewards, "foundationPool") == deployment.pool.address.lower()
    assert await chain.call(deployment.pool, "beneficiary") == rewards.address.lower()
    assert await chain.call(deployment.factory, "stakingRewardsContract") == rewards.address.lower()


async def test_the_network_is_started_and_empty(chain: Chain, deployment: Deployment) -> None:
    assert await chain.call(deployment.rewards, "isStarted") is True
    assert await chain.call(deployment.rewards, "allServiceNodeIDs") == ((), ())
    assert await chain.call(deployment.rewards, "stakingRequirement") == STAKING_REQUIREMENT
    assert await chain.call(deployment.token, "balanceOf", deployment.pool.address) == POOL_BALANCE


async def test_wallets_hold_tokens_that_the_rewards_contract_may_take(chain: Chain, deployment: Deployment) -> None:
    for wallet in deployment.wallets:
        assert await chain.call(deployment.token, "balanceOf", wallet) >= STAKING_REQUIREMENT
        allowed = await chain.call(deployment.token, "allowance", wallet, deployment.rewards.address)
        assert allowed >= STAKING_REQUIREMENT


async def test_the_addresses_are_the_service_s(deployment: Deployment) -> None:
    addresses = deployment.addresses
    assert addresses.service_node_rewards == deployment.rewards.address
    assert addresses.contribution_factory == deployment.factory.address
    assert addresses.reward_rate_pool == deployment.pool.address
    assert addresses.token == deployment.token.address
