"""Nodes that have left live on, as they were last."""

from typing import Any

import pytest
from msgspec import structs

from sent_graphql.models.contracts import Stake
from sent_graphql.models.network import ExitKind, ServiceNode, ServiceNodeState
from sent_graphql.pollers.moments import instant

S = ServiceNodeState


@pytest.fixture
def left(make: Any) -> Any:
    """The contract after the end of its node 1, as the scan of events tells it."""

    def view(*nodes: Any, **event: Any) -> Any:
        return make.contracts_view(nodes, registrations={1: make.registration()}, exits={1: make.exit(1, **event)})

    return view


def shared(make: Any) -> Any:
    """A node of two contributors on the contract, and its registration."""
    quarter = make.requirement // 4
    staked = (
        Stake(make.address(1), make.address(9), make.requirement - quarter),
        Stake(make.address(2), make.address(2), quarter),
    )
    return make.contract_node(contributors=staked), make.registration(contributors=staked)


def only(nodes: tuple[ServiceNode, ...]) -> ServiceNode:
    (node,) = nodes
    return node


def test_a_node_that_both_sides_have_forgotten_is_found_exited_by_every_key(make: Any, join: Any, left: Any) -> None:
    before = join.node(make.oxend_view([make.oxend_node()]), make.contracts_view([make.contract_node()]))
    state = join(make.oxend_view(), left()).state
    node = only(state.past.nodes)
    assert state.nodes == ()
    assert (node.id, node.state, node.contract_id, node.known_to) == (before.id, S.EXITED, 1, ())
    assert state.node_by_id[before.id] is node
    assert state.node_by_pubkey[make.pubkey(1)] is node
    assert state.node_by_bls[make.bls(1)] is node
    assert state.node_by_contract_id[1] is node


def test_the_last_known_oxend_data_is_kept_through_all_of_the_end(make: Any, join: Any, left: Any) -> None:
    held = make.contracts_view([make.contract_node(leave_requested_at=make.top_timestamp - 7_000)])
    running = join.node(make.oxend_view([make.oxend_node()]), held)
    listed = make.oxend_view(exit_list=(make.removed_node(),))
    nodes = [join.node(listed, held), join.node(listed, left()), only(join(make.oxend_view(), left()).state.past.nodes)]
    assert [node.state for node in nodes] == [S.AWAITING_EXIT, S.EXITED, S.EXITED]
    for node in nodes:
        for field in (
            *("id", "contract_id", "added_at", "leave_requested_at", "registration_height", "last_uptime_proof"),
            *("earned_downtime_blocks", "service_node_version", "storage_server_version", "lokinet_version"),
            *("public_ip", "decommission_count"),
        ):
            assert getattr(node, field) == getattr(running, field), field
    assert nodes[-1].requested_unlock_height == 9_899
    assert nodes[-1].last_reward_block_height == 9_890


def test_what_is_only_true_of_present_nodes_is_not_said_of_past_ones(make: Any, join: Any, left: Any) -> None:
    join(
        make.oxend_view([make.oxend_node(active=False, last_decommission_reasons=("uptime",))]),
        make.contracts_view([make.contract_node()]),
    )
    node = only(join(make.oxend_view(), left()).state.past.nodes)
    assert (node.liquidatable, node.payable, node.swarm_id, node.decommission_reasons) == (False, None, None, ())
    assert [reason.value for reason in node.last_decommission_reasons] == ["uptime"]


def test_no_contributor_is_lost_when_a_node_leaves_between_two_polls(make: Any, join: Any) -> None:
    held, registration = shared(make)
    # oxend alone was read while it lived, and told of one contributor with another amount.
    join(make.oxend_view([make.oxend_node()]), make.contracts_view())
    gone = make.contracts_view(registrations={1: registration}, exits={1: make.exit(1)})
    node = only(join(make.oxend_view(), gone).state.past.nodes)
    assert [(c.address, c.beneficiary, c.amount) for c in node.contributors] == [
        (stake.address, stake.beneficiary, stake.amount) for stake in held.contributors
    ]
    assert [c.is_operator for c in node.contributors] == [True, False]
    assert node.total_contributed == make.requirement
    assert node.contract_id == 1


