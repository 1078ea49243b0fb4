"""Both sides joined: states, identity, and which source wins."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from sent_graphql.models.contracts import ContractsView, Contribution, ContributionStatus, ReservedPlace, Stake
from sent_graphql.models.network import DecommissionReason, ServiceNode, ServiceNodeState, SourceName
from sent_graphql.models.oxend import OxendContribution, OxendView
from sent_graphql.pollers.assembly import Assembly, assemble
from sent_graphql.pollers.lives import NO_LIVES

S = ServiceNodeState


class Joiner:
    """Assembles step after step, remembering lives and state as the service does."""

    def __init__(self, make: SimpleNamespace) -> None:
        self.make = make
        self.last: Assembly | None = None

    def __call__(self, oxend: OxendView | None = None, contracts: ContractsView | None = None) -> Assembly:
        self.last = assemble(
            oxend or self.make.oxend_view(),
            contracts or self.make.contracts_view(),
            self.make.constants,
            self.last.lives if self.last else NO_LIVES,
            self.last.state if self.last else None,
        )
        return self.last

    def node(self, oxend: OxendView | None = None, contracts: ContractsView | None = None) -> ServiceNode:
        """The only node there is."""
        (node,) = self(oxend, contracts).state.nodes
        return node


@pytest.fixture
def join(make: SimpleNamespace) -> Joiner:
    return Joiner(make)


class TestStates:
    """The first line that holds."""

    def test_an_active_node_of_oxend_is_running(self, make: Any, join: Joiner) -> None:
        assert join.node(make.oxend_view([make.oxend_node()])).state is S.RUNNING

    def test_an_inactive_node_of_oxend_is_decommissioned(self, make: Any, join: Joiner) -> None:
        node = join.node(
            make.oxend_view([make.oxend_node(active=False, last_decommission_reasons=("uptime", "storage"))])
        )
        assert node.state is S.DECOMMISSIONED
        assert node.decommission_reasons == (DecommissionReason.UPTIME, DecommissionReason.STORAGE)

    def test_reasons_of_a_past_decommission_are_not_reasons_now(self, make: Any, join: Joiner) -> None:
        node = join.node(make.oxend_view([make.oxend_node(last_decommission_reasons=("l2",))]))
        assert node.decommission_reasons == ()
        assert node.last_decommission_reasons == (DecommissionReason.L2,)

    @pytest.mark.parametrize(("kind", "state"), [("exit", S.AWAITING_EXIT), ("deregister", S.DEREGISTERED)])
    def test_on_the_exit_list_and_held_by_the_contract_the_type_decides(
        self, make: Any, join: Joiner, kind: str, state: ServiceNodeState
    ) -> None:
        node = join.node(
            make.oxend_view(exit_list=(make.removed_node(kind=kind),)), make.contracts_view([make.contract_node()])
        )
        assert node.state is state
        assert node.known_to == (SourceName.OXEND, SourceName.CONTRACTS)

    def test_on_the_exit_list_and_no_longer_held_is_exited(self, make: Any, join: Joiner) -> None:
        node = join.node(make.oxend_view(exit_list=(make.removed_node(kind="deregister"),)))
        assert node.state is S.EXITED
        assert node.known_to == (SourceName.OXEND,)
        assert not node.liquidatable

    def test_held_by_the_contract_alone_is_registering(self, make: Any, join: Joiner) -> None:
        node = join.node(contracts=make.contracts_view([make.contract_node()]))
        assert node.state is S.REGISTERING
        assert node.known_to == (SourceName.CONTRACTS,)

    def test_pending_alone_is_registering(self, make: Any, join: Joiner) -> None:
        node = join.node(make.oxend_view(pending_registrations=(make.pending(),)))
        assert node.state is S.REGISTERING
        assert (node.operator, node.operator_fee, node.staking_requirement) == (make.address(1), 500, make.requirement)
        assert node.known_to == (SourceName.OXEND,)

    def test_a_registered_node_beats_a_pending_one(self, make: Any, join: Joiner) -> None:
        node = join.node(make.oxend_view([make.oxend_node()], pending_registrations=(make.pending(),)))
        assert node.state is S.RUNNING

    def test_a_denied_registration_stays_registering_while_the_contract_holds_it(self, make: Any, join: Joiner) -> None:
        held = make.contracts_view([make.contract_node()])
        before = join.node(make.oxend_view(pending_registrations=(make.pending(),)), held)
        denied = join.node(make.oxend_view(), held)
        assert denied.state is S.REGISTERING
        assert (before.known_to, denied.known_to) == (
            (SourceName.OXEND, SourceName.CONTRACTS),
            (SourceName.CONTRACTS,),
        )
        assert denied.id == before.id


class TestIdentity:
    """One registration, one id."""

    def test_the_id_stays_through_a_whole_life_first_seen_by_the_contract(self, make: Any, join: Joiner) -> None:
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

    def test_the_id_stays_when_oxend_knew_the_node_first(self, make: Any, join: Joiner) -> None:
        held = make.contracts_view([make.contract_node()])
        nodes = [
            join.node(make.oxend_view(pending_registrations=(make.pending(),))),
            join.node(make.oxend_view([make.oxend_node()])),
            join.node(make.oxend_view([make.oxend_node()]), held),
            join.node(make.oxend_view(), held),
        ]
        assert len({node.id for node in nodes}) == 1
        assert [node.contract_id for node in nodes] == [None, None, 1, 1]

    def test_the_same_keys_registered_again_are_another_life(self, make: Any, join: Joiner) -> None:
        old = join.node(make.oxend_view([make.oxend_node()]), make.contracts_view([make.contract_node(1)]))
        again = make.contract_node(2, added_at=make.top_timestamp - 60)
        state = join(make.oxend_view(exit_list=(make.removed_node(),)), make.contracts_view([again])).state
        by_state = {node.state: node for node in state.nodes}
        assert set(by_state) == {S.EXITED, S.REGISTERING}
        assert (by_state[S.EXITED].id, by_state[S.EXITED].contract_id) == (old.id, 1)
        assert by_state[S.REGISTERING].id != old.id
        assert by_state[S.REGISTERING].contract_id == 2
        assert state.node_by_pubkey[make.pubkey(1)].state is S.REGISTERING

    def test_without_memory_the_time_of_removal_parts_two_lives(self, make: Any, join: Joiner) -> None:
        removed_at = make.top_timestamp - 100 * make.block_seconds
        late = make.contract_node(2, added_at=removed_at + 1)
        state = join(make.oxend_view(exit_list=(make.removed_node(),)), make.contracts_view([late])).state
        assert {node.state for node in state.nodes} == {S.EXITED, S.REGISTERING}

    def test_a_node_added_before_the_removal_is_the_removed_one(self, make: Any, join: Joiner) -> None:
        removed_at = make.top_timestamp - 100 * make.block_seconds
        node = join.node(
            make.oxend_view(exit_list=(make.removed_node(),)),
            make.contracts_view([make.contract_node(added_at=removed_at)]),
        )
        assert node.state is S.AWAITING_EXIT

    def test_a_pending_registration_claims_the_new_life_while_the_old_one_is_on_the_exit_list(
        self, make: Any, join: Joiner
    ) -> None:
        # Even where the reckoned time of removal would say otherwise.
        state = join(
            make.oxend_view(exit_list=(make.removed_node(),), pending_registrations=(make.pending(),)),
            make.contracts_view([make.contract_node(9)]),
        ).state
        assert {(node.state, node.contract_id) for node in state.nodes} == {(S.EXITED, None), (S.REGISTERING, 9)}

    def test_a_registration_that_the_contracts_view_has_not_seen_leaves_the_old_life_its_node(
        self, make: Any, join: Joiner
    ) -> None:
        held = make.contracts_view([make.contract_node(1)])
        old = join.node(make.oxend_view([make.oxend_node()]), held)
        listed = make.oxend_view(
            exit_list=(make.removed_node(),), pending_registrations=(make.pending(l2_height=held.block_number + 1),)
        )
        by_state = {node.state: node for node in join(listed, held).state.nodes}
        assert (by_state[S.AWAITING_EXIT].id, by_state[S.AWAITING_EXIT].contract_id) == (old.id, 1)
        assert by_state[S.REGISTERING].id != old.id
        assert by_state[S.REGISTERING].contract_id is None

    def test_a_new_life_never_takes_the_old_ones_id_from_contracts_that_are_behind(
        self, make: Any, join: Joiner
    ) -> None:
        behind = make.contracts_view([make.contract_node(1)])
        old = join.node(make.oxend_view([make.oxend_node()]), behind)
        again = make.oxend_node(registration_height=9_900)
        for _ in range(2):
            nodes = {node.state: node for node in join(make.oxend_view([again]), behind).state.nodes}
            assert nodes[S.REGISTERING].id == old.id
            assert nodes[S.RUNNING].id != old.id
        caught_up = make.contracts_view([make.contract_node(2)], exited_ids=frozenset({1}))
        new = join.node(make.oxend_view([again]), caught_up)
        assert (new.id, new.contract_id) == (nodes[S.RUNNING].id, 2)

    def test_the_id_stays_when_a_reorganisation_shifts_the_registration(self, make: Any, join: Joiner) -> None:
        held = make.contracts_view([make.contract_node(1)])
        nodes = [
            join.node(make.oxend_view([make.oxend_node()]), held),
            join.node(make.oxend_view(pending_registrations=(make.pending(),)), held),
            join.node(make.oxend_view([make.oxend_node(registration_height=9_002)]), held),
        ]
        assert len({node.id for node in nodes}) == 1

    def test_the_id_stays_when_a_reorganisation_of_the_l2_changes_the_contract_id(
        self, make: Any, join: Joiner
    ) -> None:
        running = make.oxend_view([make.oxend_node()])
        before = join.node(running, make.contracts_view([make.contract_node(1)]))
        after = join.node(running, make.contracts_view([make.contract_node(2)]))
        assert (after.id, after.contract_id) == (before.id, 2)

    def test_a_running_node_does_not_take_the_next_life_of_its_keys(self, make: Any, join: Joiner) -> None:
        running = make.oxend_view([make.oxend_node()])
        before = join.node(running, make.contracts_view([make.contract_node(1)]))
        ahead = make.contracts_view([make.contract_node(2)], exited_ids=frozenset({1}))
        nodes = {node.state: node for node in join(running, ahead).state.nodes}
        assert (nodes[S.RUNNING].id, nodes[S.RUNNING].contract_id) == (before.id, 1)
        assert nodes[S.REGISTERING].contract_id == 2

    def test_one_life_on_both_lists_of_oxend_is_a_running_node_once(self, make: Any, join: Joiner) -> None:
        listed = make.oxend_view([make.oxend_node()], exit_list=(make.removed_node(),))
        assert join.node(listed, make.contracts_view([make.contract_node(1)])).state is S.RUNNING

    def test_events_tell_the_contract_id_of_a_life_that_left_before_the_start(self, make: Any, join: Joiner) -> None:
        node = join.node(
            make.oxend_view(exit_list=(make.removed_node(),)),
            make.contracts_view(registrations={4: make.registration(4)}, exited_ids=frozenset({4})),
        )
        assert (node.state, node.contract_id) == (S.EXITED, 4)

    def test_a_look_up_finds_the_living_node_else_the_one_that_left_last(self, make: Any, join: Joiner) -> None:
        first = make.removed_node(registration_height=5_000, height=6_000)
        second = make.removed_node(registration_height=7_000, height=8_000)
        state = join(make.oxend_view(exit_list=(second, first))).state
        assert state.node_by_pubkey[make.pubkey(1)].registration_height == 7_000
        assert state.node_by_bls[make.bls(1)].registration_height == 7_000

    def test_nodes_without_a_bls_key_join_by_their_ed25519_key(self, make: Any, join: Joiner) -> None:
        node = join.node(
            make.oxend_view([make.oxend_node(pubkey_bls=None)]), make.contracts_view([make.contract_node()])
        )
        assert node.contract_id == 1
        assert node.pubkey_bls == make.bls(1)


class TestPrecedence:
    """Which source wins."""

    def test_a_new_registration_follows_the_rewards_contract_rule(self, make: Any, join: Joiner) -> None:
        view = make.contracts_view()
        parameters = structs.replace(view.parameters, staking_requirement=25_001, max_contributors=7)
        network = join(contracts=structs.replace(view, parameters=parameters)).state.network
        assert (network.staking_requirement, network.max_contributors) == (25_001, 7)
        assert network.min_operator_contribution == 6_251

    def test_a_nodes_requirement_is_its_deposit_on_the_contract(self, make: Any, join: Joiner) -> None:
        oxend = make.oxend_view([make.oxend_node(staking_requirement=5)])
        assert join.node(oxend, make.contracts_view([make.contract_node(deposit=7)])).staking_requirement == 7
        assert Joiner(make).node(oxend).staking_requirement == 5

    def test_contributors_are_the_contracts_while_it_holds_the_node(self, make: Any, join: Joiner) -> None:
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

    def test_agreeing_sides_have_no_differences(self, make: Any, join: Joiner) -> None:
        assert not join(make.oxend_view([make.oxend_node()]), make.contracts_view([make.contract_node()])).differences

    def test_contributors_are_oxends_when_the_contract_does_not_hold_the_node(self, make: Any, join: Joiner) -> None:
        told = (OxendContribution(make.address(3), make.address(4), 10, 12),)
        node = join.node(make.oxend_view([make.oxend_node(contributors=told)]))
        (contributor,) = node.contributors
        assert (contributor.amount, contributor.reserved, contributor.is_operator) == (10, 12, True)
        assert contributor.leave_allowed_at is None

    def test_the_fee_is_the_events_else_oxends(self, make: Any, join: Joiner) -> None:
        oxend = make.oxend_view([make.oxend_node()])
        held = make.contracts_view([make.contract_node()], registrations={1: make.registration()})
        assert join.node(oxend, held).operator_fee == 1_234
        assert Joiner(make).node(oxend, make.contracts_view([make.contract_node()])).operator_fee == 1_000

    def test_a_small_contributor_may_ask_for_the_exit_after_thirty_days(self, make: Any, join: Joiner) -> None:
        quarter = make.requirement // 4
        held = make.contract_node(
            contributors=make.stakes(make.requirement - quarter - quarter + 1, quarter, quarter - 1)
        )
        node = join.node(make.oxend_view([make.oxend_node()]), make.contracts_view([held]))
        assert [contributor.leave_allowed_at for contributor in node.contributors] == [
            None,
            None,
            node.added_at + timedelta(days=30) if node.added_at else "added_at is missing",
        ]

    def test_once_an_exit_was_requested_anyone_may_ask_again(self, make: Any, join: Joiner) -> None:
        held = make.contract_node(
            contributors=make.stakes(make.requirement - 1, 1), leave_requested_at=make.top_timestamp - 5
        )
        node = join.node(contracts=make.contracts_view([held]))
        assert [contributor.leave_allowed_at for contributor in node.contributors] == [None, None]


class TestLeaving:
    """Exit requests, unlock heights, liquidation."""

    def test_the_unlock_time_is_reckoned_from_the_top_block_and_rounded_to_the_minute(
        self, make: Any, join: Joiner
    ) -> None:
        node = join.node(make.oxend_view([make.oxend_node(requested_unlock_height=make.top_height + 9)]))
        assert node.leaving
        expected = (make.top_timestamp + 10 * make.block_seconds + 30) // 60 * 60
        assert node.requested_unlock_at == datetime.fromtimestamp(expected, UTC)

    def test_a_request_on_the_contract_is_leaving_before_oxend_confirms_it(self, make: Any, join: Joiner) -> None:
        held = make.contract_node(leave_requested_at=make.top_timestamp - 60)
        node = join.node(make.oxend_view([make.oxend_node()]), make.contracts_view([held]))
        assert node.leaving
        assert node.requested_unlock_height is None

    def test_a_pending_unlock_is_leaving(self, make: Any, join: Joiner) -> None:
        assert join.node(make.oxend_view([make.oxend_node()], pending_unlocks=frozenset({make.bls(1)}))).leaving
        assert not Joiner(make).node(make.oxend_view([make.oxend_node()])).leaving

    def test_a_node_is_liquidatable_once_the_chain_height_has_reached_its_height(self, make: Any, join: Joiner) -> None:
        held = make.contracts_view([make.contract_node()])
        at = make.top_height + 1

        def liquidatable(height: int) -> bool:
            removed = make.removed_node(liquidation_height=height)
            return Joiner(make).node(make.oxend_view(exit_list=(removed,)), held).liquidatable

        assert liquidatable(at)
        assert not liquidatable(at + 1)

    def test_a_deregistered_node_unlocks_a_lock_after_its_removal(self, make: Any, join: Joiner) -> None:
        held = make.contracts_view([make.contract_node()])
        node = join.node(make.oxend_view(exit_list=(make.removed_node(kind="deregister"),)), held)
        assert node.deregistration_unlock_height == 9_900 + 1_440
        assert (
            Joiner(make).node(make.oxend_view(exit_list=(make.removed_node(),)), held).deregistration_unlock_height
            is None
        )


class TestContributionContracts:
    """Contracts that gather a stake."""

    def test_open_slots_leave_out_contributors_and_awaited_reservations(self, make: Any, join: Joiner) -> None:
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
        self, make: Any, join: Joiner
    ) -> None:
        other = Contribution(address=make.address(2), beneficiary=make.address(2), amount=9, contributed_at=1_000)
        first = make.contribution_state()
        state = make.contribution_state(contributions=(*first.contributions, other))
        (contract,) = join(
            contracts=make.contracts_view(contribution_contracts={state.address: state})
        ).state.contribution_contracts
        assert [c.withdrawable_at for c in contract.contributors] == [None, datetime.fromtimestamp(87_400, UTC)]

    def test_a_contract_is_not_viable_when_the_requirement_or_the_maximum_has_moved_on(
        self, make: Any, join: Joiner
    ) -> None:
        states = [
            make.contribution_state(0xC1),
            make.contribution_state(0xC2, staking_requirement=1),
            make.contribution_state(0xC3, max_contributors=9),
        ]
        contracts = join(
            contracts=make.contracts_view(contribution_contracts={state.address: state for state in states})
        ).state.contribution_contracts
        assert [contract.viable for contract in contracts] == [True, False, False]

    def test_a_finalized_contract_shows_the_nodes_contributors_never_its_own(self, make: Any, join: Joiner) -> None:
        state = make.contribution_state(
            status=ContributionStatus.FINALIZED, contributions=(), minimum_contribution=None
        )
        held = make.contract_node(contributors=make.stakes(15, 5))
        event = make.registration(contribution_contract=state.address)
        view = make.contracts_view([held], contribution_contracts={state.address: state}, registrations={1: event})
        result = join(make.oxend_view([make.oxend_node()]), view).state
        (contract,), (node,) = result.contribution_contracts, result.nodes
        assert contract.contributors == node.contributors
        assert (contract.open_slots, contract.service_node_id) == (0, node.id)
        assert node.contribution_contract_address == state.address

    def test_after_the_node_has_left_the_event_still_names_the_contributors(self, make: Any, join: Joiner) -> None:
        state = make.contribution_state(status=ContributionStatus.FINALIZED, contributions=())
        event = make.registration(contribution_contract=state.address, contributors=make.stakes(15, 5))
        view = make.contracts_view(
            contribution_contracts={state.address: state}, registrations={1: event}, exited_ids=frozenset({1})
        )
        (contract,) = join(contracts=view).state.contribution_contracts
        assert [c.amount for c in contract.contributors] == [15, 5]
        assert contract.service_node_id is None

    def test_a_contract_that_was_reset_and_used_again_shows_its_last_node(self, make: Any, join: Joiner) -> None:
        state = make.contribution_state(status=ContributionStatus.FINALIZED, contributions=())
        events = {n: make.registration(n, n, contribution_contract=state.address) for n in (3, 8)}
        view = make.contracts_view(
            [make.contract_node(3, 3), make.contract_node(8, 8)],
            contribution_contracts={state.address: state},
            registrations=events,
        )
        result = join(contracts=view).state
        assert result.contribution_contracts[0].service_node_id == result.node_by_contract_id[8].id


class TestWallets:
    """Stakes and rewards."""

    def test_stakes_are_the_stakers_not_the_beneficiarys(self, make: Any, join: Joiner) -> None:
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

    def test_a_contributor_who_is_listed_twice_has_one_stake(self, make: Any, join: Joiner) -> None:
        twice = (*make.stakes(60), *make.stakes(40))
        state = join(contracts=make.contracts_view([make.contract_node(contributors=twice)])).state
        (stake,) = state.wallet(make.address(1)).stakes
        assert (stake.amount, stake.is_operator) == (100, True)
        assert len(state.nodes[0].contributors) == 2

    def test_pending_rewards_are_never_negative(self, make: Any, join: Joiner) -> None:
        view = make.contracts_view(recipients={make.address(9): make.recipient(credited=50, claimed=0)})
        assert join(contracts=view).state.wallet(make.address(9)).rewards.pending == 0

    def test_a_finalized_contract_adds_no_second_stake(self, make: Any, join: Joiner) -> None:
        finalized = make.contribution_state(0xC1, status=ContributionStatus.FINALIZED)
        gathering = make.contribution_state(0xC2)
        view = make.contracts_view(
            [make.contract_node()],
            contribution_contracts={state.address: state for state in (finalized, gathering)},
            registrations={1: make.registration(contribution_contract=finalized.address)},
        )
        wallet = join(make.oxend_view([make.oxend_node()]), view).state.wallet(make.address(1))
        assert [stake.contribution_contract_address for stake in wallet.stakes] == [None, gathering.address]
        assert wallet.total_staked == make.requirement + make.requirement // 4

    def test_a_node_that_has_exited_is_no_present_stake(self, make: Any, join: Joiner) -> None:
        state = join(make.oxend_view(exit_list=(make.removed_node(),))).state
        assert state.wallet(make.address(1)).stakes == ()

    def test_the_exit_list_is_a_present_stake(self, make: Any, join: Joiner) -> None:
        state = join(
            make.oxend_view(exit_list=(make.removed_node(),)), make.contracts_view([make.contract_node()])
        ).state
        (stake,) = state.wallet(make.address(1)).stakes
        assert (stake.state, stake.exited) == (S.AWAITING_EXIT, False)

    def test_an_unknown_wallet_has_nothing(self, join: Joiner, make: Any) -> None:
        wallet = join().state.wallet(make.address(0x55))
        assert (wallet.stakes, wallet.total_staked, wallet.rewards.accrued) == ((), 0, 0)


class TestNetwork:
    """Figures of the whole."""

    def test_counts_leave_out_exited_nodes(self, make: Any, join: Joiner) -> None:
        state = join(
            make.oxend_view(
                [make.oxend_node(1), make.oxend_node(2, active=False, requested_unlock_height=10_100)],
                exit_list=(make.removed_node(3), make.removed_node(4), make.removed_node(5, kind="deregister")),
            ),
            make.contracts_view([make.contract_node(n, n) for n in (1, 2, 4, 5, 6)]),
        ).state
        counts = state.network.node_counts
        assert (counts.total, counts.running, counts.decommissioned) == (5, 1, 1)
        assert (counts.awaiting_exit, counts.deregistered, counts.registering) == (1, 1, 1)
        assert len(state.nodes) == 6

    def test_the_total_staked_is_what_the_contract_holds(self, make: Any, join: Joiner) -> None:
        view = make.contracts_view([make.contract_node(1, 1, deposit=10), make.contract_node(2, 2, deposit=5)])
        assert join(make.oxend_view([make.oxend_node(7)]), view).state.network.total_staked == 15

    @pytest.mark.parametrize(("cycles_ago", "used"), [(0, 5), (1, 0)])
    def test_the_claim_limit_is_whole_again_in_a_new_cycle(
        self, make: Any, join: Joiner, cycles_ago: int, used: int
    ) -> None:
        view = make.contracts_view()
        now = view.block_timestamp // 43_200
        parameters = structs.replace(view.parameters, current_claim_cycle=now - cycles_ago, current_claim_total=5)
        limit = join(contracts=structs.replace(view, parameters=parameters)).state.network.claim_limit
        assert limit.remaining == limit.per_cycle - used
        assert limit.resets_at == datetime.fromtimestamp((now + 1) * 43_200, UTC)


def test_what_has_not_changed_is_the_same_object_in_the_next_state(make: Any, join: Joiner) -> None:
    contracts = make.contracts_view([make.contract_node(1, 1), make.contract_node(2, 2)])
    first = join(make.oxend_view([make.oxend_node(1), make.oxend_node(2)]), contracts).state
    second = join(make.oxend_view([make.oxend_node(1), make.oxend_node(2, active=False)]), contracts).state
    assert second.node_by_contract_id[1] is first.node_by_contract_id[1]
    assert second.node_by_contract_id[2] is not first.node_by_contract_id[2]


def test_nodes_come_in_the_order_of_their_contract_ids_unknown_ones_last(make: Any, join: Joiner) -> None:
    state = join(
        make.oxend_view([make.oxend_node(n) for n in (9, 3, 5)]),
        make.contracts_view([make.contract_node(20, 5), make.contract_node(4, 3)]),
    ).state
    assert [node.contract_id for node in state.nodes] == [4, 20, None]
