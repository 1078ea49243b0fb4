"""Which contribution contracts are listed."""

from typing import Any

import pytest

from sent_graphql.models.contracts import ContributionStatus
from sent_graphql.resolvers.contribution_contracts import list_contribution_contracts
from sent_graphql.resolvers.filters import ContributionContractFilter
from sent_graphql.resolvers.orders import contribution_contract_order


@pytest.fixture(scope="session")
def state(make: Any) -> Any:
    """One contract in each status, numbered by it, and some that differ."""
    joined = (make.contributor(5, is_operator=True), make.contributor(6))
    return make.state(
        contracts=(
            *(make.contract(status.value, status=status) for status in ContributionStatus),
            make.contract(10, viable=False),
            make.contract(11, minimum_contribution=None),
            make.contract(12, operator=make.address(5), contributors=joined, fee=2000),
            make.contract(13, pubkey=make.pubkey(1012)),
        )
    )


def listed(state: Any, **wanted: Any) -> list[int]:
    found = list_contribution_contracts(state, ContributionContractFilter(**wanted), contribution_contract_order())
    return [contract.sequence for contract in found.items]


def test_all_contracts_are_listed_newest_first_without_a_filter(state: Any) -> None:
    assert listed(state) == [13, 12, 11, 10, 3, 2, 1, 0]


@pytest.mark.parametrize("status", [status for status in ContributionStatus if status.value != 1])
def test_statuses_lists_exactly_those_named(state: Any, status: ContributionStatus) -> None:
    assert listed(state, statuses=frozenset({status})) == [status.value]


def test_no_status_at_all_matches_nothing(state: Any) -> None:
    assert listed(state, statuses=frozenset()) == []


def test_pubkey_lists_every_contract_for_the_node(make: Any, state: Any) -> None:
    assert listed(state, pubkey=make.pubkey(1012)) == [13, 12]
    assert listed(state, pubkey=make.pubkey(9)) == []


def test_operator_and_contributor_go_by_wallet(make: Any, state: Any) -> None:
    assert listed(state, operator=make.address(5)) == [12]
    assert listed(state, contributor=make.address(6)) == [12]
    assert listed(state, contributor=make.address(6), operator=make.address(1)) == []


def test_a_reservation_is_no_contribution(make: Any, state: Any) -> None:
    assert listed(state, contributor=make.address(2)) == []


def test_viable_splits_the_contracts(state: Any) -> None:
    assert listed(state, viable=False) == [10]
    assert 10 not in listed(state, viable=True)


def test_open_to_public_means_open_and_viable_with_room_for_one_more(state: Any) -> None:
    assert listed(state, open_to_public=True) == [13, 12, 1]
    assert listed(state, open_to_public=False) == [11, 10, 3, 2, 0]


def test_max_fee_bounds_the_operators_fee(state: Any) -> None:
    assert 12 not in listed(state, max_fee=1999)
    assert 12 in listed(state, max_fee=2000)
    assert listed(state, max_fee=0) == []


def test_all_parts_of_a_filter_must_hold(make: Any, state: Any) -> None:
    assert listed(state, contributor=make.address(5), open_to_public=True, max_fee=2000) == [12]
    assert listed(state, contributor=make.address(5), open_to_public=True, max_fee=1) == []


def test_all_contracts_are_sorted_once_per_order(state: Any) -> None:
    order = contribution_contract_order()
    first = list_contribution_contracts(state, ContributionContractFilter(), order)
    assert list_contribution_contracts(state, ContributionContractFilter(), order) is first
