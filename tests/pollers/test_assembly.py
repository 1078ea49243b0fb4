"""Both sides joined: wallets, order, and what is shared between two states."""

from typing import Any

import pytest
from msgspec import structs

from sent_graphql.models.contracts import ContributionStatus, Stake
from sent_graphql.models.network import ServiceNodeState

S = ServiceNodeState


def test_stakes_are_the_stakers_not_the_beneficiarys(make: Any, join: Any) -> None:
    held = make.contract_node(contributors=(Stake(make.address(1), make.address(9), make.requirement),))
    state = join(
        make.oxend_view([make.oxend_node()], accrued={make.address(9): 70}),
        make.contracts_view([held], recipients={make.address(9): make.recipient(credited=50, claimed=20)}),
    ).state
    staker, beneficiary = state.wallet(make.address(1)), state.wallet(make.address(9))
    assert (staker.total_staked, len(staker.stakes)) == (make.requirement, 1)
    assert (beneficiary.total_staked, beneficiary.stakes) == (0, ())
    rewards = beneficiary.rewards
    assert (rewards.accrued, rewards.credited, rewards.claimed) == (70, 50, 20)
    assert (rewards.claimable, rewards.pending) == (30, 20)


def test_a_contributor_who_is_listed_twice_has_one_stake(make: Any, join: Any) -> None:
    twice = (*make.stakes(60), *make.stakes(40))
    state = join(contracts=make.contracts_view([make.contract_node(contributors=twice)])).state
    (stake,) = state.wallet(make.address(1)).stakes
    assert (stake.amount, stake.is_operator) == (100, True)
    assert len(state.nodes[0].contributors) == 2


def test_pending_rewards_are_never_negative(make: Any, join: Any) -> None:
    view = make.contracts_view(recipients={make.address(9): make.recipient(credited=50, claimed=0)})
    assert join(contracts=view).state.wallet(make.address(9)).rewards.pending == 0


def test_a_finalized_contract_adds_no_second_stake(make: Any, join: Any) -> None:
    finalized = make.contribution_state(0xC1, status=ContributionStatus.FINALIZED)
    gathering = make.contribution_state(0xC2)
    view = make.contracts_view(
        [make.contract_node()],
        contribution_contracts={state.address: state for state in (finalized, gathering)},
        registrations={1: make.registration(contribution_contract=finalized.address)},
    )
    state = join(make.oxend_view([make.oxend_node()]), view).state
    wallet = state.wallet(make.address(1))
    contract = state.contract_by_address[gathering.address]
    assert [stake.contribution_contract for stake in wallet.stakes] == [None, contract]
    assert wallet.total_staked == make.requirement + make.requirement // 4


def test_a_node_that_has_exited_is_no_present_stake(make: Any, join: Any) -> None:
    state = join(make.oxend_view(exit_list=(make.removed_node(),))).state
    assert state.wallet(make.address(1)).stakes == ()


def test_the_exit_list_is_a_present_stake(make: Any, join: Any) -> None:
    state = join(make.oxend_view(exit_list=(make.removed_node(),)), make.contracts_view([make.contract_node()])).state
    (stake,) = state.wallet(make.address(1)).stakes
    assert (stake.state, stake.exited) == (S.AWAITING_EXIT, False)


def test_an_unknown_wallet_has_nothing(join: Any, make: Any) -> None:
    wallet = join().state.wallet(make.address(0x55))
    assert (wallet.stakes, wallet.total_staked, wallet.rewards.accrued) == ((), 0, 0)


def test_what_has_not_changed_is_the_same_object_in_the_next_state(make: Any, join: Any) -> None:
    contracts = make.contracts_view([make.contract_node(1, 1), make.contract_node(2, 2)])
    first = join(make.oxend_view([make.oxend_node(1), make.oxend_node(2)]), contracts).state
    second = join(make.oxend_view([make.oxend_node(1), make.oxend_node(2, active=False)]), contracts).state
    assert second.node_by_contract_id[1] is first.node_by_contract_id[1]
    assert second.node_by_contract_id[2] is not first.node_by_contract_id[2]


def test_where_both_sides_say_the_same_nothing_is_made_anew(make: Any, join: Any) -> None:
    oxend = make.oxend_view([make.oxend_node(1), make.oxend_node(2)], accrued={make.address(1): 5})
    contracts = make.contracts_view([make.contract_node(1, 1), make.contract_node(2, 2)])
    first = join(oxend, contracts).state
    later = structs.replace(oxend, block_height=oxend.block_height + 1, block_timestamp=oxend.block_timestamp + 120)
    second = join(later, structs.replace(contracts, block_number=contracts.block_number + 1)).state
    assert second.network.block_height == first.network.block_height + 1
    for name in ("present", "nodes", "past", "contribution_contracts", "accrued", "recipients"):
        assert getattr(second, name) is getattr(first, name), name


def test_a_contributor_is_the_same_object_while_its_node_goes_on_proving_its_uptime(make: Any, join: Any) -> None:
    contracts = make.contracts_view([make.contract_node()])
    node = make.oxend_node()
    first = join.node(make.oxend_view([node]), contracts)
    proven = structs.replace(node, last_uptime_proof=make.top_timestamp)
    second = join.node(make.oxend_view([proven]), contracts)
    assert second.last_uptime_proof != first.last_uptime_proof
    assert second.contributors is first.contributors


def test_a_wallets_stakes_are_found_once_for_a_state(make: Any, join: Any) -> None:
    state = join(make.oxend_view([make.oxend_node()]), make.contracts_view([make.contract_node()])).state
    assert state.wallet(make.address(1)).stakes is state.wallet(make.address(1)).stakes


@pytest.mark.parametrize(
    "change",
    [
        {"pending_unlocks": frozenset({f"{1:0128x}"})},
        {"exit_list": "removed", "nodes": ()},
        {"nodes": ()},
        {"nodes": "unlocking"},
        {"nodes": "other height"},
    ],
)
def test_a_node_is_joined_again_where_either_side_says_something_else(
    make: Any, join: Any, change: dict[str, Any]
) -> None:
    words = {
        "removed": (make.removed_node(),),
        "unlocking": (make.oxend_node(requested_unlock_height=9_999),),
        "other height": (make.oxend_node(registration_height=9_500),),
    }
    oxend = make.oxend_view([make.oxend_node()])
    contracts = make.contracts_view([make.contract_node()], registrations={1: make.registration()})
    join(oxend, contracts)
    told = structs.replace(oxend, **{name: words.get(value, value) for name, value in change.items()})
    for later in (told, structs.replace(told, block_timestamp=told.block_timestamp + 3_600), oxend):
        join(later, contracts)
        again_told = structs.replace(contracts, registrations={1: make.registration(fee=7)})
        assert join(later, again_told).state.nodes[0].operator_fee == 7


def test_nodes_come_in_the_order_of_their_contract_ids_unknown_ones_last(make: Any, join: Any) -> None:
    state = join(
        make.oxend_view([make.oxend_node(n) for n in (9, 3, 5)]),
        make.contracts_view([make.contract_node(20, 5), make.contract_node(4, 3)]),
    ).state
    assert [node.contract_id for node in state.nodes] == [4, 20, None]
