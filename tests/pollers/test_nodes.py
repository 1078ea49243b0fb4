"""A node as it is shown: which source wins, and how it leaves."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import structs

from sent_graphql.models.contracts import Stake
from sent_graphql.models.network import ServiceNode
from sent_graphql.models.oxend import OxendContribution


def test_a_new_registration_follows_the_rewards_contract_rule(make: Any, join: Any) -> None:
    view = make.contracts_view()
    parameters = structs.replace(view.parameters, staking_requirement=25_001, max_contributors=7)
    network = join(contracts=structs.replace(view, parameters=parameters)).state.network
    assert (network.staking_requirement, network.max_contributors) == (25_001, 7)
    assert network.min_operator_contribution == 6_251


def test_a_nodes_requirement_is_its_deposit_on_the_contract(make: Any, join: Any) -> None:
    oxend = make.oxend_view([make.oxend_node(staking_requirement=5)])
    assert join.node(oxend, make.contracts_view([make.contract_node(deposit=7)])).staking_requirement == 7
    assert join.anew().node(oxend).staking_requirement == 5


def test_contributors_are_the_contracts_while_it_holds_the_node(make: Any, join: Any) -> None:
    held = make.contract_node(contributors=(Stake(make.address(7), make.address(8), 11),), operator=make.address(7))
    assembly = join(make.oxend_view([make.oxend_node()]), make.contracts_view([held]))
    (node,) = assembly.state.nodes
    (contributor,) = node.contributors
    assert (contributor.address, contributor.beneficiary, contributor.amount) == (
        make.address(7),
        make.address(8),
        11,
    )
    assert node.operator == make.address(7)
    assert node.total_contributed == 11
    assert {item.field for item in assembly.differences} == {"contributors", "operator"}


def test_agreeing_sides_have_no_differences(make: Any, join: Any) -> None:
    assert not join(make.oxend_view([make.oxend_node()]), make.contracts_view([make.contract_node()])).differences


def test_contributors_are_oxends_when_the_contract_does_not_hold_the_node(make: Any, join: Any) -> None:
    told = (OxendContribution(make.address(3), make.address(4), 10, 12),)
    node = join.node(make.oxend_view([make.oxend_node(contributors=told)]))
    (contributor,) = node.contributors
    assert (contributor.amount, contributor.reserved, contributor.is_operator) == (10, 12, True)
    assert contributor.leave_allowed_at is None


def test_the_fee_is_the_events_else_oxends(make: Any, join: Any) -> None:
    oxend = make.oxend_view([make.oxend_node()])
    held = make.contracts_view([make.contract_node()], registrations={1: make.registration()})
    assert join.node(oxend, held).operator_fee == 1_234
    assert join.anew().node(oxend, make.contracts_view([make.contract_node()])).operator_fee == 1_000


def test_a_small_contributor_may_ask_for_the_exit_after_thirty_days(make: Any, join: Any) -> None:
    quarter = make.requirement // 4
    held = make.contract_node(contributors=make.stakes(make.requirement - quarter - quarter + 1, quarter, quarter - 1))
    node = join.node(make.oxend_view([make.oxend_node()]), make.contracts_view([held]))
    assert [contributor.leave_allowed_at for contributor in node.contributors] == [
        None,
        None,
        node.added_at + timedelta(days=30) if node.added_at else "added_at is missing",
    ]


def test_once_an_exit_was_requested_anyone_may_ask_again(make: Any, join: Any) -> None:
    held = make.contract_node(
        contributors=make.stakes(make.requirement - 1, 1), leave_requested_at=make.top_timestamp - 5
    )
    node = join.node(contracts=make.contracts_view([held]))
    assert [contributor.leave_allowed_at for contributor in node.contributors] == [None, None]


def test_the_unlock_time_is_reckoned_from_the_top_block_and_rounded_to_the_minute(make: Any, join: Any) -> None:
    node = join.node(make.oxend_view([make.oxend_node(requested_unlock_height=make.top_height + 9)]))
    assert node.leaving
    expected = (make.top_timestamp + 10 * make.block_seconds + 30) // 60 * 60
    assert node.requested_unlock_at == datetime.fromtimestamp(expected, UTC)


def test_a_request_on_the_contract_is_leaving_before_oxend_confirms_it(make: Any, join: Any) -> None:
    held = make.contract_node(leave_requested_at=make.top_timestamp - 60)
    node = join.node(make.oxend_view([make.oxend_node()]), make.contracts_view([held]))
    assert node.leaving
    assert node.requested_unlock_height is None


def test_a_pending_unlock_is_leaving(make: Any, join: Any) -> None:
    assert join.node(make.oxend_view([make.oxend_node()], pending_unlocks=frozenset({make.bls(1)}))).leaving
    assert not join.anew().node(make.oxend_view([make.oxend_node()])).leaving


def test_a_node_is_liquidatable_once_the_chain_height_has_reached_its_height(make: Any, join: Any) -> None:
    held = make.contracts_view([make.contract_node()])
    at = make.top_height + 1

    def liquidatable(height: int) -> bool:
        removed = make.removed_node(liquidation_height=height)
        node: ServiceNode = join.anew().node(make.oxend_view(exit_list=(removed,)), held)
        return node.liquidatable

    assert liquidatable(at)
    assert not liquidatable(at + 1)


def test_a_deregistered_node_unlocks_a_lock_after_its_removal(make: Any, join: Any) -> None:
    held = make.contracts_view([make.contract_node()])
    node = join.node(make.oxend_view(exit_list=(make.removed_node(kind="deregister"),)), held)
    assert node.deregistration_unlock_height == 9_900 + 1_440
    assert (
        join.anew().node(make.oxend_view(exit_list=(make.removed_node(),)), held).deregistration_unlock_height is None
    )
