"""The rules against the contracts' own, written down a second time here, and the amounts that they say are right."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sent_graphql.models.registrations import RegistrationErrorCode as Code
from sent_graphql.models.registrations import RegistrationKind
from sent_graphql.registrations.rules import (
    Remainder,
    ReservedShare,
    StakingRules,
    Terms,
    fee_problems,
    remainder,
    stake_problems,
)

TOKEN = 10**9
REQUIREMENT = 25_000 * TOKEN
RULES = StakingRules(staking_requirement=REQUIREMENT, max_contributors=10)
OPERATOR = "0xoperator"


class RefusedError(Exception):
    """The model of a contract reverts; named by the contract's own error."""


class Rewards:
    """The rewards contract: what it takes as a registration."""

    def __init__(self, requirement: int, most: int) -> None:
        self.requirement = requirement
        self.most = most

    def add(self, caller: str, paid: int, contributors: Sequence[tuple[str, int]]) -> None:
        """addBLSPublicKey of a caller who has approved `paid`; without contributors the caller stakes all."""
        stakes = list(contributors) or [(caller, self.requirement)]
        if len(stakes) > self.most:
            raise RefusedError("MaxContributorsExceeded")
        if stakes[0][1] * 4 < self.requirement:
            raise RefusedError("InsufficientOperatorContribution")
        if sum(amount for _, amount in stakes) != self.requirement:
            raise RefusedError("ContributionTotalMismatch")
        if paid != self.requirement:
            raise RefusedError("ERC20InsufficientAllowance")


class ContributionContract:
    """A contribution contract, from its deployment to its node's registration."""

    def __init__(self, rewards: Rewards, operator: str, reserved: Sequence[tuple[str, int]], fee: int) -> None:
        self.rewards = rewards
        self.operator = operator
        self.paid: dict[str, int] = {}
        self.awaited: dict[str, int] = {}
        self.has_reservations = bool(reserved)
        if not 0 <= fee <= 10_000:
            raise RefusedError("FeeExceedsPossibleValue")
        if len(reserved) > rewards.most:
            raise RefusedError("TooManyReservedContributors")
        left = rewards.requirement
        for index, (address, amount) in enumerate(reserved):
            if index == 0 and address != operator:
                raise RefusedError("FirstReservedContributorMustBeOperator")
            if address in self.awaited:
                raise RefusedError("DuplicateAddressInReservedContributor")
            if amount > left:
                raise RefusedError("ReservedContributionExceedsStakingRequirement")
            if amount < (self._shared(left, 4) if index == 0 else self._shared(left, rewards.most - index)):
                raise RefusedError("ReservedContributionBelowMinAmount")
            left -= amount
            self.awaited[address] = amount

    @staticmethod
    def _shared(left: int, places: int) -> int:
        if left == 0:
            raise RefusedError("Panic")
        if places <= 0:
            raise RefusedError("CalcMinContributionGivenBadContribArgs")
        whole, rest = divmod(left, places)
        return whole + (1 if rest else 0)

    @property
    def open_amount(self) -> int:
        """Neither paid nor awaited."""
        return self.rewards.requirement - sum(self.paid.values()) - sum(self.awaited.values())

    @property
    def open_places(self) -> int:
        """Neither taken nor kept."""
        return self.rewards.most - len(self.paid) - len(self.awaited)

    def minimum(self) -> int:
        """minimumContribution()."""
        if not self.paid and not self.has_reservations:
            return self._shared(self.open_amount, 4)
        return self._shared(self.open_amount, self.open_places)

    def contribute(self, wallet: str, amount: int) -> None:
        """contributeFunds, which registers the node when it fills the contract."""
        if not self.paid and wallet != self.operator:
            raise RefusedError("FirstContributionMustBeOperator")
        if wallet in self.awaited:
            if amount < self.awaited[wallet]:
                raise RefusedError("ContributionBelowReservedAmount")
        elif wallet not in self.paid and amount < self.minimum():
            raise RefusedError("ContributionBelowMinAmount")
        self.awaited.pop(wallet, None)
        self.paid[wallet] = self.paid.get(wallet, 0) + amount
        if len(self.paid) > self.rewards.most:
            raise RefusedError("MaxContributorsExceeded")
        if self.open_amount < 0:
            raise RefusedError("ContributionExceedsStakingRequirement")
        if sum(self.paid.values()) == self.rewards.requirement:
            self.rewards.add(self.operator, self.rewards.requirement, list(self.paid.items()))


