"""The rewards contract: who may do what, what it costs, what it leaves in the list and in the logs."""

from collections.abc import Awaitable
from typing import Any

import pytest
from eth_utils.crypto import keccak

from sent_graphql.bls.signing import SecretKey
from sent_graphql.localdev.chain import RevertError
from sent_graphql.localdev.deployment import UNIT


async def refused(sending: Awaitable[Any]) -> str | None:
    """Which custom error a transaction was refused with."""
    with pytest.raises(RevertError) as caught:
        await sending
    return caught.value.error


async def node_of(staking: Any, contract_id: int, block: int | str = "latest") -> dict[str, Any]:
    names = ["next", "prev", "operator", "bls", "added", "requested", "latest", "deposit", "contributors", "ed25519"]
    return dict(
        zip(names, await staking.chain.call(staking.rewards, "serviceNodes", contract_id, block=block), strict=True)
    )


class TestRegistering:
    async def test_alone_the_sender_stakes_all_and_pays(self, staking: Any) -> None:
        operator = staking.wallets[0]
        before = await staking.balance(operator)
        receipt = await staking.register(1, operator)

        assert [event.name for event in receipt.events] == ["NewServiceNodeV2", "Transfer"]
        told = receipt.events[0].arguments
        own = staking.share(operator.lower(), staking.requirement)
        assert told["initiator"] == operator.lower()
        assert told["pubkey"] == staking.keys(1).bls
        assert told["serviceNode"] == staking.keys(1).params()
        assert told["contributors"] == (own,)
        assert await staking.balance(operator) == before - staking.requirement

        node = await node_of(staking, told["serviceNodeID"])
        assert node["operator"] == operator.lower()
        assert node["added"] == await staking.chain.timestamp()
        assert (node["requested"], node["latest"]) == (0, 0)
        assert node["deposit"] == staking.requirement
        assert node["contributors"] == (own,)
        assert node["ed25519"] == staking.keys(1).ed25519

    async def test_together_the_first_is_the_operator_and_the_sender_need_not_be_in_it(self, staking: Any) -> None:
        first, second, payer = staking.wallets[:3]
        quarter = staking.requirement // 4
        shares = [staking.share(first, quarter, second), staking.share(second, 3 * quarter)]
        receipt = await staking.register(1, payer, shares)
        told = receipt.events[0].arguments
        assert told["initiator"] == payer.lower()
        assert told["contributors"][0] == ((first.lower(), second.lower()), quarter)
        assert (await node_of(staking, 1))["operator"] == first.lower()

    @pytest.mark.parametrize(
        ("amounts", "error"),
        [
            ([6_249, 18_751], "InsufficientOperatorContribution(uint256)"),
            ([10_000, 14_999], "ContributionTotalMismatch(uint256,uint256)"),
            ([10_000, 15_001], "ContributionTotalMismatch(uint256,uint256)"),
            ([15_000] + [1_000] * 10, "MaxContributorsExceeded()"),
        ],
    )
    async def test_shares_that_break_the_rules_are_refused(self, staking: Any, amounts: list[int], error: str) -> None:
        shares = [staking.share(f"0x{index + 1:040x}", amount * UNIT) for index, amount in enumerate(amounts)]
        assert await refused(staking.register(1, staking.wallets[0], shares)) == error

    async def test_either_key_of_a_registered_node_is_refused(self, staking: Any) -> None:
        await staking.register(1, staking.wallets[0])
        one, two = staking.keys(1), staking.keys(2)
        for bls, params, error in (
            (one.bls, two.params(), "BLSPubkeyAlreadyExists(uint64)"),
            (two.bls, one.params(), "Ed25519PubkeyAlreadyExists(uint64)"),
            ((0, 0), two.params(), "NullBLSPubkey()"),
            (two.bls, (0, 1, 2, 3), "NullEd25519Pubkey()"),
        ):
            sending = staking.chain.send(
                staking.rewards, "addBLSPublicKey", bls, staking.signature, params, [], sender=staking.wallets[0]
            )
            assert await refused(sending) == error

    async def test_a_proof_that_is_missing_is_refused(self, staking: Any) -> None:
        keys = staking.keys(1)
        sending = staking.chain.send(
            staking.rewards, "addBLSPublicKey", keys.bls, (0, 0, 0, 0), keys.params(), [], sender=staking.wallets[0]
        )
        assert await refused(sending) == "InvalidBLSProofOfPossession()"
        arguments = (keys.bls, staking.signature, staking.wallets[0], keys.ed25519)
        assert await staking.chain.call(staking.rewards, "validateProofOfPossession", *arguments) is None

    async def test_who_cannot_pay_is_refused(self, staking: Any) -> None:
        broke = (await staking.chain.accounts())[-1]
        assert await refused(staking.register(1, broke)) == "ERC20InsufficientAllowance(address,uint256,uint256)"

    async def test_nothing_is_registered_while_paused(self, staking: Any) -> None:
        await staking.chain.send(staking.rewards, "pause", sender=staking.owner)
        assert await refused(staking.register(1, staking.wallets[0])) == "EnforcedPause()"
        await staking.chain.send(staking.rewards, "unpause", sender=staking.owner)
        await staking.register(1, staking.wallets[0])

    async def test_the_owner_fills_many_at_once_as_of_past_times(self, staking: Any) -> None:
        operator, other = staking.wallets[:2]
        half = staking.requirement // 2
        nodes = [
            (
                operator,
                staking.keys(number).bls,
                staking.keys(number).params(number),
                1_700_000_000 + number,
                [staking.share(operator, half), staking.share(other, half)],
            )
            for number in range(1, 21)
        ]
        receipt = await staking.chain.send(staking.rewards, "fill", nodes, sender=staking.owner)
        assert [event.name for event in receipt.events] == ["NewServiceNodeV2"] * 20 + ["Transfer"]
        assert receipt.events[-1].arguments["value"] == 20 * staking.requirement
        assert [event.arguments["serviceNode"][3] for event in receipt.events[:-1]] == list(range(1, 21))
        assert (await node_of(staking, 20))["added"] == 1_700_000_020
        assert await staking.chain.call(staking.rewards, "blsNonSignerThreshold") == 6
        sending = staking.chain.send(staking.rewards, "fill", [], sender=operator)
        assert await refused(sending) == "OwnableUnauthorizedAccount(address)"