def test_contributors_of_a_past_node_keep_what_was_reserved_and_may_leave_at_no_time(make: Any, join: Any) -> None:
    held, registration = shared(make)
    told = tuple(
        structs.replace(contribution, reserved=contribution.amount + 5)
        for contribution in make.contributions(make.requirement * 3 // 4, make.requirement // 4)
    )
    join(make.oxend_view([make.oxend_node(contributors=told)]), make.contracts_view([held]))
    gone = make.contracts_view(registrations={1: registration}, exits={1: make.exit(1)})
    node = only(join(make.oxend_view(), gone).state.past.nodes)
    assert [c.reserved - c.amount for c in node.contributors] == [5, 5]
    assert {c.leave_allowed_at for c in node.contributors} == {None}


def test_a_node_without_a_contract_keeps_its_last_contributors(make: Any, join: Any) -> None:
    running = join.node(make.oxend_view([make.oxend_node(pubkey_bls=None, contributors=make.contributions(60, 40))]))
    node = only(join(make.oxend_view(), make.contracts_view()).state.past.nodes)
    assert (node.id, node.contract_id, node.contributors) == (running.id, None, running.contributors)
    assert node.exit is not None
    assert (node.exit.kind, node.exit.block_number, node.exit.returned_amount) == (ExitKind.EXITED, None, None)


def test_a_node_that_came_and_went_unseen_is_made_from_events(make: Any, join: Any) -> None:
    _, registration = shared(make)
    registration = structs.replace(registration, contribution_contract=make.address(0xC0), added_at=1_600_000_000)
    node = only(
        join(contracts=make.contracts_view(registrations={1: registration}, exits={1: make.exit(1)})).state.past.nodes
    )
    assert (node.state, node.contract_id, node.pubkey, node.pubkey_bls) == (S.EXITED, 1, make.pubkey(1), make.bls(1))
    assert (node.operator, node.operator_fee) == (make.address(1), 1_234)
    assert [c.address for c in node.contributors] == [make.address(1), make.address(2)]
    assert (node.total_contributed, node.staking_requirement) == (make.requirement, make.requirement)
    assert node.added_at == instant(1_600_000_000)
    assert node.contribution_contract_address == make.address(0xC0)
    assert (node.registration_height, node.last_uptime_proof, node.known_to) == (None, None, ())


def test_an_unseen_node_has_the_id_that_the_contract_would_have_given_it(make: Any, join: Any, left: Any) -> None:
    seen = join.node(contracts=make.contracts_view([make.contract_node()]))
    unseen = only(join.anew()(contracts=left()).state.past.nodes)
    assert unseen.id == seen.id


def test_a_registration_that_a_reorganisation_took_back_never_was_a_node(make: Any, join: Any) -> None:
    join(make.oxend_view(pending_registrations=(make.pending(),)), make.contracts_view([make.contract_node()]))
    state = join(make.oxend_view(), make.contracts_view()).state
    assert (state.nodes, state.past.nodes) == ((), ())


def test_a_life_that_a_reorganisation_of_the_l2_has_taken_back_whole_is_no_past_node(make: Any, join: Any) -> None:
    join(make.oxend_view([make.oxend_node()]), make.contracts_view([make.contract_node()]))
    state = join(make.oxend_view(), make.contracts_view()).state
    assert state.past.nodes == ()


def test_a_registration_that_oxend_moves_to_another_block_leaves_no_past_node(make: Any, join: Any) -> None:
    join(make.oxend_view([make.oxend_node()]), make.contracts_view())
    state = join(make.oxend_view([make.oxend_node(registration_height=9_002)]), make.contracts_view()).state
    assert len(state.nodes) == 1
    assert state.past.nodes == ()


@pytest.mark.parametrize("contract_behind", [False, True])
@pytest.mark.parametrize(
    ("removal", "liquidated", "kind"),
    [
        ("exit", False, ExitKind.EXITED),
        ("deregister", False, ExitKind.DEREGISTERED),
        ("exit", True, ExitKind.LIQUIDATED),
        ("deregister", True, ExitKind.LIQUIDATED),
    ],
)
def test_exit_says_how_a_node_ended(
    make: Any, join: Any, left: Any, removal: str, liquidated: bool, kind: ExitKind, contract_behind: bool
) -> None:
    held = make.contracts_view([make.contract_node()])
    listed = make.oxend_view(exit_list=(make.removed_node(kind=removal),))
    end = left(liquidated=liquidated, returned_amount=77, block_number=901, timestamp=1_650_000_000)
    assert join.node(listed, held).exit is None
    if contract_behind:
        assert join.node(make.oxend_view(), held).state is S.REGISTERING
    else:
        assert join.node(listed, end).exit.kind is kind
    node = only(join(make.oxend_view(), end).state.past.nodes)
    assert node.exit is not None
    assert (node.exit.kind, node.exit.height, node.exit.returned_amount) == (kind, 9_900, 77)
    assert (node.exit.block_number, node.exit.at) == (901, instant(1_650_000_000))
    assert node.exit.transaction_hash == "0x" + "fe" * 32
    assert node.deregistration_unlock_height == (9_900 + 1_440 if removal == "deregister" else None)


def test_a_living_node_has_no_exit(make: Any, join: Any) -> None:
    held = make.contracts_view([make.contract_node()])
    assert join.node(make.oxend_view(), held).exit is None
    assert join.node(make.oxend_view([make.oxend_node()]), held).exit is None
    # Not even when the contract is read later than oxend and has let it go already.
    gone = make.contracts_view(registrations={1: make.registration()}, exits={1: make.exit(1)})
    assert join.node(make.oxend_view([make.oxend_node()]), gone).exit is None


def test_what_the_scan_tells_later_is_filled_in(make: Any, join: Any, left: Any) -> None:
    scanning = structs.replace(make.contracts_view().scan, complete=False)
    join(make.oxend_view([make.oxend_node()]), make.contracts_view([make.contract_node()], scan=scanning))
    early = only(join(make.oxend_view(), make.contracts_view(scan=scanning)).state.past.nodes)
    assert early.exit is not None
    assert early.exit.block_number is None
    late = only(join(make.oxend_view(), left()).state.past.nodes)
    assert late.id == early.id
    assert late.exit is not None
    assert late.exit.block_number == 900
    assert late.operator_fee == 1_234


def test_a_reorganisation_that_moves_the_exit_moves_it_here_too(make: Any, join: Any, left: Any) -> None:
    join(make.oxend_view([make.oxend_node()]), make.contracts_view([make.contract_node()]))
    join(make.oxend_view(), left(block_number=900))
    moved = only(join(make.oxend_view(), left(block_number=903)).state.past.nodes)
    assert moved.exit is not None
    assert moved.exit.block_number == 903


@pytest.mark.parametrize("side", ["oxend", "contract"])
def test_a_life_that_comes_back_is_the_same_life(make: Any, join: Any, left: Any, side: str) -> None:
    held = make.contracts_view([make.contract_node()], registrations={1: make.registration()})
    before = join.node(make.oxend_view([make.oxend_node()]), held)
    join(make.oxend_view(), left())
    back = join(
        make.oxend_view(exit_list=(make.removed_node(),)) if side == "oxend" else make.oxend_view(),
        left() if side == "oxend" else held,
    ).state
    node = only(back.nodes)
    assert (node.id, node.contract_id, node.public_ip) == (before.id, 1, before.public_ip)
    assert back.past.nodes == ()
    assert only(join(make.oxend_view(), left()).state.past.nodes).id == before.id


def test_an_unseen_life_that_comes_back_keeps_its_id(make: Any, join: Any, left: Any) -> None:
    before = only(join(contracts=left()).state.past.nodes)
    back = join(make.oxend_view(exit_list=(make.removed_node(),)), left()).state
    assert only(back.nodes).id == before.id
    assert back.past.nodes == ()


def test_present_wins_over_past(make: Any, join: Any) -> None:
    join(make.oxend_view([make.oxend_node()]), make.contracts_view([make.contract_node(1)]))
    again = make.contracts_view(
        [make.contract_node(2)], registrations={1: make.registration()}, exits={1: make.exit(1)}
    )
    state = join(make.oxend_view([make.oxend_node(registration_height=9_950)]), again).state
    assert {node.contract_id for node in state.nodes} == {2}
    assert {node.contract_id for node in state.past.nodes} == {1}
    assert state.node_by_pubkey[make.pubkey(1)].contract_id == 2
    assert state.node_by_contract_id[1].state is S.EXITED
    assert state.wallet(make.address(1)).total_staked == make.requirement


def test_of_two_lives_that_have_left_a_key_finds_the_later_one(make: Any, join: Any) -> None:
    # The first was seen and the second was not; the first is still on oxend's list.
    join(make.oxend_view([make.oxend_node()]), make.contracts_view([make.contract_node(1)]))
    both = make.contracts_view(
        registrations={1: make.registration(1), 2: make.registration(2)}, exits={1: make.exit(1), 2: make.exit(2)}
    )
    for oxend in (make.oxend_view(exit_list=(make.removed_node(),)), make.oxend_view()):
        state = join(oxend, both).state
        assert state.node_by_pubkey[make.pubkey(1)].contract_id == 2
        assert state.node_by_bls[make.bls(1)].contract_id == 2
        assert state.node_by_contract_id[1].state is S.EXITED


def test_a_number_that_a_reorganisation_gives_to_another_node_is_that_nodes(make: Any, join: Any) -> None:
    join(make.oxend_view([make.oxend_node()]), make.contracts_view([make.contract_node(1, number=1)]))
    other = make.contracts_view(registrations={1: make.registration(1, number=2)}, exits={1: make.exit(1)})
    state = join(make.oxend_view(), other).state
    assert [node.pubkey for node in state.past.nodes if node.contract_id == 1 and node.exit] == [make.pubkey(2)]


def test_a_life_whose_contract_id_comes_to_light_late_is_there_once(make: Any, join: Any) -> None:
    listed = make.oxend_view(exit_list=(make.removed_node(),))
    before = join.node(listed, make.contracts_view())
    assert before.contract_id is None
    join(make.oxend_view(), make.contracts_view())
    told = make.contracts_view(registrations={4: make.registration(4)}, exits={4: make.exit(4)})
    node = only(join(make.oxend_view(), told).state.past.nodes)
    assert (node.id, node.contract_id) == (before.id, 4)


def test_an_earlier_life_of_the_same_keys_is_not_taken_for_this_one(make: Any, join: Any) -> None:
    long_ago = make.top_timestamp - 5_000 * make.block_seconds
    told = make.contracts_view(registrations={4: make.registration(4)}, exits={4: make.exit(4, timestamp=long_ago)})
    state = join(make.oxend_view(exit_list=(make.removed_node(),)), told).state
    assert only(state.nodes).contract_id is None
    assert only(state.past.nodes).contract_id == 4


def test_past_nodes_are_in_no_count_of_the_network(make: Any, join: Any, left: Any) -> None:
    counts = join(contracts=left()).state.network.node_counts
    assert (counts.total, counts.leaving) == (0, 0)


def test_nothing_is_done_to_the_past_while_nobody_leaves(make: Any, join: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = range(1, 10_001)
    registrations = {number: make.registration(number, number=number) for number in numbers}
    exits = {number: make.exit(number) for number in numbers}
    held = make.contract_node(20_000, number=20_000)
    contracts = make.contracts_view([held], registrations=registrations, exits=exits)
    first = join(make.oxend_view([make.oxend_node(20_000)]), contracts)
    assert len(first.state.past.nodes) == 10_000
    made: list[str] = []
    monkeypatch.setattr("sent_graphql.pollers.archive.past_node", lambda *told: made.append("past"))
    monkeypatch.setattr("sent_graphql.pollers.archive.unseen_node", lambda *told: made.append("unseen"))
    for block in range(1, 4):
        oxend = make.oxend_view([make.oxend_node(20_000, last_reward_block_height=block)])
        state = join(oxend, structs.replace(contracts, block_number=1_000 + block)).state
        assert state.past is first.state.past
    assert made == []


def test_only_what_is_new_is_made_when_somebody_leaves(make: Any, join: Any) -> None:
    registrations = {number: make.registration(number, number=number) for number in (1, 2)}
    exits = {number: make.exit(number) for number in (1, 2)}
    before = join(contracts=make.contracts_view(registrations=registrations, exits={1: exits[1]})).state.past
    after = join(contracts=make.contracts_view(registrations=registrations, exits=exits)).state.past
    assert [node.contract_id for node in after.nodes] == [1, 2]
    assert after.nodes[0] is before.nodes[0]


def test_what_earlier_runs_have_kept_is_past_again_unless_it_is_there(make: Any, join: Any, left: Any) -> None:
    held = make.contracts_view([make.contract_node()])
    running = join.node(make.oxend_view([make.oxend_node()]), held)
    gone = join(make.oxend_view(), left())
    kept = list(gone.archive.records.values())
    again = join.anew()
    again.remember(kept)
    assert only(again(make.oxend_view(), left()).state.past.nodes) == only(gone.state.past.nodes)
    back = join.anew()
    back.remember(kept)
    state = back(make.oxend_view([make.oxend_node()]), held).state
    assert (only(state.nodes).id, state.past.nodes) == (running.id, ())


def test_what_is_read_late_from_an_earlier_run_is_shown_as_it_was_seen(make: Any, join: Any, left: Any) -> None:
    join(make.oxend_view([make.oxend_node()]), make.contracts_view([make.contract_node()]))
    seen = only(join(make.oxend_view(), left()).state.past.nodes)
    views = (make.oxend_view(), left())
    again = join.anew()
    assert only(again(*views).state.past.nodes).registration_height is None
    again.remember(join.archive.records.values())
    assert only(again(*views).state.past.nodes) == seen


def test_two_lives_that_prove_to_be_one_leave_none_behind(make: Any, join: Any) -> None:
    running = make.oxend_view([make.oxend_node()])
    join(running, make.contracts_view([make.contract_node(1)]))
    # A contract that is ahead shows the next life of the keys; then its branch is lost, and only the number was new.
    told: Any = {"registrations": {1: make.registration()}, "exits": {1: make.exit(1)}}
    ahead = make.contracts_view([make.contract_node(2)], **told)
    assert len(join(running, ahead).state.nodes) == 2
    state = join(running, make.contracts_view([make.contract_node(2)])).state
    assert [(node.state, node.contract_id) for node in state.nodes] == [(S.RUNNING, 2)]
    assert state.past.nodes == ()