def played(terms: Terms, rules: StakingRules) -> ContributionContract | None:
    """The contract after the operator and all reserved contributors have paid; null for a solo node."""
    assert terms.operator is not None
    assert terms.stake is not None
    rewards = Rewards(rules.staking_requirement, rules.max_contributors)
    if terms.kind is RegistrationKind.SOLO:
        rewards.add(terms.operator, terms.stake, [])
        return None
    assert terms.fee is not None
    others = [(share.address or "", share.amount or 0) for share in terms.reserved]
    reserved = [(terms.operator, terms.stake), *others] if others else []
    contract = ContributionContract(rewards, terms.operator, reserved, terms.fee)
    for wallet, amount in [(terms.operator, terms.stake), *others]:
        contract.contribute(wallet, amount)
    return contract


def accepted(terms: Terms, rules: StakingRules) -> bool:
    """Whether the contracts take it, every step of it."""
    try:
        played(terms, rules)
    except RefusedError:
        return False
    return True


def found(terms: Terms, rules: StakingRules = RULES) -> list[tuple[Code, int | None]]:
    """Codes and positions of what is wrong with the amounts."""
    return [(problem.code, problem.index) for problem in stake_problems(terms, rules)]


def shared(stake: int, *amounts: int, **fields: Any) -> Terms:
    """A contract registration in which these are reserved, each for another wallet."""
    reserved = tuple(ReservedShare(f"0xwallet{number}", amount) for number, amount in enumerate(amounts))
    defaults: dict[str, Any] = {"kind": RegistrationKind.CONTRACT, "operator": OPERATOR, "fee": 0}
    return Terms(stake=stake, reserved=reserved, **(defaults | fields))


def solo(stake: int, **fields: Any) -> Terms:
    """A solo registration."""
    return Terms(kind=RegistrationKind.SOLO, operator=OPERATOR, stake=stake, **fields)


