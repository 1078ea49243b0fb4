"""Which nodes are listed, and at what cost."""

from typing import Any

import pytest

from sent_graphql.models.network import ServiceNode, ServiceNodeState
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.resolvers.errors import BadUserInputError
from sent_graphql.resolvers.filters import MAX_LIST_ITEMS, ServiceNodeFilter, bounded_set, key_prefix
from sent_graphql.resolvers.orders import OrderDirection, ServiceNodeOrderField, service_node_order
from sent_graphql.resolvers.service_nodes import exit_list, list_service_nodes

STATES = list(ServiceNodeState)


@pytest.fixture(scope="session")
def state(make: Any) -> Any:
    """One node in each state, numbered in the states' order: 0 REGISTERING to 5 EXITED, and some that differ."""
    by_two = (make.contributor(1, is_operator=True), make.contributor(2))
    return make.state(
        *(make.node(number, state=node_state) for number, node_state in enumerate(STATES)),
        make.node(10, leaving=True, operator_fee=0),
        make.node(11, contributors=by_two, operator_fee=None),
        make.node(12, contributors=(make.contributor(3, is_operator=True),), operator_fee=2000),
        make.node(13, liquidatable=True, state=ServiceNodeState.DEREGISTERED),
        make.node(14, pubkey="0123" + "f" * 60, contributors=by_two, state=ServiceNodeState.EXITED),
    )


def listed(state: Any, **wanted: Any) -> list[int | None]:
    found = list_service_nodes(state, ServiceNodeFilter(**wanted), service_node_order())
    return [node.contract_id for node in found.items]


def test_all_but_exited_nodes_are_listed_without_a_filter(state: Any) -> None:
    assert listed(state) == [0, 1, 2, 3, 4, 10, 11, 12, 13]


@pytest.mark.parametrize("number", range(6))
def test_states_lists_exactly_the_states_named(make: Any, number: int) -> None:
    nodes = (make.node(n, state=node_state) for n, node_state in enumerate(STATES))
    assert listed(make.state(*nodes), states=frozenset({STATES[number]})) == [number]


def test_an_empty_list_matches_nothing(state: Any) -> None:
    assert listed(state, states=frozenset()) == []
    assert listed(state, pubkeys=frozenset()) == []


def test_pubkeys_lists_those_that_are_there(make: Any, state: Any) -> None:
    assert listed(state, pubkeys=frozenset({make.pubkey(1), make.pubkey(10), "ff" * 32})) == [1, 10]


def test_pubkeys_finds_every_life_of_a_key_when_exited_is_named(make: Any) -> None:
    past = [make.node(n, pubkey="aa" * 32, state=ServiceNodeState.EXITED) for n in (1, 2)]
    state = make.state(*past, make.node(3, pubkey="aa" * 32))
    key = frozenset({"aa" * 32})
    assert listed(state, pubkeys=key) == [3]
    assert listed(state, pubkeys=key, states=frozenset({ServiceNodeState.EXITED})) == [1, 2]


@pytest.mark.parametrize(("leaving", "expected"), [(True, [10]), (False, [0, 1, 2, 3, 4, 11, 12, 13])])
def test_leaving_splits_the_network(state: Any, leaving: bool, expected: list[int]) -> None:
    assert listed(state, leaving=leaving) == expected


def test_liquidatable_lists_what_anyone_may_liquidate(state: Any) -> None:
    assert listed(state, liquidatable=True) == [13]
    assert 13 not in listed(state, liquidatable=False)


def test_operator_lists_what_the_wallet_operates(make: Any, state: Any) -> None:
    assert listed(state, operator=make.address(3)) == [12]
    assert listed(state, operator=make.address(99)) == []


def test_contributor_matches_stakers_and_not_beneficiaries(make: Any) -> None:
    node = make.node(1, contributors=(make.contributor(1, beneficiary=make.address(2), is_operator=True),))
    state = make.state(node)
    assert listed(state, contributor=make.address(1)) == [1]
    assert listed(state, contributor=make.address(2)) == []


def test_contributor_leaves_out_exited_nodes_unless_named(make: Any, state: Any) -> None:
    assert listed(state, contributor=make.address(2)) == [11]
    assert listed(state, contributor=make.address(2), states=frozenset({ServiceNodeState.EXITED})) == [14]


def test_pubkey_prefix_lists_the_keys_that_begin_so(make: Any, state: Any) -> None:
    assert listed(state, pubkey_prefix="000a") == [10]
    assert listed(state, pubkey_prefix=make.pubkey(11)) == [11]
    assert listed(state, pubkey_prefix="ffff") == []
    assert listed(state, pubkey_prefix="0123") == []
    assert listed(state, pubkey_prefix="0123", states=frozenset({ServiceNodeState.EXITED})) == [14]


@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [(None, 0, [10]), (1500, None, [12]), (1000, 1000, [0, 1, 2, 3, 4, 13]), (5, 1, []), (-5, -1, [])],
)
def test_operator_fee_is_bounded_on_both_sides(
    state: Any, lowest: int | None, highest: int | None, expected: list[int]
) -> None:
    assert listed(state, min_operator_fee=lowest, max_operator_fee=highest) == expected


def test_nodes_of_unknown_fee_fit_no_bound(state: Any) -> None:
    assert 11 not in listed(state, max_operator_fee=10_000)
    assert 11 not in listed(state, min_operator_fee=0)


def test_all_parts_of_a_filter_must_hold(make: Any, state: Any) -> None:
    assert listed(state, operator=make.address(1), leaving=True, max_operator_fee=0) == [10]
    assert listed(state, operator=make.address(3), leaving=True) == []
    assert listed(state, pubkeys=frozenset({make.pubkey(12)}), operator=make.address(1)) == []


