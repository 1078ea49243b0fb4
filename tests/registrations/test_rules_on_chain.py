"""The rules against real contracts on a real EVM: what is valid goes all the way, what is not is refused."""

from collections.abc import Sequence
from random import Random

import pytest

from sent_graphql.bls.signing import SecretKey
from sent_graphql.localdev.chain import Chain, Contract, RevertError
from sent_graphql.localdev.deployment import ENDLESS, MAX_CONTRIBUTORS, STAKING_REQUIREMENT, Deployment
from sent_graphql.models.registrations import RegistrationKind
from sent_graphql.registrations.rules import ReservedShare, StakingRules, Terms, fee_problems, remainder, stake_problems

FINALIZED = 3
GAS = 20_000_000
PROOF = (1, 2, 3, 4)
"""The local contracts take any that is not all zero."""

PRIME = 24_999_999_999_977
"""A requirement that no number of places divides."""


class Stage:
    """One EVM with a staking requirement, on which registrations are played to their end."""

    def __init__(self, chain: Chain, deployment: Deployment) -> None:
        self._chain = chain
        self._deployment = deployment
        self.wallets = deployment.wallets
        key = SecretKey(7).public_key()
        self._key = (key.x, key.y)

    async def require(self, requirement: int) -> StakingRules:
        """Sets the staking requirement."""
        rewards, owner = self._deployment.rewards, self._deployment.owner
        await self._chain.send(rewards, "setStakingRequirement", requirement, sender=owner, gas=GAS)
        return StakingRules(staking_requirement=requirement, max_contributors=MAX_CONTRIBUTORS)

    async def takes(self, terms: Terms, rules: StakingRules) -> bool:
        """Whether the contracts let all contribute, others fill what is left, and the node be registered."""
        operator, stake, fee = terms.operator, terms.stake, terms.fee or 0
        assert operator is not None
        assert stake is not None
        try:
            if terms.kind is RegistrationKind.SOLO:
                await self._register(operator, stake)
            else:
                others = [(share.address or "", share.amount or 0) for share in terms.reserved]
                await self._gather([(operator, stake), *others], fee, self._publicly(terms, rules))
        except RevertError:
            return False
        return bool(await self._chain.call(self._deployment.rewards, "totalNodes") == 1)

    async def _register(self, operator: str, stake: int) -> None:
        contributors = [((operator, operator), stake)]
        arguments = (self._key, PROOF, (7, 1, 2, 0), contributors)
        await self._chain.send(self._deployment.rewards, "addBLSPublicKey", *arguments, sender=operator, gas=GAS)

    async def _gather(self, stakes: Sequence[tuple[str, int]], fee: int, more: Sequence[tuple[str, int]]) -> None:
        """`stakes` are reserved and paid in, the operator's first; `more` is paid in behind them."""
        arguments = (self._key, PROOF, (7, 1, 2, fee), stakes if len(stakes) > 1 else [], False)
        receipt = await self._chain.send(self._deployment.factory, "deploy", *arguments, sender=stakes[0][0], gas=GAS)
        address = receipt.events[-1].arguments["contributorContract"]
        contract = Contract.at(address, "ServiceNodeContribution")
        for wallet, amount in [*stakes, *more]:
            spending = (address, ENDLESS)
            await self._chain.send(self._deployment.token, "approve", *spending, sender=wallet, gas=GAS)
            await self._chain.send(contract, "contributeFunds", amount, wallet, sender=wallet, gas=GAS)

    def _publicly(self, terms: Terms, rules: StakingRules) -> list[tuple[str, int]]:
        """What is left, from as many as there are places, in equal parts as near as may be: each the least there is."""
        left = remainder(terms, rules)
        if left is None or left.contribution == 0:
            return []
        named = {terms.operator, *(share.address for share in terms.reserved)}
        free = [wallet for wallet in self.wallets if wallet not in named][: left.spots]
        lacking, stakes = left.contribution, []
        for places, wallet in zip(range(left.spots, 0, -1), free, strict=True):
            amount = min(lacking, -(-lacking // places))
            assert places < left.spots or amount == left.min_contribution
            stakes.append((wallet, amount))
            lacking -= amount
        return [(wallet, amount) for wallet, amount in stakes if amount]


SPLITS = 30
"""A few dozen: each takes some half a second."""


def split(random: Random, wallets: Sequence[str], rules: StakingRules) -> Terms:
    """Amounts on the bounds, often one beside them, now and then one who is named twice."""
    requirement, most = rules.staking_requirement, rules.max_contributors
    slip = random.choice([0, 0, 1, -1])
    if random.random() < 0.1:
        return Terms(kind=RegistrationKind.SOLO, operator=wallets[0], stake=requirement + slip)
    quarter = -(-requirement // 4)
    amounts = [random.choice([quarter, quarter, requirement // 3, requirement])]
    left = requirement - amounts[0]
    for place in range(1, random.choice([1, 2, 4, 9, most])):
        if left == 0:
            break
        least = -(-left // (most - place))
        amounts.append(random.choice([least, least, least, random.randint(least, left), left]))
        left -= amounts[-1]
    amounts[random.randrange(len(amounts))] += slip
    names = list(wallets[: len(amounts)])
    if random.random() < 0.1:
        names[-1] = random.choice(names)
    return Terms(
        kind=RegistrationKind.CONTRACT,
        operator=wallets[0],
        stake=amounts[0],
        reserved=tuple(map(ReservedShare, names[1:], amounts[1:])),
        fee=random.choice([0, 777, 10_000, 10_001]) if random.random() < 0.2 else 1_000,
    )


@pytest.mark.parametrize("seed", range(SPLITS))
async def test_what_is_valid_goes_all_the_way_and_what_is_not_is_refused(
    seed: int, chain: Chain, deployment: Deployment
) -> None:
    """From the factory through all contributions to the registered node."""
    random = Random(seed)
    stage = Stage(chain, deployment)
    rules = await stage.require(random.choice([STAKING_REQUIREMENT, PRIME]))
    terms = split(random, stage.wallets, rules)
    valid = not stake_problems(terms, rules) and not fee_problems(terms)
    assert await stage.takes(terms, rules) is valid, terms


def test_the_splits_above_are_of_both_kinds() -> None:
    """Valid ones and others, solo and shared: a sample of one kind would prove nothing."""
    rules = StakingRules(staking_requirement=PRIME, max_contributors=MAX_CONTRIBUTORS)
    wallets = [f"0x{number}" for number in range(10)]
    seen = [split(Random(seed), wallets, rules) for seed in range(SPLITS)]
    valid = [not stake_problems(terms, rules) and not fee_problems(terms) for terms in seen]
    assert SPLITS / 4 <= sum(valid) <= SPLITS * 3 / 4
    assert {terms.kind for terms in seen} == set(RegistrationKind)