@st.composite
def splits(draw: st.DrawFn) -> tuple[Terms, StakingRules]:
    """Registrations whose amounts lie on, beside and between the bounds of the rules."""
    requirement = draw(st.sampled_from([1, 2, 3, 4, 7, 40, 97, 20_000 * TOKEN, REQUIREMENT, REQUIREMENT + 1]))
    most = draw(st.integers(1, 10))
    rules = StakingRules(staking_requirement=requirement, max_contributors=most)

    def near(*bounds: int) -> int:
        anywhere = st.integers(0, requirement + 2)
        by = st.sampled_from([value + step for value in bounds for step in (0, 0, 0, 1, -1)])
        return max(0, draw(by | anywhere))

    if draw(st.integers(0, 9)) == 0:
        return solo(near(requirement)), rules
    stake = near(-(-requirement // 4), requirement // 2)
    left, amounts = requirement - stake, []
    for index in range(draw(st.integers(0, most))):
        places = most - 1 - index
        amounts.append(near(-(-left // places) if places and left > 0 else 0, left))
        left -= amounts[-1]
    terms = shared(stake, *amounts, fee=draw(st.sampled_from([0, 1, 10_000])))
    if amounts and draw(st.integers(0, 9)) == 0:
        again = draw(st.sampled_from([OPERATOR, *(share.address for share in terms.reserved)]))
        terms = replace(terms, reserved=(*terms.reserved[:-1], ReservedShare(again, amounts[-1])))
    return terms, rules


@given(splits())
@settings(max_examples=3_000, deadline=None)
def test_what_is_valid_is_what_the_contracts_take(split: tuple[Terms, StakingRules]) -> None:
    """Neither more nor less."""
    terms, rules = split
    assert (not stake_problems(terms, rules) and not fee_problems(terms)) is accepted(terms, rules)


@pytest.mark.parametrize("most", [1, 2, 3, 4])
@pytest.mark.parametrize("requirement", [1, 2, 3, 5, 8])
def test_every_small_split_is_judged_as_the_contracts_judge_it(requirement: int, most: int) -> None:
    """No sample: all of them, some 30,000."""
    rules = StakingRules(staking_requirement=requirement, max_contributors=most)
    amounts = range(requirement + 2)
    for count in range(min(most, 3) + 1):
        for stake, *others in itertools.product(amounts, repeat=count + 1):
            terms = shared(stake, *others)
            assert (not stake_problems(terms, rules)) is accepted(terms, rules), terms
    for stake in amounts:
        assert (not stake_problems(solo(stake), rules)) is (stake == requirement)


@given(splits())
@settings(max_examples=1_000, deadline=None)
def test_what_remains_is_what_the_contract_asks_of_others(split: tuple[Terms, StakingRules]) -> None:
    """Amount, places and minimum as the filled-in contract itself would say them, and they do fill it."""
    terms, rules = split
    left = remainder(terms, rules)
    if terms.kind is RegistrationKind.SOLO or not accepted(terms, rules):
        assert left is None
        return
    assert left is not None
    contract = played(terms, rules)
    assert contract is not None
    assert (left.contribution, left.spots) == (contract.open_amount, contract.open_places)
    if left.contribution == 0:
        assert left.min_contribution == 0
        return
    if left.spots == 0:
        assert left.min_contribution is None
        contract.contribute(OPERATOR, left.contribution)
        return
    assert left.min_contribution == contract.minimum()
    for number in range(left.spots):
        if contract.open_amount:
            contract.contribute(f"0xpublic{number}", contract.minimum())
    assert contract.open_amount == 0


@given(splits())
@settings(max_examples=1_000, deadline=None)
def test_all_minima_hold_together(split: tuple[Terms, StakingRules]) -> None:
    """Whoever corrects every small amount to the minimum beside it has none that is too small."""
    terms, rules = split
    small = (Code.INSUFFICIENT_OPERATOR_STAKE, Code.INSUFFICIENT_RESERVED_STAKE)
    for problem in stake_problems(terms, rules):
        if problem.code in small and problem.index is None:
            terms = replace(terms, stake=problem.minimum)
        elif problem.code in small and problem.index is not None:
            share = ReservedShare(problem.address, problem.minimum)
            terms = replace(
                terms, reserved=(*terms.reserved[: problem.index], share, *terms.reserved[problem.index + 1 :])
            )
    assert not {problem.code for problem in stake_problems(terms, rules)} & set(small)


def test_a_solo_node_takes_exactly_the_requirement() -> None:
    """One atomic unit more or less is wrong, and the right amount is named."""
    assert stake_problems(solo(REQUIREMENT), RULES) == []
    for stake in (0, REQUIREMENT - 1, REQUIREMENT + 1, 10**77):
        (problem,) = stake_problems(solo(stake), RULES)
        assert (problem.code, problem.field, problem.required) == (Code.WRONG_OPERATOR_STAKE, "stake", REQUIREMENT)


def test_the_operator_of_a_contract_brings_a_quarter_rounded_up() -> None:
    """Of a requirement that four does not divide, too."""
    rules = StakingRules(staking_requirement=10, max_contributors=10)
    assert found(shared(3), rules) == []
    (problem,) = stake_problems(shared(2), rules)
    assert (problem.code, problem.field, problem.minimum) == (Code.INSUFFICIENT_OPERATOR_STAKE, "stake", 3)


def test_a_reserved_share_is_at_least_an_equal_part_of_what_is_left_place_by_place() -> None:
    """A large share before it makes the least one smaller."""
    quarter = REQUIREMENT // 4
    (problem,) = stake_problems(shared(quarter, 1), RULES)
    assert (problem.code, problem.field, problem.index) == (Code.INSUFFICIENT_RESERVED_STAKE, "reserved", 0)
    assert (problem.address, problem.minimum) == ("0xwallet0", -(-3 * quarter // 9))
    (problem,) = stake_problems(shared(quarter, 2 * quarter, quarter // 8 - 1), RULES)
    assert (problem.index, problem.minimum) == (1, quarter // 8)
    assert found(shared(quarter, 2 * quarter, quarter // 8)) == []


def test_the_last_place_takes_all_that_is_left() -> None:
    """Or the contract could never be filled by anyone new."""
    rules = StakingRules(staking_requirement=100, max_contributors=3)
    assert found(shared(40, 30, 30), rules) == []
    (problem,) = stake_problems(shared(40, 30, 29), rules)
    assert (problem.code, problem.index, problem.minimum) == (Code.INSUFFICIENT_RESERVED_STAKE, 1, 30)


def test_too_much_names_the_sum_and_the_most() -> None:
    """Of the operator's stake and all reservations together."""
    (problem,) = stake_problems(shared(REQUIREMENT, 1), RULES)
    assert (problem.code, problem.field) == (Code.TOO_MUCH, "reserved")
    assert (problem.total, problem.maximum) == (REQUIREMENT + 1, REQUIREMENT)
    (problem,) = stake_problems(shared(REQUIREMENT + 1), RULES)
    assert (problem.code, problem.field) == (Code.TOO_MUCH, "stake")


def test_a_place_for_nothing_is_refused_when_nothing_is_left() -> None:
    """The contract cannot count it either."""
    assert found(shared(REQUIREMENT, 0)) == [(Code.INVALID_RESERVED_STAKE, 0)]


def test_too_many_names_the_most_that_may_be_reserved() -> None:
    """The operator has a place, too."""
    rules = StakingRules(staking_requirement=120, max_contributors=10)
    assert found(shared(30, *[10] * 9), rules) == []
    (problem,) = stake_problems(shared(30, *[10] * 10), rules)
    assert (problem.code, problem.field, problem.total, problem.maximum) == (Code.TOO_MANY, "reserved", 10, 9)


def test_places_beyond_the_last_are_not_looked_at() -> None:
    """However many are sent, the answer and its work stay small."""
    problems = stake_problems(shared(REQUIREMENT // 4, *[0] * 50_000), RULES)
    assert [problem.code for problem in problems] == [Code.TOO_MANY] + [Code.INSUFFICIENT_RESERVED_STAKE] * 9


def test_who_is_named_twice_is_named_once_too_often() -> None:
    """Also the operator, whose part is the stake."""
    third = REQUIREMENT // 4
    reserved = tuple(ReservedShare(address, third) for address in (OPERATOR, "0xa", "0xa"))
    terms = replace(shared(third), reserved=reserved)
    assert found(terms) == [(Code.DUPLICATE_ADDRESS, 0), (Code.DUPLICATE_ADDRESS, 2)]
    assert "stake" in stake_problems(terms, RULES)[0].message


def test_unreadable_parts_are_not_judged_and_hide_no_other_problem() -> None:
    """Whoever could not read them has said so; what does not depend on them is still judged."""
    terms = replace(shared(REQUIREMENT), stake=None, reserved=(ReservedShare(None, 2 * REQUIREMENT),))
    assert found(terms) == [(Code.TOO_MUCH, None)]
    terms = replace(shared(REQUIREMENT // 4), reserved=(ReservedShare("0xa", 1), ReservedShare("0xb", None)))
    assert found(terms) == [(Code.INSUFFICIENT_RESERVED_STAKE, 0)]
    assert remainder(terms, RULES) is None


@pytest.mark.parametrize("fee", [0, 1, 10_000])
def test_a_contract_takes_fees_up_to_all_and_a_solo_node_none(fee: int) -> None:
    """Not even a fee of nothing."""
    assert fee_problems(shared(REQUIREMENT, fee=fee)) == []
    (problem,) = fee_problems(solo(REQUIREMENT, fee=fee))
    assert (problem.code, problem.field) == (Code.INVALID_FEE, "fee")
    assert fee_problems(solo(REQUIREMENT)) == []


@pytest.mark.parametrize("fee", [None, -1, 10_001, 2**31 - 1])
def test_a_contract_needs_a_fee_in_its_bounds(fee: int | None) -> None:
    """They are named."""
    (problem,) = fee_problems(shared(REQUIREMENT, fee=fee))
    assert (problem.code, problem.minimum, problem.maximum) == (Code.INVALID_FEE, 0, 10_000)


def test_what_remains_of_a_first_quarter() -> None:
    """Three quarters among nine, rounded up."""
    left = remainder(shared(REQUIREMENT // 4), RULES)
    assert left == Remainder(contribution=18_750 * TOKEN, spots=9, min_contribution=2_083_333_333_334)