class TestList:
    async def test_ids_ascend_in_the_order_of_registration_with_gaps_where_nodes_left(self, staking: Any) -> None:
        for number in (1, 2, 3):
            await staking.register(number, staking.wallets[number])
        await staking.chain.increase_time(2 * 3600)
        await staking.exit(2, staking.wallets[5])
        await staking.register(2, staking.wallets[2])

        ids, pubkeys = await staking.chain.call(staking.rewards, "allServiceNodeIDs")
        assert ids == (1, 3, 4)
        assert pubkeys == tuple(staking.keys(number).bls for number in (1, 3, 2))
        sentinel = await node_of(staking, 0)
        assert (sentinel["next"], sentinel["prev"]) == (1, 4)
        assert (await node_of(staking, 1))["next"] == 3
        assert (await node_of(staking, 3))["prev"] == 1
        assert await staking.chain.call(staking.rewards, "totalNodes") == 3
        assert await staking.chain.call(staking.rewards, "nextServiceNodeID") == 5

    async def test_a_node_is_found_by_either_key_until_it_leaves(self, staking: Any) -> None:
        keys = staking.keys(1)
        bls = b"".join(word.to_bytes(32, "big") for word in keys.bls)
        await staking.register(1, staking.wallets[0])
        assert await staking.chain.call(staking.rewards, "serviceNodeIDs", bls) == 1
        assert await staking.chain.call(staking.rewards, "ed25519ToServiceNodeID", keys.ed25519) == 1
        registered_at = await staking.chain.block_number()
        await staking.chain.increase_time(2 * 3600)
        await staking.exit(1, staking.wallets[0])
        assert await staking.chain.call(staking.rewards, "serviceNodeIDs", bls) == 0
        assert await staking.chain.call(staking.rewards, "ed25519ToServiceNodeID", keys.ed25519) == 0
        gone = await node_of(staking, 1)
        assert gone["operator"] == staking.nobody
        assert gone["contributors"] == ()
        assert (await node_of(staking, 1, registered_at))["operator"] == staking.wallets[0].lower()

    async def test_the_aggregate_is_the_sum_of_the_present_keys(self, staking: Any) -> None:
        for number in (1, 2, 3):
            await staking.register(number, staking.wallets[number])
        total = SecretKey(2 + 3 + 4).public_key()
        assert await staking.chain.call(staking.rewards, "aggregatePubkey") == (total.x, total.y)
        await staking.chain.increase_time(2 * 3600)
        await staking.exit(2, staking.wallets[0])
        rest = SecretKey(2 + 4).public_key()
        assert await staking.chain.call(staking.rewards, "aggregatePubkey") == (rest.x, rest.y)
        await staking.chain.send(staking.rewards, "rederiveTotalNodesAndAggregatePubkey", sender=staking.wallets[0])
        assert await staking.chain.call(staking.rewards, "aggregatePubkey") == (rest.x, rest.y)
        await staking.exit(1, staking.wallets[0])
        await staking.exit(3, staking.wallets[0])
        assert await staking.chain.call(staking.rewards, "aggregatePubkey") == (0, 0)

    async def test_the_tags_are_bound_to_chain_and_contract(self, staking: Any) -> None:
        place = (31337).to_bytes(32, "big") + bytes.fromhex(staking.rewards.address[2:])
        for view, name in (
            ("proofOfPossessionTag", b"BLS_SIG_TRYANDINCREMENT_POP"),
            ("rewardTag", b"BLS_SIG_TRYANDINCREMENT_REWARD"),
            ("exitTag", b"BLS_SIG_TRYANDINCREMENT_EXIT"),
            ("liquidateTag", b"BLS_SIG_TRYANDINCREMENT_LIQUIDATE"),
            ("hashToG2Tag", b"BLS_SIG_HASH_TO_FIELD_TAG"),
        ):
            assert await staking.chain.call(staking.rewards, view) == keccak(name + place)


