"""The reward pool's formula and the token's rules."""

from typing import Any

import pytest

from sent_graphql.localdev.chain import RevertError
from sent_graphql.localdev.deployment import POOL_BALANCE, UNIT

YEAR = 365 * 86_400


async def test_the_reward_rate_is_what_two_minutes_earn(staking: Any) -> None:
    pool = staking.deployment.pool
    released = await staking.chain.call(pool, "calculateReleasedAmount")
    expected = (POOL_BALANCE - released) * 151 * 120 // (1000 * YEAR)
    assert await staking.chain.call(pool, "rewardRate") == expected
    assert await staking.chain.call(pool, "calculatePayoutAmount", 1000 * UNIT, YEAR) == 151 * UNIT


async def test_anybody_has_the_earned_part_paid_to_the_rewards_contract(staking: Any) -> None:
    pool = staking.deployment.pool
    started = await staking.chain.call(pool, "lastPaidOutTime")
    before = await staking.balance(staking.rewards.address)
    await staking.chain.increase_time(staking.day)
    receipt = await staking.chain.send(pool, "payoutReleased", sender=staking.wallets[0])
    now = await staking.chain.timestamp()
    earned = POOL_BALANCE * 151 * (now - started) // (1000 * YEAR)
    assert [event.name for event in receipt.events] == ["FundsReleased", "Transfer"]
    assert receipt.events[0].arguments["amount"] == earned
    assert await staking.balance(staking.rewards.address) == before + earned
    assert await staking.chain.call(pool, "totalPaidOut") == earned
    assert await staking.chain.call(pool, "lastPaidOutTime") == now
    assert await staking.chain.call(pool, "calculateTotalDeposited") == POOL_BALANCE


async def test_the_token_is_named_and_counted_as_the_real_one(staking: Any) -> None:
    token, chain = staking.deployment.token, staking.chain
    assert await chain.call(token, "name") == "Session Token"
    assert await chain.call(token, "symbol") == "SESH"
    assert await chain.call(token, "decimals") == 9
    supply = await chain.call(token, "totalSupply")
    receipt = await chain.send(token, "mint", staking.wallets[0], 7, sender=staking.owner)
    assert receipt.events[0].arguments == {
        "sender": staking.nobody,
        "receiver": staking.wallets[0].lower(),
        "value": 7,
    }
    assert await chain.call(token, "totalSupply") == supply + 7


async def test_tokens_that_are_not_there_or_not_allowed_are_not_moved(staking: Any) -> None:
    token, (rich, poor) = staking.deployment.token, staking.wallets[:2]
    with pytest.raises(RevertError, match="ERC20InsufficientBalance"):
        await staking.chain.send(token, "transfer", rich, 10**30, sender=poor)
    with pytest.raises(RevertError, match="ERC20InsufficientAllowance"):
        await staking.chain.send(token, "transferFrom", rich, poor, 1, sender=poor)
    with pytest.raises(RevertError, match="OwnableUnauthorizedAccount"):
        await staking.chain.send(token, "mint", poor, 1, sender=poor)
    await staking.chain.send(token, "approve", poor, 5, sender=rich)
    await staking.chain.send(token, "transferFrom", rich, poor, 3, sender=poor)
    assert await staking.chain.call(token, "allowance", rich, poor) == 2
