"""Identity: which records are one life, and which id it has."""

from typing import Any

from sent_graphql.models.network import ServiceNodeState

S = ServiceNodeState


def test_the_id_stays_through_a_whole_life_first_seen_by_the_contract(make: Any, join: Any) -> None:
    held = make.contracts_view([make.contract_node()])
    steps = [
        (make.oxend_view(), held),
        (make.oxend_view(pending_registrations=(make.pending(),)), held),
        (make.oxend_view([make.oxend_node()]), held),
        (make.oxend_view([make.oxend_node(active=False)]), held),
        (make.oxend_view(exit_list=(make.removed_node(),)), held),
        (make.oxend_view(exit_list=(make.removed_node(),)), make.contracts_view()),
    ]
    nodes = [join.node(*step) for step in steps]
    assert len({node.id for node in nodes}) == 1
    assert {node.contract_id for node in nodes} == {1}
    assert nodes[-1].state is S.EXITED


def test_the_id_stays_when_oxend_knew_the_node_first(make: Any, join: Any) -> None:
    held = make.contracts_view([make.contract_node()])
    nodes = [
        join.node(make.oxend_view(pending_registrations=(make.pending(),))),
        join.node(make.oxend_view([make.oxend_node()])),
        join.node(make.oxend_view([make.oxend_node()]), held),
        join.node(make.oxend_view(), held),
    ]
    assert len({node.id for node in nodes}) == 1
    assert [node.contract_id for node in nodes] == [None, None, 1, 1]


def test_the_same_keys_registered_again_are_another_life(make: Any, join: Any) -> None:
    old = join.node(make.oxend_view([make.oxend_node()]), make.contracts_view([make.contract_node(1)]))
    again = make.contract_node(2, added_at=make.top_timestamp - 60)
    state = join(make.oxend_view(exit_list=(make.removed_node(),)), make.contracts_view([again])).state
    by_state = {node.state: node for node in state.nodes}
    assert set(by_state) == {S.EXITED, S.REGISTERING}
    assert (by_state[S.EXITED].id, by_state[S.EXITED].contract_id) == (old.id, 1)
    assert by_state[S.REGISTERING].id != old.id
    assert by_state[S.REGISTERING].contract_id == 2
    assert state.node_by_pubkey[make.pubkey(1)].state is S.REGISTERING


def test_without_memory_the_time_of_removal_parts_two_lives(make: Any, join: Any) -> None:
    removed_at = make.top_timestamp - 100 * make.block_seconds
    late = make.contract_node(2, added_at=removed_at + 1)
    state = join(make.oxend_view(exit_list=(make.removed_node(),)), make.contracts_view([late])).state
    assert {node.state for node in state.nodes} == {S.EXITED, S.REGISTERING}


def test_a_node_added_before_the_removal_is_the_removed_one(make: Any, join: Any) -> None:
    removed_at = make.top_timestamp - 100 * make.block_seconds
    node = join.node(
        make.oxend_view(exit_list=(make.removed_node(),)),
        make.contracts_view([make.contract_node(added_at=removed_at)]),
    )
    assert node.state is S.AWAITING_EXIT


def test_a_pending_registration_claims_the_new_life_while_the_old_one_is_on_the_exit_list(make: Any, join: Any) -> None:
    # Even where the reckoned time of removal would say otherwise.
    state = join(
        make.oxend_view(exit_list=(make.removed_node(),), pending_registrations=(make.pending(),)),
        make.contracts_view([make.contract_node(9)]),
    ).state
    assert {(node.state, node.contract_id) for node in state.nodes} == {(S.EXITED, None), (S.REGISTERING, 9)}


def test_a_registration_that_the_contracts_view_has_not_seen_leaves_the_old_life_its_node(make: Any, join: Any) -> None:
    held = make.contracts_view([make.contract_node(1)])
    old = join.node(make.oxend_view([make.oxend_node()]), held)
    listed = make.oxend_view(
        exit_list=(make.removed_node(),), pending_registrations=(make.pending(l2_height=held.block_number + 1),)
    )
    by_state = {node.state: node for node in join(listed, held).state.nodes}
    assert (by_state[S.AWAITING_EXIT].id, by_state[S.AWAITING_EXIT].contract_id) == (old.id, 1)
    assert by_state[S.REGISTERING].id != old.id
    assert by_state[S.REGISTERING].contract_id is None


