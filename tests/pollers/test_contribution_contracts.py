"""Contracts that gather a stake."""

from datetime import UTC, datetime
from typing import Any

from sent_graphql.models.contracts import Contribution, ContributionStatus, ReservedPlace
from sent_graphql.models.network import ServiceNodeState


def test_open_slots_leave_out_contributors_and_awaited_reservations(make: Any, join: Any) -> None:
    state = make.contribution_state(
        reservations=(
            ReservedPlace(make.address(1), 5, received=True),
            ReservedPlace(make.address(2), 6, received=False),
        )
    )
    (contract,) = join(
        contracts=make.contracts_view(contribution_contracts={state.address: state})
    ).state.contribution_contracts
    assert contract.open_slots == 10 - 1 - 1
    assert contract.contributors[0].reserved == 5


def test_a_contribution_may_be_withdrawn_a_day_after_the_last_one_but_the_operators_at_once(
    make: Any, join: Any
) -> None:
    other = Contribution(address=make.address(2), beneficiary=make.address(2), amount=9, contributed_at=1_000)
    first = make.contribution_state()
    state = make.contribution_state(contributions=(*first.contributions, other))
    (contract,) = join(
        contracts=make.contracts_view(contribution_contracts={state.address: state})
    ).state.contribution_contracts
    assert [c.withdrawable_at for c in contract.contributors] == [None, datetime.fromtimestamp(87_400, UTC)]


def test_a_contract_is_not_viable_when_the_requirement_or_the_maximum_has_moved_on(make: Any, join: Any) -> None:
    states = [
        make.contribution_state(0xC1),
        make.contribution_state(0xC2, staking_requirement=1),
        make.contribution_state(0xC3, max_contributors=9),
    ]
    contracts = join(
        contracts=make.contracts_view(contribution_contracts={state.address: state for state in states})
    ).state.contribution_contracts
    assert [contract.viable for contract in contracts] == [True, False, False]


def test_a_finalized_contract_shows_the_nodes_contributors_never_its_own(make: Any, join: Any) -> None:
    state = make.contribution_state(status=ContributionStatus.FINALIZED, contributions=(), minimum_contribution=None)
    held = make.contract_node(contributors=make.stakes(15, 5))
    event = make.registration(contribution_contract=state.address)
    view = make.contracts_view([held], contribution_contracts={state.address: state}, registrations={1: event})
    result = join(make.oxend_view([make.oxend_node()]), view).state
    (contract,), (node,) = result.contribution_contracts, result.nodes
    assert contract.contributors == node.contributors
    assert (contract.open_slots, contract.service_node_id) == (0, node.id)
    assert node.contribution_contract_address == state.address


def test_after_the_node_has_left_the_event_still_names_the_contributors(make: Any, join: Any) -> None:
    state = make.contribution_state(status=ContributionStatus.FINALIZED, contributions=())
    event = make.registration(contribution_contract=state.address, contributors=make.stakes(15, 5))
    view = make.contracts_view(
        contribution_contracts={state.address: state}, registrations={1: event}, exits={1: make.exit(1)}
    )
    state = join(contracts=view).state
    (contract,) = state.contribution_contracts
    assert [c.amount for c in contract.contributors] == [15, 5]
    assert state.node_by_id[contract.service_node_id].state is ServiceNodeState.EXITED


def test_a_contract_that_was_reset_and_used_again_shows_its_last_node(make: Any, join: Any) -> None:
    state = make.contribution_state(status=ContributionStatus.FINALIZED, contributions=())
    events = {n: make.registration(n, n, contribution_contract=state.address) for n in (3, 8)}
    view = make.contracts_view(
        [make.contract_node(3, 3), make.contract_node(8, 8)],
        contribution_contracts={state.address: state},
        registrations=events,
    )
    result = join(contracts=view).state
    assert result.contribution_contracts[0].service_node_id == result.node_by_contract_id[8].id