class TestLeaving:
    async def test_a_contributor_asks_and_again_after_an_hour(self, staking: Any) -> None:
        operator = staking.wallets[0]
        await staking.register(1, operator)
        receipt = await staking.chain.send(staking.rewards, "initiateExitBLSPublicKey", 1, sender=operator)
        assert [event.name for event in receipt.events] == ["ServiceNodeExitRequest"]
        assert receipt.events[0].arguments["initiator"] == operator.lower()
        first = await node_of(staking, 1)
        assert first["requested"] == first["latest"] == await staking.chain.timestamp()

        sending = staking.chain.send(staking.rewards, "initiateExitBLSPublicKey", 1, sender=operator)
        assert await refused(sending) == "LeaveRequestTooEarly(uint64,uint256,uint256)"
        await staking.chain.increase_time(3600)
        await staking.chain.send(staking.rewards, "initiateExitBLSPublicKey", 1, sender=operator)
        second = await node_of(staking, 1)
        assert second["requested"] == first["requested"]
        assert second["latest"] == await staking.chain.timestamp()

    async def test_only_stakers_may_ask_and_small_ones_not_for_a_month(self, staking: Any) -> None:
        operator, small, beneficiary = staking.wallets[:3]
        fifth = staking.requirement // 5
        await staking.register(
            1, operator, [staking.share(operator, 4 * fifth, beneficiary), staking.share(small, fifth)]
        )
        asking = staking.chain.send(staking.rewards, "initiateExitBLSPublicKey", 1, sender=beneficiary)
        assert await refused(asking) == "CallerNotContributor(uint64,address)"
        asking = staking.chain.send(staking.rewards, "initiateExitBLSPublicKey", 1, sender=small)
        assert await refused(asking) == "SmallContributorLeaveTooEarly(uint64,address)"
        await staking.chain.increase_time(30 * staking.day)
        await staking.chain.send(staking.rewards, "initiateExitBLSPublicKey", 1, sender=small)

    async def test_with_a_signature_anybody_takes_an_old_enough_node_off(self, staking: Any) -> None:
        await staking.register(1, staking.wallets[0])
        assert await refused(staking.exit(1, staking.wallets[1])) == "ExitTooEarly(uint64,uint256,uint256)"
        await staking.chain.increase_time(2 * 3600)
        before = await staking.balance(staking.wallets[0])
        receipt = await staking.exit(1, staking.wallets[1])
        assert [event.name for event in receipt.events] == ["ServiceNodeExit"]
        assert receipt.events[0].arguments["initiator"] == staking.wallets[1].lower()
        assert receipt.events[0].arguments["returnedAmount"] == staking.requirement
        assert await staking.balance(staking.wallets[0]) == before
        assert await refused(staking.exit(1, staking.wallets[1])) == "BLSPubkeyDoesNotExist((uint256,uint256))"

    async def test_a_signature_lives_ten_minutes_and_needs_two_thirds(self, staking: Any) -> None:
        for number in (1, 2, 3):
            await staking.register(number, staking.wallets[number])
        await staking.chain.increase_time(3 * 3600)
        now = await staking.chain.timestamp()
        for timestamp, non_signers, error in (
            (now - 700, [], "SignatureExpired(uint64,uint256,uint256)"),
            (now, [2, 3], "InsufficientBLSSignatures(uint256,uint256)"),
        ):
            sending = staking.chain.send(
                staking.rewards,
                "exitBLSPublicKeyWithSignature",
                staking.keys(1).bls,
                timestamp,
                staking.signature,
                non_signers,
                sender=staking.owner,
            )
            assert await refused(sending) == error
        await staking.chain.send(
            staking.rewards,
            "exitBLSPublicKeyWithSignature",
            staking.keys(1).bls,
            now + 10_000,
            staking.signature,
            [2],
            sender=staking.owner,
        )

    async def test_without_a_signature_a_month_after_the_first_request(self, staking: Any) -> None:
        operator, anybody = staking.wallets[:2]
        await staking.register(1, operator)
        leaving = ("exitBLSPublicKeyAfterWaitTime", 1)
        assert await refused(staking.chain.send(staking.rewards, *leaving, sender=anybody)) == (
            "LeaveRequestNotInitiatedYet(uint64)"
        )
        await staking.chain.send(staking.rewards, "initiateExitBLSPublicKey", 1, sender=operator)
        assert await refused(staking.chain.send(staking.rewards, *leaving, sender=anybody)) == (
            "LeaveRequestTooEarly(uint64,uint256,uint256)"
        )
        await staking.chain.increase_time(30 * staking.day)
        receipt = await staking.chain.send(staking.rewards, *leaving, sender=anybody)
        assert [event.name for event in receipt.events] == ["ServiceNodeExit"]

    async def test_a_liquidation_pays_liquidator_and_pool_out_of_the_deposit(self, staking: Any) -> None:
        await staking.register(1, staking.wallets[0])
        await staking.chain.increase_time(2 * 3600)
        liquidator, pool = staking.wallets[1], staking.deployment.pool.address
        before = await staking.balance(liquidator), await staking.balance(pool)
        receipt = await staking.exit(1, liquidator, "liquidateBLSPublicKeyWithSignature")
        assert [event.name for event in receipt.events] == [
            "ServiceNodeLiquidated",
            "ServiceNodeExit",
            "Transfer",
            "Transfer",
        ]
        assert await staking.balance(liquidator) == before[0] + 7_500_000_000
        assert await staking.balance(pool) == before[1] + 42_500_000_000
        assert receipt.events[1].arguments["returnedAmount"] == staking.requirement - 50 * UNIT
        assert [event.arguments["receiver"] for event in receipt.events[2:]] == [liquidator.lower(), pool.lower()]


