"""Transactions on the staking contracts in the words of our own records."""

from collections.abc import Sequence

from msgspec import Struct

from sent_graphql.bls import PublicKey, SigningDomain
from sent_graphql.bls.points import Signature
from sent_graphql.localdev.chain import Chain, Contract, Receipt, RevertError
from sent_graphql.localdev.constants import CHAIN_ID
from sent_graphql.localdev.deployment import ENDLESS, UNIT, Deployment
from sent_graphql.localdev.identities import NodeIdentity
from sent_graphql.localdev.service_nodes import NodeStake, Registration
from sent_graphql.models.contracts import ContributionStatus
from sent_graphql.models.keys import eth_address

_GAS = 20_000_000
"""For one ordinary transaction; named, so that the node need not try it first."""

_POCKET_MONEY = 100_000 * UNIT
"""What a wallet gets beyond its need, so that it need not be provided with every time."""

_FILL_GAS_PER_NODE = 3_000_000

_G1 = tuple[int, int]


class ContributionState(Struct, frozen=True, kw_only=True):
    """A contribution contract as a wallet sees it. Amounts are atomic."""

    contract: Contract
    status: ContributionStatus
    operator: str
    requirement: int
    contributors: tuple[str, ...]
    awaited: tuple[tuple[str, int], ...]
    """Reserved places that are not taken yet."""
    open_amount: int
    """What is neither contributed nor reserved."""
    minimum: int | None
    """Least stake of a new contributor; null when there is no room."""


