"""Puts the contracts of a network on a fresh chain, over plain JSON-RPC: our EVM or anvil, it does not matter."""

from typing import Final, NamedTuple

from sent_graphql.localdev.chain import Chain, Contract
from sent_graphql.models.contracts import ContractAddresses

UNIT: Final = 10**9
"""Atomic units of one token."""

STAKING_REQUIREMENT: Final = 25_000 * UNIT
MAX_CONTRIBUTORS: Final = 10
POOL_BALANCE: Final = 40_000_000 * UNIT
OWNER_BALANCE: Final = 1_000_000_000 * UNIT
ACCOUNT_BALANCE: Final = 1_000_000 * UNIT
REWARDS_BALANCE: Final = 1_000_000 * UNIT
"""What the rewards contract holds beside the stakes, so that rewards can be claimed at once."""

ENDLESS: Final = 2**256 - 1

PLAIN_GAS: Final = 200_000
"""Gas that is enough for a token's transactions; naming it saves the node a trial of each."""


class Deployment(NamedTuple):
    """A deployed network. `owner` owns all contracts; `wallets` are the other unlocked accounts, with tokens."""

    rewards: Contract
    factory: Contract
    pool: Contract
    token: Contract
    multicall: Contract
    owner: str
    wallets: tuple[str, ...]
    block_number: int
    """The first block of the deployment."""

    @property
    def addresses(self) -> ContractAddresses:
        """Where the service finds the contracts."""
        return ContractAddresses(
            service_node_rewards=self.rewards.address,
            contribution_factory=self.factory.address,
            reward_rate_pool=self.pool.address,
            token=self.token.address,
        )


async def deploy(chain: Chain, *, funded_wallets: int = 10) -> Deployment:
    """Deploys and starts everything; the first account becomes the owner, with an endless allowance for `fill`.

    `funded_wallets`: how many of the other accounts get tokens and allow the rewards contract to take them.
    """
    accounts = await chain.accounts()
    owner, wallets = accounts[0], tuple(accounts[1 : 1 + funded_wallets])
    first_block = await chain.block_number() + 1
    token = await chain.deploy("Token", sender=owner)
    pool = await chain.deploy("RewardRatePool", token.address, sender=owner)
    rewards = await chain.deploy(
        "ServiceNodeRewards", token.address, pool.address, STAKING_REQUIREMENT, MAX_CONTRIBUTORS, sender=owner
    )
    blueprint = await chain.deploy_blueprint("ServiceNodeContribution", sender=owner)
    factory = await chain.deploy("ServiceNodeContributionFactory", rewards.address, blueprint, sender=owner)
    multicall = await chain.deploy("Multicall3", sender=owner)

    await chain.send(pool, "setBeneficiary", rewards.address, sender=owner)
    for receiver, amount in (
        (owner, OWNER_BALANCE),
        (pool.address, POOL_BALANCE),
        (rewards.address, REWARDS_BALANCE),
        *((wallet, ACCOUNT_BALANCE) for wallet in wallets),
    ):
        await chain.send(token, "mint", receiver, amount, sender=owner, gas=PLAIN_GAS)
    for account in (owner, *wallets):
        await chain.send(token, "approve", rewards.address, ENDLESS, sender=account, gas=PLAIN_GAS)
    await chain.send(rewards, "start", sender=owner)
    return Deployment(rewards, factory, pool, token, multicall, owner, wallets, first_block)
