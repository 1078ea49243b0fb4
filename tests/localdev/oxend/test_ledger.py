"""The life of a node, block by block."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sent_graphql.localdev.constants import BLOCK_REWARD, MILLI
from sent_graphql.localdev.ledger_events import (
    Decommission,
    Deregister,
    Exited,
    Recommission,
    RequirementChanged,
    UnlockRequested,
)
from sent_graphql.localdev.ledger_state import LedgerState
from sent_graphql.localdev.service_nodes import ServiceNode


def running_node(state: LedgerState) -> ServiceNode:
    return next(node for node in state.nodes.values() if node.active and not node.requested_unlock_height)


def test_registration_is_pending_for_five_points_and_then_runs(network: Any) -> None:
    identity = network.newcomer()
    network.ledger.observe([network.registration(identity)])
    confirmations = [network.mine().pending[0].confirmations for _ in range(5)]
    assert confirmations == [0, 1, 2, 3, 4]
    assert identity.pubkey not in network.top.nodes
    state = network.mine()
    assert not state.pending
    node = state.nodes[identity.pubkey]
    assert node.active
    assert node.registration_height == state.height
    assert not node.payable(state.height)
    assert node.payable(state.height + 1)


def test_registration_with_a_forged_signature_is_denied_and_dropped(network: Any) -> None:
    identity = network.newcomer()
    network.ledger.observe([network.registration(identity, valid=False)])
    assert [network.mine().pending[0].denials for _ in range(5)] == [0, 1, 2, 3, 4]
    assert not network.mine().pending
    network.mine(5)
    assert identity.pubkey not in network.top.nodes


def test_registration_of_a_key_that_is_registered_is_denied(network: Any) -> None:
    node = running_node(network.top)
    identity = next(network.identities[i] for i in range(70) if network.identities[i].pubkey == node.pubkey)
    network.ledger.observe([network.registration(identity)])
    network.mine(8)
    assert network.top.nodes[node.pubkey].registration_height == node.registration_height


def test_exit_request_is_confirmed_and_the_node_leaves_after_its_unlock_height(network: Any) -> None:
    node = running_node(network.top)
    network.ledger.observe([UnlockRequested(l2_height=150, pubkey_bls=node.pubkey_bls)])
    network.mine(5)
    assert network.top.nodes[node.pubkey].requested_unlock_height == 0
    confirmed = network.mine()
    unlock_height = confirmed.nodes[node.pubkey].requested_unlock_height
    assert unlock_height == confirmed.height + network.ledger.timing.unlock_blocks
    network.mine(unlock_height - network.top.height)
    assert network.top.height == unlock_height
    assert node.pubkey in network.top.nodes
    left = network.mine()
    assert node.pubkey not in left.nodes
    entry = left.removed[node.pubkey_bls]
    assert (entry.kind, entry.height) == ("exit", unlock_height + 1)


def test_second_exit_request_does_not_move_the_unlock_height(network: Any) -> None:
    node = running_node(network.top)
    request = UnlockRequested(l2_height=150, pubkey_bls=node.pubkey_bls)
    network.ledger.observe([request])
    height = network.mine(6).nodes[node.pubkey].requested_unlock_height
    network.ledger.observe([request])
    assert network.mine(6).nodes[node.pubkey].requested_unlock_height == height


def test_decommissioned_node_loses_credit_earns_nothing_and_comes_back(network: Any) -> None:
    node = running_node(network.top)
    network.now += 5
    down = network.ledger.advance(network.now, 200, [Decommission(node.pubkey, 1, 9)])
    fallen = down.nodes[node.pubkey]
    assert (fallen.active, fallen.state_height, fallen.last_uptime_proof) == (False, down.height, 0)
    assert fallen.active_since_height < 0
    credit = fallen.credit(down.height)
    assert [network.mine().nodes[node.pubkey].credit(network.top.height) for _ in range(3)] == [
        credit - 1,
        credit - 2,
        credit - 3,
    ]
    assert not fallen.payable(network.top.height)
    network.now += 5
    back = network.ledger.advance(network.now, 200, [Recommission(node.pubkey)]).nodes[node.pubkey]
    assert back.active
    assert back.decommission_count == node.decommission_count + 1
    assert back.reasons_any == 9
    assert back.recommission_credit == credit - 4


def test_deregistered_node_goes_on_the_exit_list_with_its_buffer(network: Any) -> None:
    node = running_node(network.top)
    network.now += 5
    state = network.ledger.advance(network.now, 200, [Deregister(node.pubkey)])
    entry = state.removed[node.pubkey_bls]
    assert entry.kind == "deregister"
    assert entry.liquidation_height == state.height + network.ledger.timing.exit_buffer_blocks


def test_verdict_on_an_unknown_node_changes_nothing(network: Any) -> None:
    network.now += 5
    state = network.ledger.advance(network.now, 200, [Deregister("00" * 32), Recommission("11" * 32)])
    assert len(state.nodes) == 40 - 2 - 4


def test_confirmed_exit_clears_the_list_and_gives_every_staker_the_stake_back(network: Any) -> None:
    entry = next(iter(network.top.removed.values()))
    deposit = entry.node.registration.deposit
    network.ledger.observe([Exited(l2_height=150, pubkey_bls=entry.node.pubkey_bls, returned_amount=deposit)])
    before = network.mine(5)
    assert entry.node.pubkey_bls in before.removed
    after = network.mine()
    assert entry.node.pubkey_bls not in after.removed
    stakers = Counter[str]()
    for stake in entry.node.registration.contributors:
        stakers[stake.address] += stake.amount
    for address, amount in stakers.items():
        assert after.balance(address) - before.balance(address) >= amount


def test_slashed_stake_comes_back_after_the_lock_and_less_the_penalty(network: Any) -> None:
    entry = max(network.top.removed.values(), key=lambda entry: entry.height)
    network.mine(entry.liquidation_height - network.top.height)
    registration = entry.node.registration
    slashed = Exited(l2_height=150, pubkey_bls=registration.pubkey_bls, returned_amount=registration.deposit - 50)
    network.ledger.observe([slashed])
    state = network.mine(6)
    assert registration.pubkey_bls not in state.removed
    assert len(state.locked) == len(registration.contributors)
    assert sum(stake.amount for stake in state.locked) == (registration.deposit - 50) * MILLI
    assert state.locked[0].amount == (registration.contributors[0].amount - 50) * MILLI
    unlock = entry.height + network.ledger.timing.lock_blocks
    network.mine(unlock - 2 - network.top.height)
    assert network.top.locked
    staker = registration.contributors[0].address
    before = network.top.balance(staker)
    assert not network.mine().locked
    assert network.top.height + 1 == unlock
    assert network.top.balance(staker) - before >= registration.contributors[0].amount - 50


def test_slashing_exit_before_the_liquidation_height_is_ignored(network: Any) -> None:
    entry = max(network.top.removed.values(), key=lambda entry: entry.liquidation_height)
    event = Exited(l2_height=150, pubkey_bls=entry.node.pubkey_bls, returned_amount=1)
    network.ledger.observe([event])
    assert entry.node.pubkey_bls in network.mine(6).removed


def test_node_that_left_the_contract_on_its_own_is_dropped(network: Any) -> None:
    node = running_node(network.top)
    deposit = node.registration.deposit
    network.ledger.observe([Exited(l2_height=150, pubkey_bls=node.pubkey_bls, returned_amount=deposit)])
    state = network.mine(6)
    assert node.pubkey not in state.nodes
    assert node.pubkey_bls not in state.removed


def test_same_keys_may_register_again_while_the_old_life_awaits_its_exit(network: Any) -> None:
    node = next(iter(network.top.removed.values())).node
    identity = next(network.identities[i] for i in range(70) if network.identities[i].pubkey == node.pubkey)
    deposit = node.registration.deposit
    network.ledger.observe([Exited(l2_height=150, pubkey_bls=node.pubkey_bls, returned_amount=deposit)])
    network.mine()
    network.ledger.observe([network.registration(identity)])
    pending = network.mine()
    assert node.pubkey_bls in pending.removed
    assert len(pending.pending) == 2
    state = network.mine(5)
    assert node.pubkey_bls not in state.removed
    assert state.nodes[node.pubkey].registration_height == state.height


def test_requirement_follows_the_contract_after_five_confirmations(network: Any) -> None:
    before = network.top.staking_requirement
    network.ledger.observe([RequirementChanged(l2_height=150, staking_requirement=1)])
    assert network.mine(5).staking_requirement == before
    assert network.mine().staking_requirement == 1


def test_every_block_pays_its_reward_and_never_more(network: Any) -> None:
    for _ in range(5):
        before = sum(network.top.balances.values())
        paid = sum(network.mine().balances.values()) - before
        assert BLOCK_REWARD * MILLI - 1000 <= paid <= BLOCK_REWARD * MILLI


def test_operator_fee_comes_first_and_the_rest_goes_by_stake_to_beneficiaries(network: Any) -> None:
    identity = network.newcomer()
    registered = network.registration(identity)
    network.ledger.observe([registered])
    network.mine(6)
    beneficiary = registered.registration.contributors[0].beneficiary
    before = network.top.balances.get(beneficiary, 0)
    after = network.mine()
    payable = sum(node.payable(after.height) for node in after.nodes.values())
    assert after.balances[beneficiary] - before >= BLOCK_REWARD * MILLI // payable - 1


def test_blocks_are_chained(network: Any) -> None:
    first, second = network.mine(), network.mine()
    assert second.block.prev_hash == first.block.hash
    assert second.height == first.height + 1


def test_reorganisation_replaces_blocks_and_reads_their_events_again(network: Any) -> None:
    identity = network.newcomer()
    common = network.mine()
    network.ledger.observe([network.registration(identity)])
    old = network.mine(3)
    new = network.ledger.reorganise(3)
    assert [state.height for state in new] == [common.height + number for number in (1, 2, 3, 4)]
    assert new[0].block.prev_hash == common.block.hash
    assert old.block.hash not in {state.block.hash for state in new}
    assert [pending.event.registration.pubkey for pending in network.top.pending] == [identity.pubkey]


@pytest.mark.parametrize("depth", [0, 2, 64])
def test_reorganisation_of_blocks_that_are_not_there_is_refused(network: Any, depth: int) -> None:
    network.mine()
    with pytest.raises(ValueError, match="reorganisation"):
        network.ledger.reorganise(depth)


def test_states_of_the_last_five_blocks_are_kept(network: Any) -> None:
    network.mine(8)
    top = network.top.height
    assert [network.ledger.state_at(top - behind) is not None for behind in range(6)] == [True] * 5 + [False]
    assert network.ledger.state_at(top + 1) is None


def test_same_seed_gives_the_same_network_and_another_seed_another(genesis: Callable[..., LedgerState]) -> None:
    assert genesis(3) == genesis(3)
    assert not genesis(3).nodes.keys() & genesis(4).nodes.keys()