class StakingClient:
    """Sends what wallets and the owner send. Every method raises RevertError where the contract refuses."""

    def __init__(self, chain: Chain, deployment: Deployment) -> None:
        self._chain = chain
        self._rewards = deployment.rewards
        self._token = deployment.token
        self._pool = deployment.pool
        self._factory = deployment.factory
        self._owner = deployment.owner
        self.domain = SigningDomain(CHAIN_ID, deployment.rewards.address)

    async def _provide(self, wallet: str, amount: int, spender: str) -> None:
        """Sees to it that `wallet` has `amount`, out of thin air where it must be, and lets `spender` take it."""
        if await self._chain.call(self._token, "balanceOf", wallet) < amount:
            arguments = (wallet, _POCKET_MONEY + amount)
            await self._chain.send(self._token, "mint", *arguments, sender=self._owner, gas=_GAS)
        if await self._chain.call(self._token, "allowance", wallet, spender) < amount:
            await self._chain.send(self._token, "approve", spender, ENDLESS, sender=wallet, gas=_GAS)

    # Registering

    async def fill(self, nodes: Sequence[tuple[Registration, int]]) -> Receipt:
        """Registers up to 100 nodes at once, each as of its own unix second."""
        records = [
            (
                node.contributors[0].address,
                _g1(node.pubkey_bls),
                _node_parameters(node),
                added_at,
                _contributors(node.contributors),
            )
            for node, added_at in nodes
        ]
        gas = _FILL_GAS_PER_NODE * (len(nodes) + 1)
        return await self._chain.send(self._rewards, "fill", records, sender=self._owner, gas=gas)

    async def register(self, identity: NodeIdentity, registration: Registration) -> Receipt:
        """Registers a node whose operator pays for all of it, with a real proof of possession."""
        operator = registration.contributors[0].address
        await self._provide(operator, registration.deposit, self._rewards.address)
        return await self._chain.send(
            self._rewards,
            "addBLSPublicKey",
            _g1(registration.pubkey_bls),
            identity.prove_possession(self.domain, operator),
            _node_parameters(registration),
            _contributors(registration.contributors),
            sender=operator,
            gas=_GAS,
        )

    # Contribution contracts

    async def deploy_contribution(
        self,
        identity: NodeIdentity,
        registration: Registration,
        *,
        reserved: Sequence[tuple[str, int]],
        manual_finalize: bool,
    ) -> Contract:
        """A new contribution contract of the registration's operator."""
        operator = registration.contributors[0].address
        receipt = await self._chain.send(
            self._factory,
            "deploy",
            _g1(registration.pubkey_bls),
            identity.prove_possession(self.domain, operator),
            _node_parameters(registration),
            list(reserved),
            manual_finalize,
            sender=operator,
            gas=_GAS,
        )
        made = next(event for event in receipt.events if event.name == "NewServiceNodeContributionContract")
        return Contract.at(made.arguments["contributorContract"], "ServiceNodeContribution")

    async def contribute(self, contract: Contract, wallet: str, amount: int) -> Receipt:
        """A stake of `wallet`."""
        await self._provide(wallet, amount, contract.address)
        return await self._chain.send(contract, "contributeFunds", amount, wallet, sender=wallet, gas=_GAS)

    async def withdraw(self, contract: Contract, wallet: str) -> Receipt:
        """Takes the stake of `wallet` back, a day after it was given."""
        return await self._chain.send(contract, "withdrawContribution", sender=wallet, gas=_GAS)

    async def finalize(self, contract: Contract, operator: str) -> Receipt:
        """Registers the node of a filled contract."""
        return await self._chain.send(contract, "finalize", sender=operator, gas=_GAS)

    async def reset(self, contract: Contract, operator: str) -> Receipt:
        """Gives everybody their stake back and begins anew."""
        return await self._chain.send(contract, "reset", sender=operator, gas=_GAS)

    async def contribution_contracts(self) -> list[str]:
        """Every contribution contract so far, oldest first."""
        events = await self._chain.logs(0, address=self._factory.address)
        made = (event for event in events if event.name == "NewServiceNodeContributionContract")
        return [eth_address(event.arguments["contributorContract"]) for event in made]

    async def contribution_state(self, address: str) -> ContributionState:
        """What a wallet would look at before it acts on a contribution contract."""
        contract = Contract.at(address, "ServiceNodeContribution")
        contributors, _, amounts = await self._chain.call(contract, "getContributions")
        reserved, places, received = await self._chain.call(contract, "getReserved")
        requirement = await self._chain.call(contract, "stakingRequirement")
        try:
            minimum = int(await self._chain.call(contract, "minimumContribution"))
        except RevertError:
            minimum = None
        awaited = tuple(
            (eth_address(wallet), amount)
            for wallet, amount, done in zip(reserved, places, received, strict=True)
            if not done
        )
        return ContributionState(
            contract=contract,
            status=ContributionStatus(await self._chain.call(contract, "status")),
            operator=eth_address(await self._chain.call(contract, "operator")),
            requirement=requirement,
            contributors=tuple(map(eth_address, contributors)),
            awaited=awaited,
            open_amount=requirement - sum(amounts) - sum(amount for _, amount in awaited),
            minimum=minimum,
        )

    # Leaving

    async def contract_id(self, pubkey_bls: str) -> int:
        """The id under which the contract holds a node; 0 when it does not."""
        return int(await self._chain.call(self._rewards, "serviceNodeIDs", bytes.fromhex(pubkey_bls)))

    async def request_exit(self, contract_id: int, wallet: str) -> Receipt:
        """A contributor's wish to leave."""
        return await self._chain.send(self._rewards, "initiateExitBLSPublicKey", contract_id, sender=wallet, gas=_GAS)

    async def remove(
        self,
        pubkey_bls: str,
        timestamp: int,
        signature: Signature,
        non_signers: Sequence[int],
        *,
        sender: str,
        liquidate: bool,
    ) -> Receipt:
        """Takes a node off the contract with the network's word."""
        function = "liquidateBLSPublicKeyWithSignature" if liquidate else "exitBLSPublicKeyWithSignature"
        arguments = (_g1(pubkey_bls), timestamp, signature.words, list(non_signers))
        return await self._chain.send(self._rewards, function, *arguments, sender=sender, gas=_GAS)

    # Rewards

    async def credited(self, wallet: str) -> int:
        """Lifetime rewards of `wallet` that the contract knows of, in atomic units."""
        rewards, _ = await self._chain.call(self._rewards, "recipients", wallet)
        return int(rewards)

    async def claimable(self, wallet: str) -> int:
        """What `wallet` could claim now, in atomic units."""
        rewards, claimed = await self._chain.call(self._rewards, "recipients", wallet)
        return int(rewards - claimed)

    async def update_rewards(
        self, wallet: str, amount: int, signature: Signature, non_signers: Sequence[int], *, sender: str
    ) -> Receipt:
        """Tells the contract what `wallet` has earned in its lifetime."""
        arguments = (wallet, amount, signature.words, list(non_signers))
        return await self._chain.send(self._rewards, "updateRewardsBalance", *arguments, sender=sender, gas=_GAS)

    async def claim(self, wallet: str, amount: int) -> Receipt:
        """Pays `amount` out to `wallet`."""
        return await self._chain.send(self._rewards, "claimRewards(uint256)", amount, sender=wallet, gas=_GAS)

    async def release_pool(self) -> Receipt:
        """Moves what the pool owes to the rewards contract."""
        return await self._chain.send(self._pool, "payoutReleased", sender=self._owner, gas=_GAS)

    async def set_requirement(self, requirement: int) -> Receipt:
        """The owner's new staking requirement."""
        return await self._chain.send(self._rewards, "setStakingRequirement", requirement, sender=self._owner, gas=_GAS)


def _g1(pubkey_bls: str) -> _G1:
    key = PublicKey.from_hex(pubkey_bls)
    return (key.x, key.y)


def _node_parameters(registration: Registration) -> tuple[int, int, int, int]:
    signature = registration.signature
    return (int(registration.pubkey, 16), int(signature[:64], 16), int(signature[64:], 16), registration.fee)


def _contributors(stakes: Sequence[NodeStake]) -> list[tuple[tuple[str, str], int]]:
    return [((stake.address, stake.beneficiary), stake.amount) for stake in stakes]
