"""Nodes behind the indexes that look-ups go by, present ones and past ones."""

from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sent_graphql.models.network import ServiceNode, ServiceNodeState
from sent_graphql.models.node_index import NodeIndex
from sent_graphql.models.parts import Part, changed_parts

KEY = "aa" * 32


def test_of_several_past_lives_of_a_key_the_last_is_found_whatever_is_known_of_them(make: Any) -> None:
    lives = (
        make.ended(1, contract_id=None, pubkey=KEY, registration_height=400, state_height=600),
        make.ended(2, pubkey=KEY, registration_height=700, state_height=900),
        make.ended(3, pubkey=KEY, registration_height=None, state_height=None),
    )
    for order in permutations(lives):
        assert NodeIndex(order).by_pubkey[KEY] is lives[2]


def test_a_living_node_is_found_before_one_that_left(make: Any) -> None:
    living = make.node(1, pubkey=KEY, state_height=None)
    for state in (make.state(make.ended(2, pubkey=KEY), living), make.state(living, past=(make.ended(2, pubkey=KEY),))):
        assert state.node_by_pubkey[KEY] is living


def test_of_a_node_that_oxend_still_lists_and_a_past_one_the_later_is_found(make: Any) -> None:
    listed, past = make.ended(1, pubkey=KEY), make.ended(2, pubkey=KEY)
    assert make.state(listed, past=(past,)).node_by_pubkey[KEY] is past
    assert make.state(past, past=(listed,)).node_by_pubkey[KEY] is past
    unnumbered = make.ended(1, pubkey=KEY, contract_id=None, registration_height=5_000)
    assert make.state(unnumbered, past=(past,)).node_by_pubkey[KEY] is unnumbered


def test_look_ups_of_one_node_find_present_and_past_ones(make: Any) -> None:
    present, past = make.node(1), make.ended(2)
    state = make.state(present, past=(past,))
    for node in (present, past):
        assert state.node_by_id[node.id] is node
        assert state.node_by_contract_id[node.contract_id] is node
        assert state.node_by_pubkey[node.pubkey] is node
        assert state.node_by_bls[node.pubkey_bls] is node
    assert state.node_by_id.get("nobody") is None
    assert state.nodes == (present,)


def test_past_nodes_hold_no_present_stake(make: Any) -> None:
    wallet = make.state(past=(make.ended(2),)).wallet(make.address(1))
    assert (wallet.stakes, wallet.total_staked) == ((), 0)


def test_nodes_have_changed_when_somebody_has_left(make: Any) -> None:
    before = make.snapshot(make.state(make.node(1)))
    same = make.snapshot(make.state(make.node(1)), version=2**61)
    left = make.snapshot(make.state(make.node(1), past=(make.ended(2),)), version=2**61)
    assert Part.NODES not in changed_parts(before, same)
    assert Part.NODES in changed_parts(before, left)


def test_a_node_without_a_bls_key_is_in_no_index_of_them(make: Any) -> None:
    node = make.ended(1, pubkey_bls=None, state=ServiceNodeState.EXITED)
    assert NodeIndex((node,)).by_bls == {}


INDEXES = ("nodes", "by_id", "by_contract_id", "by_pubkey", "by_bls", "by_operator", "by_contributor")

CHANGES: tuple[dict[str, Any], ...] = (
    {"last_reward_block_height": 7},
    {"state": ServiceNodeState.DECOMMISSIONED},
    {"state_height": 77},
    {"operator": "another"},
    {"pubkey_bls": None},
    {"contributors": ()},
    {"id": None},
)


@given(data=st.data())
def test_the_next_index_is_as_one_made_from_nothing(make: Any, data: st.DataObject) -> None:
    keys = st.sampled_from((KEY, "bb" * 32, "cc" * 32))
    nodes = [
        make.node(number, pubkey=data.draw(keys), contributors=tuple(map(make.contributor, data.draw(WALLETS))))
        for number in range(1, data.draw(st.integers(1, 5)))
    ]
    index = NodeIndex(nodes)
    for _ in range(3):
        changes = data.draw(st.lists(st.sampled_from(({}, *CHANGES)), min_size=len(nodes), max_size=len(nodes)))
        nodes = [_changed(node, change) for node, change in zip(nodes, changes, strict=True)]
        if data.draw(st.integers(0, 5)) == 0:
            nodes = nodes[1:]
        index, anew = index.next(nodes), NodeIndex(nodes)
        for name in INDEXES:
            assert getattr(index, name) == getattr(anew, name)
            assert list(getattr(index, name)) == list(getattr(anew, name))


def _changed(node: ServiceNode, change: dict[str, Any]) -> ServiceNode:
    """The node with that change; an id of its own for another life."""
    if "id" in change:
        change = {"id": f"{node.id}'"}
    return structs.replace(node, **change) if change else node


WALLETS = st.lists(st.integers(1, 3), min_size=1, max_size=3)


def test_indexes_share_what_has_not_changed(make: Any) -> None:
    first, second = make.node(1), make.node(2, contributors=(make.contributor(2),))
    before = NodeIndex((first, second))
    assert before.next((first, second)) is before
    before.derived("something", lambda: first)
    paid = structs.replace(first, last_reward_block_height=7)
    after = before.next((paid, second))
    assert after.by_id == {first.id: paid, second.id: second}
    assert after.by_contributor[make.address(2)] is before.by_contributor[make.address(2)]
    assert after.derived("something", lambda: paid) is paid, "what was made of the old nodes is not taken over"