def test_a_new_life_never_takes_the_old_ones_id_from_contracts_that_are_behind(make: Any, join: Any) -> None:
    behind = make.contracts_view([make.contract_node(1)])
    old = join.node(make.oxend_view([make.oxend_node()]), behind)
    again = make.oxend_node(registration_height=9_900)
    for _ in range(2):
        nodes = {node.state: node for node in join(make.oxend_view([again]), behind).state.nodes}
        assert nodes[S.REGISTERING].id == old.id
        assert nodes[S.RUNNING].id != old.id
    caught_up = make.contracts_view([make.contract_node(2)], exits={1: make.exit(1)})
    new = join.node(make.oxend_view([again]), caught_up)
    assert (new.id, new.contract_id) == (nodes[S.RUNNING].id, 2)


def test_the_id_stays_when_a_reorganisation_shifts_the_registration(make: Any, join: Any) -> None:
    held = make.contracts_view([make.contract_node(1)])
    nodes = [
        join.node(make.oxend_view([make.oxend_node()]), held),
        join.node(make.oxend_view(pending_registrations=(make.pending(),)), held),
        join.node(make.oxend_view([make.oxend_node(registration_height=9_002)]), held),
    ]
    assert len({node.id for node in nodes}) == 1


def test_the_id_stays_when_a_reorganisation_of_the_l2_changes_the_contract_id(make: Any, join: Any) -> None:
    running = make.oxend_view([make.oxend_node()])
    before = join.node(running, make.contracts_view([make.contract_node(1)]))
    after = join.node(running, make.contracts_view([make.contract_node(2)]))
    assert (after.id, after.contract_id) == (before.id, 2)


def test_a_running_node_does_not_take_the_next_life_of_its_keys(make: Any, join: Any) -> None:
    running = make.oxend_view([make.oxend_node()])
    before = join.node(running, make.contracts_view([make.contract_node(1)]))
    ahead = make.contracts_view([make.contract_node(2)], exits={1: make.exit(1)})
    nodes = {node.state: node for node in join(running, ahead).state.nodes}
    assert (nodes[S.RUNNING].id, nodes[S.RUNNING].contract_id) == (before.id, 1)
    assert nodes[S.REGISTERING].contract_id == 2


def test_one_life_on_both_lists_of_oxend_is_a_running_node_once(make: Any, join: Any) -> None:
    listed = make.oxend_view([make.oxend_node()], exit_list=(make.removed_node(),))
    assert join.node(listed, make.contracts_view([make.contract_node(1)])).state is S.RUNNING


def test_events_tell_the_contract_id_of_a_life_that_left_before_the_start(make: Any, join: Any) -> None:
    node = join.node(
        make.oxend_view(exit_list=(make.removed_node(),)),
        make.contracts_view(registrations={4: make.registration(4)}, exits={4: make.exit(4)}),
    )
    assert (node.state, node.contract_id) == (S.EXITED, 4)


def test_a_look_up_finds_the_living_node_else_the_one_that_left_last(make: Any, join: Any) -> None:
    first = make.removed_node(registration_height=5_000, height=6_000)
    second = make.removed_node(registration_height=7_000, height=8_000)
    state = join(make.oxend_view(exit_list=(second, first))).state
    assert state.node_by_pubkey[make.pubkey(1)].registration_height == 7_000
    assert state.node_by_bls[make.bls(1)].registration_height == 7_000


def test_nodes_without_a_bls_key_join_by_their_ed25519_key(make: Any, join: Any) -> None:
    node = join.node(make.oxend_view([make.oxend_node(pubkey_bls=None)]), make.contracts_view([make.contract_node()]))
    assert node.contract_id == 1
    assert node.pubkey_bls == make.bls(1)
