"""Contribution contracts: the four states, reservations, leaving, and the order of what they report."""

from collections.abc import Awaitable
from typing import Any

import pytest

from sent_graphql.localdev.chain import RevertError
from sent_graphql.localdev.deployment import UNIT

WAIT_FOR_OPERATOR, OPEN, WAIT_FOR_FINALIZED, FINALIZED = range(4)


async def refused(sending: Awaitable[Any]) -> str | None:
    """Which custom error a transaction was refused with."""
    with pytest.raises(RevertError) as caught:
        await sending
    return caught.value.error


def names(receipt: Any) -> list[str]:
    return [event.name for event in receipt.events]


async def view(staking: Any, contract: Any, name: str, *arguments: Any) -> Any:
    return await staking.chain.call(contract, name, *arguments)


class TestFactory:
    async def test_tells_of_a_new_contract_after_the_contract_s_own_six_events(self, staking: Any) -> None:
        operator, keys = staking.wallets[0], staking.keys(1)
        receipt = await staking.chain.send(
            staking.deployment.factory, "deploy", keys.bls, staking.signature, keys.params(), [], True, sender=operator
        )
        assert names(receipt) == [
            "UpdateReservedContributors",
            "Reset",
            "UpdatePubkeys",
            "UpdateFee",
            "UpdateReservedContributors",
            "UpdateManualFinalize",
            "NewServiceNodeContributionContract",
        ]
        told = receipt.events[-1].arguments
        assert told["serviceNodePubkey"] == keys.ed25519
        assert told["operator"] == operator.lower()
        assert receipt.events[0].contract.lower() == told["contributorContract"]
        assert await view(staking, staking.deployment.factory, "owns", told["contributorContract"]) is True
        assert await view(staking, staking.deployment.factory, "deployedContracts", operator) is False

    async def test_makes_none_while_it_is_paused(self, staking: Any) -> None:
        await staking.chain.send(staking.deployment.factory, "pause", sender=staking.owner)
        assert await refused(staking.contribution_contract(1, staking.wallets[0])) == "EnforcedPause()"

    async def test_goes_on_while_the_rewards_contract_is_paused(self, staking: Any) -> None:
        await staking.chain.send(staking.rewards, "pause", sender=staking.owner)
        contract = await staking.contribution_contract(1, staking.wallets[0])
        await staking.contribute(contract, staking.wallets[0], staking.requirement // 2)
        filling = staking.contribute(contract, staking.wallets[1], staking.requirement // 2)
        assert await refused(filling) == "EnforcedPause()"


async def test_a_new_contract_shows_what_it_was_made_with(staking: Any) -> None:
    operator, keys = staking.wallets[0], staking.keys(1)
    contract = await staking.contribution_contract(1, operator, fee=500)
    assert await view(staking, contract, "status") == WAIT_FOR_OPERATOR
    assert await view(staking, contract, "operator") == operator.lower()
    assert await view(staking, contract, "blsPubkey") == keys.bls
    assert await view(staking, contract, "serviceNodeParams") == keys.params(500)
    assert await view(staking, contract, "blsSignature") == staking.signature
    assert await view(staking, contract, "getContributions") == ((), (), ())
    assert await view(staking, contract, "getReserved") == ((), (), ())
    assert await view(staking, contract, "stakingRequirement") == staking.requirement
    assert await view(staking, contract, "maxContributors") == 10
    assert await view(staking, contract, "manualFinalize") is False
    assert await view(staking, contract, "minimumContribution") == staking.requirement // 4
    assert await view(staking, contract, "SESH") == staking.deployment.token.address.lower()


async def test_filling_registers_the_node_in_the_same_transaction(staking: Any) -> None:
    operator, other, beneficiary = staking.wallets[:3]
    contract = await staking.contribution_contract(1, operator)
    half = staking.requirement // 2
    opened = await staking.contribute(contract, operator, half)
    assert names(opened) == ["OpenForPublicContribution", "NewContribution", "Transfer"]
    assert await view(staking, contract, "status") == OPEN

    filled = await staking.contribute(contract, other, half, beneficiary)
    assert names(filled) == [
        "Filled",
        "NewContribution",
        "Transfer",
        "Finalized",
        "Approval",
        "NewServiceNodeV2",
        "Transfer",
    ]
    assert filled.events[1].arguments["beneficiary"] == beneficiary.lower()
    registered = filled.events[5].arguments
    assert registered["initiator"] == contract.address.lower()
    assert registered["contributors"] == (
        staking.share(operator.lower(), half),
        staking.share(other.lower(), half, beneficiary.lower()),
    )
    assert await view(staking, contract, "status") == FINALIZED
    assert await staking.balance(contract.address) == 0
    late = staking.contribute(contract, staking.wallets[3], 1)
    assert await refused(late) == "ContributeFundsNotPossible(uint8)"


async def test_with_manual_finalizing_the_operator_registers(staking: Any) -> None:
    operator, other = staking.wallets[:2]
    contract = await staking.contribution_contract(1, operator, manual_finalize=True)
    await staking.contribute(contract, operator, staking.requirement // 2)
    early = staking.chain.send(contract, "finalize", sender=operator)
    assert await refused(early) == "FinalizeNotPossible(uint8)"
    filled = await staking.contribute(contract, other, staking.requirement // 2)
    assert names(filled) == ["Filled", "NewContribution", "Transfer"]
    assert await view(staking, contract, "status") == WAIT_FOR_FINALIZED
    foreign = staking.chain.send(contract, "finalize", sender=other)
    assert await refused(foreign) == "OnlyOperatorIsAuthorised(address,address)"
    finalized = await staking.chain.send(contract, "finalize", sender=operator)
    assert names(finalized) == ["Finalized", "Approval", "NewServiceNodeV2", "Transfer"]


class TestContributing:
    async def test_the_operator_comes_first_with_a_quarter(self, staking: Any) -> None:
        operator, other = staking.wallets[:2]
        contract = await staking.contribution_contract(1, operator)
        stranger = staking.contribute(contract, other, staking.requirement)
        assert await refused(stranger) == "FirstContributionMustBeOperator(address,address)"
        too_little = staking.contribute(contract, operator, staking.requirement // 4 - 1)
        assert await refused(too_little) == "ContributionBelowMinAmount(uint256,uint256)"
        await staking.contribute(contract, operator, staking.requirement // 4)

    async def test_the_minimum_shares_what_is_left_among_the_free_places(self, staking: Any) -> None:
        operator, other = staking.wallets[:2]
        contract = await staking.contribution_contract(1, operator)
        await staking.contribute(contract, operator, staking.requirement // 4)
        left = staking.requirement - staking.requirement // 4
        minimum = -(-left // 9)
        assert await view(staking, contract, "minimumContribution") == minimum
        too_little = staking.contribute(contract, other, minimum - 1)
        assert await refused(too_little) == "ContributionBelowMinAmount(uint256,uint256)"
        await staking.contribute(contract, other, minimum)
        too_much = staking.contribute(contract, staking.wallets[2], left - minimum + 1)
        assert await refused(too_much) == "ContributionExceedsStakingRequirement(uint256,uint256,uint256)"

    async def test_a_top_up_has_no_minimum_and_resets_the_beneficiary_when_it_names_none(self, staking: Any) -> None:
        operator, beneficiary = staking.wallets[:2]
        contract = await staking.contribution_contract(1, operator)
        await staking.contribute(contract, operator, staking.requirement // 4, beneficiary)
        addresses, beneficiaries, _ = await view(staking, contract, "getContributions")
        assert (addresses, beneficiaries) == ((operator.lower(),), (beneficiary.lower(),))
        top_up = await staking.contribute(contract, operator, 0)
        assert names(top_up) == ["UpdateStakerBeneficiary", "NewContribution", "Transfer"]
        assert (await view(staking, contract, "getContributions"))[1] == (operator.lower(),)

    async def test_ten_places_and_no_minimum_when_they_are_taken(self, staking: Any) -> None:
        contract = await staking.contribution_contract(1, staking.wallets[0], manual_finalize=True)
        await staking.contribute(contract, staking.wallets[0], staking.requirement // 4)
        for wallet in staking.wallets[1:9]:
            await staking.contribute(contract, wallet, await view(staking, contract, "minimumContribution"))
        last = await view(staking, contract, "minimumContribution")
        assert last == staking.requirement - await view(staking, contract, "totalContribution")
        await staking.contribute(contract, staking.wallets[9], last)
        assert await view(staking, contract, "contributorAddressesLength") == 10
        with pytest.raises(RevertError) as full:
            await view(staking, contract, "minimumContribution")
        assert full.value.error == "CalcMinContributionGivenBadContribArgs(uint256,uint256)"

    async def test_the_minimum_of_a_full_contract_is_a_panic(self, staking: Any) -> None:
        contract = await staking.contribution_contract(1, staking.wallets[0], manual_finalize=True)
        await staking.contribute(contract, staking.wallets[0], staking.requirement)
        with pytest.raises(RevertError) as full:
            await view(staking, contract, "minimumContribution")
        assert full.value.data == "0x4e487b71" + f"{0x11:064x}"

    async def test_changed_rules_make_a_contract_useless(self, staking: Any) -> None:
        contract = await staking.contribution_contract(1, staking.wallets[0])
        await staking.chain.send(staking.rewards, "setStakingRequirement", 20_000 * UNIT, sender=staking.owner)
        late = staking.contribute(contract, staking.wallets[0], staking.requirement // 4)
        assert await refused(late) == "RewardsContractMaxContributorsChanged(uint256,uint256)"


class TestReservations:
    async def test_keep_places_and_amounts_until_they_are_received(self, staking: Any) -> None:
        operator, friend, stranger = staking.wallets[:3]
        quarter = staking.requirement // 4
        contract = await staking.contribution_contract(
            1, operator, reserved=[(operator, quarter), (friend, 2 * quarter)]
        )
        assert await view(staking, contract, "totalReservedContribution") == 3 * quarter
        too_little = staking.contribute(contract, operator, quarter - 1)
        assert await refused(too_little) == "ContributionBelowReservedAmount(uint256,uint256)"
        await staking.contribute(contract, operator, quarter)
        assert await view(staking, contract, "totalReservedContribution") == 2 * quarter
        assert await view(staking, contract, "minimumContribution") == -(-quarter // 8)
        greedy = staking.contribute(contract, stranger, quarter + 1)
        assert await refused(greedy) == "ContributionExceedsStakingRequirement(uint256,uint256,uint256)"
        await staking.contribute(contract, stranger, quarter)
        filled = await staking.contribute(contract, friend, 2 * quarter)
        assert "NewServiceNodeV2" in names(filled)
        addresses, amounts, received = await view(staking, contract, "getReserved")
        assert addresses == (operator.lower(), friend.lower())
        assert amounts == (quarter, 2 * quarter)
        assert received == (True, True)

    async def test_stay_when_the_contributor_leaves(self, staking: Any) -> None:
        operator, friend = staking.wallets[:2]
        quarter = staking.requirement // 4
        contract = await staking.contribution_contract(1, operator, reserved=[(operator, quarter), (friend, quarter)])
        await staking.contribute(contract, operator, quarter)
        await staking.contribute(contract, friend, quarter)
        await staking.chain.increase_time(staking.day)
        await staking.chain.send(contract, "withdrawContribution", sender=friend)
        assert (await view(staking, contract, "getReserved"))[2] == (True, False)
        assert await view(staking, contract, "totalReservedContribution") == quarter

    @pytest.mark.parametrize(
        ("reserved", "error"),
        [
            ([(1, 25)], "FirstReservedContributorMustBeOperator(uint256,address)"),
            ([(0, 24)], "ReservedContributionBelowMinAmount(uint256,uint256,uint256)"),
            ([(0, 25), (1, 1)], "ReservedContributionBelowMinAmount(uint256,uint256,uint256)"),
            ([(0, 25), (1, 76)], "ReservedContributionExceedsStakingRequirement(uint256,uint256,uint256)"),
            ([(0, 25), (1, 20), (1, 20)], "DuplicateAddressInReservedContributor(uint256)"),
            ([(0, 25), (None, 20)], "ReservedContributorHasZeroAddress(uint256)"),
            ([(0, 25)] + [(index, 7) for index in range(1, 11)], "TooManyReservedContributors(uint256,uint256)"),
        ],
    )
    async def test_that_break_the_rules_are_refused(
        self, staking: Any, reserved: list[tuple[int | None, int]], error: str
    ) -> None:
        addresses = [*staking.wallets, staking.owner]
        wanted = [
            (staking.nobody if index is None else addresses[index], staking.requirement * percent // 100)
            for index, percent in reserved
        ]
        assert await refused(staking.contribution_contract(1, staking.wallets[0], reserved=wanted)) == error


class TestLeaving:
    async def test_after_a_day_the_last_contributor_takes_the_place(self, staking: Any) -> None:
        operator, second, third, fourth = staking.wallets[:4]
        contract = await staking.contribution_contract(1, operator)
        amount = staking.requirement // 4
        await staking.contribute(contract, operator, amount)
        await staking.contribute(contract, second, amount)
        early = staking.chain.send(contract, "withdrawContribution", sender=second)
        assert await refused(early) == "WithdrawTooEarly(uint256,uint256,uint256)"
        await staking.contribute(contract, third, amount // 2)
        await staking.contribute(contract, fourth, amount // 2)
        await staking.chain.increase_time(staking.day)
        before = await staking.balance(second)
        receipt = await staking.chain.send(contract, "withdrawContribution", sender=second)
        assert sorted(names(receipt)) == ["Transfer", "WithdrawContribution"]
        assert await staking.balance(second) == before + amount
        addresses, _, amounts = await view(staking, contract, "getContributions")
        assert addresses == (operator.lower(), fourth.lower(), third.lower())
        assert amounts == (amount, amount // 2, amount // 2)
        assert await view(staking, contract, "contributions", second) == 0

    async def test_a_filled_contract_opens_again_without_a_word(self, staking: Any) -> None:
        operator, other = staking.wallets[:2]
        contract = await staking.contribution_contract(1, operator, manual_finalize=True)
        await staking.contribute(contract, operator, staking.requirement // 2)
        await staking.contribute(contract, other, staking.requirement // 2)
        await staking.chain.increase_time(staking.day)
        receipt = await staking.chain.send(contract, "withdrawContribution", sender=other)
        assert sorted(names(receipt)) == ["Transfer", "WithdrawContribution"]
        assert await view(staking, contract, "status") == OPEN

    async def test_of_a_finalized_contract_is_only_book_keeping(self, staking: Any) -> None:
        operator, other = staking.wallets[:2]
        contract = await staking.contribution_contract(1, operator)
        await staking.contribute(contract, operator, staking.requirement // 2)
        await staking.contribute(contract, other, staking.requirement // 2)
        await staking.chain.increase_time(staking.day)
        receipt = await staking.chain.send(contract, "withdrawContribution", sender=other)
        assert names(receipt) == []
        assert (await view(staking, contract, "getContributions"))[0] == (operator.lower(),)

    async def test_a_stranger_gets_nothing_and_no_error(self, staking: Any) -> None:
        contract = await staking.contribution_contract(1, staking.wallets[0])
        receipt = await staking.chain.send(contract, "withdrawContribution", sender=staking.wallets[1])
        assert names(receipt) == []

    async def test_the_operator_takes_all_down_at_once(self, staking: Any) -> None:
        operator, other = staking.wallets[:2]
        contract = await staking.contribution_contract(
            1, operator, reserved=[(operator, staking.requirement // 4)], fee=700
        )
        before = await staking.balance(operator), await staking.balance(other)
        await staking.contribute(contract, operator, staking.requirement // 4)
        await staking.contribute(contract, other, staking.requirement // 4)
        receipt = await staking.chain.send(contract, "withdrawContribution", sender=operator)
        assert names(receipt) == ["Transfer", "Transfer", "UpdateReservedContributors", "Reset"]
        assert (await staking.balance(operator), await staking.balance(other)) == before
        assert await view(staking, contract, "status") == WAIT_FOR_OPERATOR
        assert await view(staking, contract, "getContributions") == ((), (), ())
        assert await view(staking, contract, "getReserved") == ((), (), ())
        assert await view(staking, contract, "serviceNodeParams") == staking.keys(1).params(700)


class TestReset:
    async def test_after_finalizing_refunds_nothing_and_leaves_the_node(self, staking: Any) -> None:
        operator = staking.wallets[0]
        contract = await staking.contribution_contract(1, operator)
        await staking.contribute(contract, operator, staking.requirement)
        before = await staking.balance(operator)
        receipt = await staking.chain.send(contract, "reset", sender=operator)
        assert names(receipt) == ["UpdateReservedContributors", "Reset"]
        assert await staking.balance(operator) == before
        assert await staking.chain.call(staking.rewards, "totalNodes") == 1
        again = staking.contribute(contract, operator, staking.requirement)
        assert await refused(again) == "BLSPubkeyAlreadyExists(uint64)"

    async def test_can_bring_everything_new_in_one_transaction(self, staking: Any) -> None:
        operator, keys = staking.wallets[0], staking.keys(2)
        contract = await staking.contribution_contract(1, operator)
        await staking.contribute(contract, operator, staking.requirement)
        receipt = await staking.chain.send(
            contract,
            "resetUpdateAndContribute",
            keys.bls,
            staking.signature,
            keys.params(200),
            [],
            False,
            staking.nobody,
            staking.requirement,
            sender=operator,
        )
        assert names(receipt)[:6] == [
            "UpdateReservedContributors",
            "Reset",
            "UpdatePubkeys",
            "UpdateFee",
            "UpdateReservedContributors",
            "UpdateManualFinalize",
        ]
        assert receipt.events[-2].arguments["serviceNode"] == keys.params(200)
        assert await staking.chain.call(staking.rewards, "totalNodes") == 2


class TestSettings:
    async def test_are_the_operator_s_and_only_before_the_first_contribution(self, staking: Any) -> None:
        operator, other = staking.wallets[:2]
        contract = await staking.contribution_contract(1, operator)
        keys = staking.keys(2)
        updates: tuple[tuple[str, tuple[Any, ...], str], ...] = (
            ("updateFee", (300,), "UpdateFee"),
            ("updatePubkeys", (keys.bls, staking.signature, keys.ed25519, 1, 2), "UpdatePubkeys"),
            ("updateReservedContributors", ([],), "UpdateReservedContributors"),
            ("updateManualFinalize", (True,), "UpdateManualFinalize"),
        )
        for function, arguments, event in updates:
            foreign = staking.chain.send(contract, function, *arguments, sender=other)
            assert await refused(foreign) == "OnlyOperatorIsAuthorised(address,address)"
            assert names(await staking.chain.send(contract, function, *arguments, sender=operator)) == [event]
        assert await view(staking, contract, "serviceNodeParams") == (keys.ed25519, 1, 2, 300)
        await staking.contribute(contract, operator, staking.requirement // 4)
        for function, arguments, _ in updates:
            late = staking.chain.send(contract, function, *arguments, sender=operator)
            assert await refused(late) == "RequireWaitForOperatorContribStatus(uint8)"

    async def test_a_fee_over_all_is_refused(self, staking: Any) -> None:
        making = staking.contribution_contract(1, staking.wallets[0], fee=10_001)
        assert await refused(making) == "FeeExceedsPossibleValue(uint16,uint16)"

    async def test_a_contributor_names_another_beneficiary_until_the_node_is_registered(self, staking: Any) -> None:
        operator, other = staking.wallets[:2]
        contract = await staking.contribution_contract(1, operator)
        await staking.contribute(contract, operator, staking.requirement // 4)
        receipt = await staking.chain.send(contract, "updateBeneficiary", other, sender=operator)
        assert names(receipt) == ["UpdateStakerBeneficiary"]
        stranger = staking.chain.send(contract, "updateBeneficiary", other, sender=other)
        assert await refused(stranger) == "NonContributorUpdatedBeneficiary(address)"
        await staking.contribute(contract, operator, staking.requirement * 3 // 4)
        late = staking.chain.send(contract, "updateBeneficiary", other, sender=operator)
        assert await refused(late) == "BeneficiaryUpdatingDisabledNodeIsNotOpen(uint256)"

    async def test_tokens_sent_by_mistake_are_rescued_while_nobody_s_stake_is_there(self, staking: Any) -> None:
        operator, token = staking.wallets[0], staking.deployment.token
        contract = await staking.contribution_contract(1, operator)
        nothing = staking.chain.send(contract, "rescueERC20", token.address, sender=operator)
        assert await refused(nothing) == "RescueBalanceIsEmpty(address)"
        await staking.chain.send(token, "transfer", contract.address, 5, sender=operator)
        assert names(await staking.chain.send(contract, "rescueERC20", token.address, sender=operator)) == ["Transfer"]
        await staking.contribute(contract, operator, staking.requirement // 4)
        staked = staking.chain.send(contract, "rescueERC20", token.address, sender=operator)
        assert await refused(staked) == "RescueNotPossible(uint8)"