class TestRewards:
    async def credit(self, staking: Any, wallet: str, amount: int) -> Any:
        return await staking.chain.send(
            staking.rewards, "updateRewardsBalance", wallet, amount, staking.signature, [], sender=staking.owner
        )

    async def test_anybody_credits_a_total_that_must_grow(self, staking: Any) -> None:
        wallet = staking.wallets[0]
        await self.credit(staking, wallet, 5 * UNIT)
        receipt = await self.credit(staking, wallet, 8 * UNIT)
        assert [event.name for event in receipt.events] == ["RewardsBalanceUpdated"]
        assert receipt.events[0].arguments == {
            "recipientAddress": wallet.lower(),
            "amount": 8 * UNIT,
            "previousBalance": 5 * UNIT,
        }
        assert await refused(self.credit(staking, wallet, 8 * UNIT)) == "RecipientRewardsTooLow()"
        assert await refused(self.credit(staking, staking.nobody, UNIT)) == "NullAddress()"
        assert await staking.chain.call(staking.rewards, "recipients", wallet) == (8 * UNIT, 0)

    async def test_the_recipient_claims_a_part_or_all_and_no_more(self, staking: Any) -> None:
        wallet = staking.wallets[0]
        await self.credit(staking, wallet, 8 * UNIT)
        before = await staking.balance(wallet)
        receipt = await staking.chain.send(staking.rewards, "claimRewards", 3 * UNIT, sender=wallet)
        assert [event.name for event in receipt.events] == ["RewardsClaimed", "Transfer"]
        receipt = await staking.chain.send(staking.rewards, "claimRewards", sender=wallet)
        assert receipt.events[0].arguments["amount"] == 5 * UNIT
        assert await staking.balance(wallet) == before + 8 * UNIT
        assert await staking.chain.call(staking.rewards, "recipients", wallet) == (8 * UNIT, 8 * UNIT)
        sending = staking.chain.send(staking.rewards, "claimRewards", 1, sender=wallet)
        assert await refused(sending) == "MaxClaimExceeded()"
        receipt = await staking.chain.send(staking.rewards, "claimRewards", sender=wallet)
        assert receipt.events[0].arguments["amount"] == 0
        receipt = await staking.chain.send(staking.rewards, "claimRewards", 0, sender=wallet)
        assert receipt.events[0].arguments["amount"] == 0

    async def test_all_together_claim_no_more_than_the_cycle_allows(self, staking: Any) -> None:
        first, second = staking.wallets[:2]
        for wallet in (first, second):
            await self.credit(staking, wallet, 8 * UNIT)
        await staking.chain.send(staking.rewards, "setClaimThreshold", 10 * UNIT, sender=staking.owner)
        await staking.chain.send(staking.rewards, "claimRewards", sender=first)
        sending = staking.chain.send(staking.rewards, "claimRewards", sender=second)
        assert await refused(sending) == "ClaimThresholdExceeded()"
        await staking.chain.send(staking.rewards, "claimRewards", 2 * UNIT, sender=second)
        assert await staking.chain.call(staking.rewards, "currentClaimTotal") == 10 * UNIT
        cycle = await staking.chain.call(staking.rewards, "claimCycle")
        await staking.chain.increase_time(cycle)
        await staking.chain.send(staking.rewards, "claimRewards", sender=second)
        assert await staking.chain.call(staking.rewards, "currentClaimTotal") == 6 * UNIT
        now = await staking.chain.timestamp()
        assert await staking.chain.call(staking.rewards, "currentClaimCycle") == now // cycle

    async def test_claiming_goes_on_while_paused_and_crediting_does_not(self, staking: Any) -> None:
        wallet = staking.wallets[0]
        await self.credit(staking, wallet, 8 * UNIT)
        await staking.chain.send(staking.rewards, "pause", sender=staking.owner)
        await staking.chain.send(staking.rewards, "claimRewards", sender=wallet)
        assert await refused(self.credit(staking, wallet, 9 * UNIT)) == "EnforcedPause()"


