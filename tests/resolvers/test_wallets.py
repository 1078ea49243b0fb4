"""What belongs to a wallet."""

from typing import Any

from sent_graphql.models.network import ServiceNodeState
from sent_graphql.resolvers.wallets import contribution_contracts, operated_nodes


def test_operated_nodes_leave_out_those_that_exited(make: Any) -> None:
    state = make.state(make.node(2), make.node(1, state=ServiceNodeState.EXITED), make.node(0, contract_id=None))
    assert [node.contract_id for node in operated_nodes(state, make.address(1))] == [2, None]


def test_nodes_that_others_operate_are_not_operated(make: Any) -> None:
    node = make.node(1, contributors=(make.contributor(1, is_operator=True), make.contributor(2)))
    assert operated_nodes(make.state(node), make.address(2)) == ()


def test_contracts_that_a_wallet_operates_and_contributes_to_come_once(make: Any) -> None:
    joined = make.contract(
        2, operator=make.address(9), contributors=(make.contributor(9, is_operator=True), make.contributor(1))
    )
    waiting = make.contract(3, contributors=())
    foreign = make.contract(4, operator=make.address(9), contributors=(make.contributor(9, is_operator=True),))
    state = make.state(contracts=(make.contract(1), joined, waiting, foreign))
    assert [contract.sequence for contract in contribution_contracts(state, make.address(1))] == [3, 2, 1]
