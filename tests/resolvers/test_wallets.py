"""What belongs to a wallet."""

from typing import Any

from msgspec import structs

from sent_graphql.models.network import ServiceNodeState
from sent_graphql.resolvers.context import ResolverOptions
from sent_graphql.resolvers.paging import PageArguments, paginate
from sent_graphql.resolvers.wallets import contribution_contracts, operated_nodes, past_stakes


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


def test_past_stakes_are_those_in_nodes_that_have_left_the_last_out_first(make: Any) -> None:
    unknown = structs.replace(make.ended(9).exit, block_number=None)
    state = make.state(
        make.node(1),
        make.ended(2),
        make.node(3, contributors=(make.contributor(2, is_operator=True),)),
        past=(make.ended(9, exit=unknown), make.ended(4), make.ended(8), make.ended(6)),
    )
    ended = past_stakes(state, make.address(1)).items
    assert [stake.holder.id for stake in ended] == [make.node(number).id for number in (8, 6, 4, 2, 9)]
    assert {(stake.exited, stake.state) for stake in ended} == {(True, ServiceNodeState.EXITED)}
    assert past_stakes(state, make.address(2)).items == ()


def test_a_past_stake_is_what_the_wallet_had_as_staker(make: Any) -> None:
    contributors = (
        make.contributor(1, 10, is_operator=True),
        make.contributor(2, 7, beneficiary=make.address(3)),
        make.contributor(2, 5),
    )
    state = make.state(past=(make.ended(4, contributors=contributors),))
    (stake,) = past_stakes(state, make.address(2)).items
    assert (stake.amount, stake.beneficiary, stake.is_operator) == (12, make.address(3), False)
    assert past_stakes(state, make.address(3)).items == ()


def test_a_stake_keeps_its_id_when_its_node_leaves(make: Any) -> None:
    (before,) = make.state(make.node(4)).wallet(make.address(1)).stakes
    (after,) = past_stakes(make.state(past=(make.ended(4),)), make.address(1)).items
    assert after.id == before.id


def test_past_stakes_are_paged_by_where_they_stand(make: Any) -> None:
    options = ResolverOptions(nettype="mainnet", default_page_size=2, max_page_size=10)
    state = make.state(past=tuple(make.ended(number) for number in range(1, 6)))

    def page(state: Any, **arguments: Any) -> Any:
        return paginate(past_stakes(state, make.address(1)), PageArguments(**arguments), options)

    first = page(state)
    assert [stake.holder.id for stake in first.nodes] == [make.ended(5).id, make.ended(4).id]
    assert first.page_info.has_next_page
    # One more has left meanwhile: the next page goes on where the first one ended.
    later = make.state(past=tuple(make.ended(number) for number in range(1, 7)))
    second = page(later, after=first.page_info.end_cursor)
    assert [stake.holder.id for stake in second.nodes] == [make.ended(3).id, make.ended(2).id]
