"""The state of a node: the first line that holds."""

from typing import Any

import pytest

from sent_graphql.models.network import DecommissionReason, ServiceNodeState, SourceName

S = ServiceNodeState


def test_an_active_node_of_oxend_is_running(make: Any, join: Any) -> None:
    assert join.node(make.oxend_view([make.oxend_node()])).state is S.RUNNING


def test_an_inactive_node_of_oxend_is_decommissioned(make: Any, join: Any) -> None:
    node = join.node(make.oxend_view([make.oxend_node(active=False, last_decommission_reasons=("uptime", "storage"))]))
    assert node.state is S.DECOMMISSIONED
    assert node.decommission_reasons == (DecommissionReason.UPTIME, DecommissionReason.STORAGE)


def test_reasons_of_a_past_decommission_are_not_reasons_now(make: Any, join: Any) -> None:
    node = join.node(make.oxend_view([make.oxend_node(last_decommission_reasons=("l2",))]))
    assert node.decommission_reasons == ()
    assert node.last_decommission_reasons == (DecommissionReason.L2,)


@pytest.mark.parametrize(("kind", "state"), [("exit", S.AWAITING_EXIT), ("deregister", S.DEREGISTERED)])
def test_on_the_exit_list_and_held_by_the_contract_the_type_decides(
    make: Any, join: Any, kind: str, state: ServiceNodeState
) -> None:
    node = join.node(
        make.oxend_view(exit_list=(make.removed_node(kind=kind),)), make.contracts_view([make.contract_node()])
    )
    assert node.state is state
    assert node.known_to == (SourceName.OXEND, SourceName.CONTRACTS)


def test_on_the_exit_list_and_no_longer_held_is_exited(make: Any, join: Any) -> None:
    node = join.node(make.oxend_view(exit_list=(make.removed_node(kind="deregister"),)))
    assert node.state is S.EXITED
    assert node.known_to == (SourceName.OXEND,)
    assert not node.liquidatable


def test_held_by_the_contract_alone_is_registering(make: Any, join: Any) -> None:
    node = join.node(contracts=make.contracts_view([make.contract_node()]))
    assert node.state is S.REGISTERING
    assert node.known_to == (SourceName.CONTRACTS,)


def test_pending_alone_is_registering(make: Any, join: Any) -> None:
    node = join.node(make.oxend_view(pending_registrations=(make.pending(),)))
    assert node.state is S.REGISTERING
    assert (node.operator, node.operator_fee, node.staking_requirement) == (make.address(1), 500, make.requirement)
    assert node.known_to == (SourceName.OXEND,)


def test_a_registered_node_beats_a_pending_one(make: Any, join: Any) -> None:
    node = join.node(make.oxend_view([make.oxend_node()], pending_registrations=(make.pending(),)))
    assert node.state is S.RUNNING


def test_a_denied_registration_stays_registering_while_the_contract_holds_it(make: Any, join: Any) -> None:
    held = make.contracts_view([make.contract_node()])
    before = join.node(make.oxend_view(pending_registrations=(make.pending(),)), held)
    denied = join.node(make.oxend_view(), held)
    assert denied.state is S.REGISTERING
    assert (before.known_to, denied.known_to) == (
        (SourceName.OXEND, SourceName.CONTRACTS),
        (SourceName.CONTRACTS,),
    )
    assert denied.id == before.id