@pytest.mark.parametrize(("text", "prefix"), [("0xABCD", "abcd"), ("00ff", "00ff"), ("a" * 64, "a" * 64)])
def test_a_key_prefix_is_read_in_any_spelling(text: str, prefix: str) -> None:
    assert key_prefix(text, argument="filter.pubkeyPrefix") == prefix


@pytest.mark.parametrize("text", ["", "abc", "0xabc", "ghij", "a" * 65, "ab cd", "ab%d"])
def test_a_key_prefix_has_4_to_64_hex_digits(text: str) -> None:
    with pytest.raises(BadUserInputError, match="4 to 64 hex digits"):
        key_prefix(text, argument="filter.pubkeyPrefix")


def test_a_list_of_keys_is_bounded() -> None:
    assert bounded_set(["a"] * MAX_LIST_ITEMS, argument="filter.pubkeys") == frozenset("a")
    with pytest.raises(BadUserInputError, match="at most 2500"):
        bounded_set(["a"] * (MAX_LIST_ITEMS + 1), argument="filter.pubkeys")


def test_the_exit_list_is_what_oxend_dropped_and_the_contract_holds(state: Any) -> None:
    assert [node.contract_id for node in exit_list(state)] == [3, 4, 13]


def test_the_whole_network_is_sorted_once_per_order(state: Any) -> None:
    order = service_node_order(ServiceNodeOrderField.OPERATOR_FEE, OrderDirection.DESC)
    first = list_service_nodes(state, ServiceNodeFilter(), order)
    assert list_service_nodes(state, ServiceNodeFilter(), order) is first


@pytest.mark.parametrize("part", ["operator", "contributor", "pubkeys", "pubkey_prefix"])
def test_what_an_index_serves_does_not_look_at_the_network(
    make: Any, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    nodes = [make.node(n, contributors=(make.contributor(n, is_operator=True),)) for n in range(200)]
    state = make.state(*nodes)
    wanted = {
        "operator": make.address(7),
        "contributor": make.address(7),
        "pubkeys": frozenset({make.pubkey(7)}),
        "pubkey_prefix": make.pubkey(7)[:4],
    }[part]
    looked_at = []
    matches = ServiceNodeFilter.matches

    def watched(self: ServiceNodeFilter, node: ServiceNode) -> bool:
        looked_at.append(node.contract_id)
        return matches(self, node)

    monkeypatch.setattr(ServiceNodeFilter, "matches", watched)
    assert listed(state, **{part: wanted}) == [7]
    assert looked_at == [7]


@pytest.fixture(scope="session")
def with_past(make: Any) -> Any:
    """Present: 1 runs, 2 has exited and is on oxend's list. Past: 3 to 5, of which 4 is another wallet's."""
    other = (make.contributor(2, is_operator=True), make.contributor(3))
    return make.state(
        make.node(1, operator_fee=50),
        make.ended(2, operator_fee=40),
        past=(
            make.ended(3, operator_fee=30, registration_height=None, last_uptime_proof=None),
            make.ended(4, operator_fee=20, contributors=other, pubkey=make.pubkey(1)),
            make.ended(5, operator_fee=None),
        ),
    )


EXITED = frozenset({ServiceNodeState.EXITED})
BOTH = EXITED | {ServiceNodeState.RUNNING}


def test_past_nodes_are_listed_only_when_exited_is_named(make: Any, with_past: Any) -> None:
    assert listed(with_past) == [1]
    assert listed(with_past, contributor=make.address(3)) == []
    assert listed(with_past, states=EXITED) == [2, 3, 4, 5]
    assert listed(with_past, states=BOTH) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("states", [EXITED, BOTH])
def test_all_filters_work_on_past_nodes(make: Any, with_past: Any, states: Any) -> None:
    living = [] if states is EXITED else [1]
    assert listed(with_past, states=states, operator=make.address(2)) == [4]
    assert listed(with_past, states=states, contributor=make.address(3)) == [4]
    assert listed(with_past, states=states, contributor=make.address(1)) == [*living, 2, 3, 5]
    assert listed(with_past, states=states, pubkeys=frozenset({make.pubkey(1), make.pubkey(5)})) == [*living, 4, 5]
    assert listed(with_past, states=states, pubkey_prefix=make.pubkey(1)) == [*living, 4]
    assert listed(with_past, states=states, max_operator_fee=30) == [3, 4]
    assert listed(with_past, states=states, liquidatable=False) == [*living, 2, 3, 4, 5]
    assert listed(with_past, states=states, leaving=True) == []


@pytest.mark.parametrize("states", [EXITED, BOTH])
@pytest.mark.parametrize("direction", list(OrderDirection))
@pytest.mark.parametrize("field", list(ServiceNodeOrderField))
def test_all_orders_put_past_nodes_among_present_ones(
    with_past: Any, states: Any, direction: OrderDirection, field: ServiceNodeOrderField
) -> None:
    order = service_node_order(field, direction)
    found = list_service_nodes(with_past, ServiceNodeFilter(states=states), order)
    nodes = [node for node in (*with_past.nodes, *with_past.past.nodes) if node.state in states]
    assert (found.scope, found.items) == (order.scope, tuple(sorted(nodes, key=order.position)))


def test_the_past_is_sorted_once_until_somebody_leaves(make: Any, with_past: Any) -> None:
    order = service_node_order()
    past = with_past.past
    arranged = past.derived(order.scope, lambda: order.arrange(past.nodes))
    next_state = NetworkState(
        network=with_past.network,
        nodes=with_past.nodes,
        contribution_contracts=(),
        accrued={},
        recipients={},
        past=past,
    )
    assert listed(next_state, states=EXITED) == [2, 3, 4, 5]
    assert next_state.past.derived(order.scope, lambda: pytest.fail("it was sorted again")) is arranged