class TestOwner:
    @pytest.mark.parametrize(
        ("setter", "values", "event", "view"),
        [
            ("setStakingRequirement", (20_000 * UNIT,), "StakingRequirementUpdated", "stakingRequirement"),
            ("setSignatureExpiry", (1200,), "SignatureExpiryUpdated", "signatureExpiry"),
            ("setBLSNonSignerThresholdMax", (7,), "BLSNonSignerThresholdMaxUpdated", "blsNonSignerThresholdMax"),
            ("setClaimThreshold", (9,), "ClaimThresholdUpdated", "claimThreshold"),
            ("setClaimCycle", (60,), "ClaimCycleUpdated", "claimCycle"),
            ("setLiquidationRatios", (4, 16, 80), "LiquidationRatiosUpdated", "liquidatorRewardRatio"),
        ],
    )
    async def test_sets_what_nobody_else_may(
        self, staking: Any, setter: str, values: tuple[int, ...], event: str, view: str
    ) -> None:
        sending = staking.chain.send(staking.rewards, setter, *values, sender=staking.wallets[0])
        assert await refused(sending) == "OwnableUnauthorizedAccount(address)"
        nothing = [0 for _ in values]
        sending = staking.chain.send(staking.rewards, setter, *nothing, sender=staking.owner)
        assert await refused(sending) == "PositiveNumberRequirement()"
        receipt = await staking.chain.send(staking.rewards, setter, *values, sender=staking.owner)
        assert [one.name for one in receipt.events] == [event]
        assert tuple(receipt.events[0].arguments.values()) == values
        assert await staking.chain.call(staking.rewards, view) == values[0]

    async def test_hands_over_in_two_steps(self, staking: Any) -> None:
        heir = staking.wallets[0]
        await staking.chain.send(staking.rewards, "transferOwnership", heir, sender=staking.owner)
        assert await staking.chain.call(staking.rewards, "owner") == staking.owner.lower()
        assert await staking.chain.call(staking.rewards, "pendingOwner") == heir.lower()
        receipt = await staking.chain.send(staking.rewards, "acceptOwnership", sender=heir)
        assert [event.name for event in receipt.events] == ["OwnershipTransferred"]
        assert await staking.chain.call(staking.rewards, "owner") == heir.lower()
        assert await staking.chain.call(staking.rewards, "pendingOwner") == staking.nobody

    async def test_seeds_before_the_start_and_never_after(self, staking: Any) -> None:
        node = (
            staking.keys(1).bls,
            staking.keys(1).ed25519,
            1_600_000_000,
            [staking.share(staking.wallets[0], staking.requirement)],
        )
        sending = staking.chain.send(staking.rewards, "seedPublicKeyList", [node], sender=staking.owner)
        assert await refused(sending) == "ContractAlreadyStarted()"

        fresh = await staking.chain.deploy(
            "ServiceNodeRewards",
            staking.deployment.token.address,
            staking.deployment.pool.address,
            staking.requirement,
            10,
            sender=staking.owner,
        )
        registering = staking.chain.send(
            fresh, "addBLSPublicKey", node[0], staking.signature, (node[1], 1, 2, 3), [], sender=staking.wallets[0]
        )
        assert await refused(registering) == "ContractNotStarted()"
        receipt = await staking.chain.send(fresh, "seedPublicKeyList", [node], sender=staking.owner)
        assert [event.name for event in receipt.events] == ["NewSeededServiceNode"]
        assert receipt.events[0].arguments["ed25519Pubkey"] == node[1]
        assert (await staking.chain.call(fresh, "serviceNodes", 1))[4] == 1_600_000_000
