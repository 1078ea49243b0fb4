"""What one refresh reads, and what it does not read again."""

from typing import Any

import pytest

from sent_graphql.models.contracts import ContractParameters, Recipient
from sent_graphql.sources.contracts.abi import View
from sent_graphql.sources.contracts.errors import RpcMalformedReplyError
from sent_graphql.sources.contracts.source import ContractsSource
from sent_graphql.sources.errors import SourceMisconfiguredError


async def test_the_first_view_holds_all_that_the_contracts_hold(
    chain: Any, source: ContractsSource, person: Any
) -> None:
    chain.register(person(1), person(2))
    chain.register(person(3))
    chain.exit(1)
    chain.deploy(1, person(5))
    chain.credit(person(2), 500)
    chain.mine()

    view = await source.fetch(None, {person(77)})

    assert (view.chain_id, view.block_number, view.block_hash) == (31337, chain.head, chain.blocks[-1].hash)
    assert view.block_timestamp == 1_700_000_000 + chain.head
    assert view.nodes == chain.state.nodes
    assert list(view.nodes) == [2]
    assert view.parameters == ContractParameters(
        staking_requirement=25_000 * 10**9,
        max_contributors=10,
        paused=False,
        claim_threshold=10**15,
        claim_cycle_seconds=43_200,
        current_claim_cycle=3,
        current_claim_total=5,
        bls_non_signer_threshold=1,
        aggregate_pubkey=f"{sum(divmod(int(view.nodes[2].pubkey_bls, 16), 2**256)):064x}{1:064x}",
        signature_expiry=600,
        reward_rate=123_456,
    )
    assert view.recipients == {person(3): Recipient(0, 0), person(77): Recipient(0, 0)}
    assert (view.contribution_contracts, view.registrations) == ({}, {}), "only past events know them"
    assert not view.scan.complete


async def test_a_quiet_refresh_takes_two_round_trips_and_shares_everything(
    chain: Any, source: ContractsSource, person: Any
) -> None:
    chain.register(person(1))
    chain.mine()
    first = await source.fetch(None, {person(5)})
    chain.mine(4)
    chain.calls.clear()
    before = chain.round_trips

    second = await source.fetch(first, {person(5)})

    assert chain.round_trips - before == 2
    assert second.block_number == first.block_number + 4
    assert second.nodes is first.nodes
    assert second.recipients is first.recipients
    assert second.registrations is first.registrations
    assert second.contribution_contracts is first.contribution_contracts
    assert second.exits is first.exits
    assert second.parameters is first.parameters
    assert {chain.count(view) for view in (View.ALL_SERVICE_NODE_IDS, View.SERVICE_NODES, View.RECIPIENTS)} == {0}


async def test_no_new_block_gives_the_same_view(chain: Any, source: ContractsSource) -> None:
    chain.register()
    chain.mine()
    first = await source.fetch(None, ())
    first = await source.fetch(first, ())
    assert await source.fetch(first, ()) is first


async def test_a_registration_reads_the_new_node_alone(chain: Any, source: ContractsSource, person: Any) -> None:
    for _ in range(3):
        chain.register()
    chain.mine()
    first = await source.fetch(None, ())
    chain.calls.clear()
    new = chain.register(person(1), person(2), fee=700)
    chain.mine()
    before = chain.round_trips

    second = await source.fetch(first, ())

    assert chain.round_trips - before <= 4
    assert second.nodes == chain.state.nodes
    assert [argument for view, argument in chain.calls if view is View.SERVICE_NODES] == [new]
    assert second.nodes[1] is first.nodes[1]
    registration = second.registrations[new]
    assert (registration.fee, registration.operator) == (700, person(1))
    assert registration.contributors == second.nodes[new].contributors
    assert registration.block_number == chain.head
    assert registration.contribution_contract is None
    assert {person(1), person(2)} <= second.recipients.keys()


async def test_a_seeded_node_has_its_registration_from_the_contract(
    chain: Any, source: ContractsSource, person: Any
) -> None:
    first = await source.fetch(None, ())
    chain.register(person(1), person(2), seeded=True)
    chain.mine()
    view = await source.fetch(first, ())
    registration, node = view.registrations[1], view.nodes[1]
    assert (registration.fee, registration.operator, registration.added_at) == (None, person(1), node.added_at)
    assert registration.contributors == node.contributors


async def test_an_exit_leaves_a_gap_in_the_ids(chain: Any, source: ContractsSource) -> None:
    for _ in range(3):
        chain.register()
    chain.mine()
    first = await source.fetch(None, ())
    chain.exit(2)
    chain.mine()
    second = await source.fetch(first, ())
    assert list(second.nodes) == [1, 3]
    assert list(second.exits) == [2]
    assert second.nodes[3] is first.nodes[3]


async def test_the_same_keys_registered_again_are_another_id(chain: Any, source: ContractsSource) -> None:
    keys = {"pubkey": f"{5:064x}", "pubkey_bls": f"{6:064x}{7:064x}"}
    chain.register(**keys)
    chain.mine()
    first = await source.fetch(None, ())
    chain.exit(1)
    chain.register(**keys)
    chain.mine()
    second = await source.fetch(first, ())
    assert list(second.nodes) == [2]
    assert list(second.exits) == [1]
    assert second.registrations[2].pubkey == second.nodes[2].pubkey == first.nodes[1].pubkey


async def test_leading_zero_bytes_of_keys_are_kept(chain: Any, source: ContractsSource, person: Any) -> None:
    first = await source.fetch(None, ())
    chain.register(pubkey="00" * 3 + "ab" * 29, pubkey_bls="00" * 2 + "cd" * 30 + "00" + "ef" * 31)
    chain.deploy(1, person(1))
    chain.mine()
    view = await source.fetch(first, ())
    assert view.nodes[1].pubkey == view.registrations[1].pubkey == "00" * 3 + "ab" * 29
    assert view.nodes[1].pubkey_bls == view.registrations[1].pubkey_bls == "00" * 2 + "cd" * 30 + "00" + "ef" * 31
    (contract,) = view.contribution_contracts.values()
    assert (len(contract.pubkey), len(contract.pubkey_bls)) == (64, 128)


async def test_an_exit_request_reads_that_node_again(chain: Any, source: ContractsSource) -> None:
    for _ in range(3):
        chain.register()
    chain.mine()
    first = await source.fetch(None, ())
    chain.calls.clear()
    chain.request_exit(2, at=1_800_000_000)
    chain.mine()
    second = await source.fetch(first, ())
    assert second.nodes[2].leave_requested_at == 1_800_000_000
    assert [argument for view, argument in chain.calls if view is View.SERVICE_NODES] == [2]
    assert chain.count(View.ALL_SERVICE_NODE_IDS) == 0
    assert second.nodes[1] is first.nodes[1]


async def test_recipients_are_read_at_discovery_and_then_when_events_name_them(
    chain: Any, source: ContractsSource, person: Any
) -> None:
    chain.register(person(1))
    chain.mine()
    first = await source.fetch(None, {person(2)})
    chain.calls.clear()
    chain.credit(person(1), 900)
    chain.mine()
    second = await source.fetch(first, {person(2)})
    assert second.recipients[person(1)] == Recipient(900, 0)
    assert second.recipients[person(2)] is first.recipients[person(2)]
    chain.claim(person(1), 400)
    chain.credit(person(3), 5)
    chain.mine()
    third = await source.fetch(second, {person(2), person(4)})
    assert third.recipients[person(1)] == Recipient(900, 400)
    assert third.recipients[person(3)] == Recipient(5, 0), "the event discovers the wallet"
    assert third.recipients[person(4)] == Recipient(0, 0)
    read = [argument for view, argument in chain.calls if view is View.RECIPIENTS]
    assert sorted(read) == [1, 1, 3, 4]


@pytest.mark.parametrize("multicall", [True, False])
async def test_round_trips_do_not_grow_with_the_network(
    chain: Any, source: ContractsSource, person: Any, multicall: bool
) -> None:
    chain.node.multicall = multicall
    empty = await source.fetch(None, ())
    for _ in range(2000):
        chain.register(person(1), person(2), person(3))
    contracts = [chain.deploy(number, person(1)) for number in range(100)]
    chain.mine()
    first = await source.fetch(empty, ())
    assert (len(first.nodes), len(first.contribution_contracts)) == (2000, 100)
    chain.mine()
    before = chain.round_trips
    quiet = await source.fetch(first, ())
    assert chain.round_trips - before == 2
    chain.register(person(4), person(5))
    chain.exit(77)
    chain.request_exit(78)
    chain.contribute(contracts[3], person(6), 10**9, at=1_700_000_500)
    chain.deploy(100, person(7))
    chain.credit(person(1), 10)
    chain.mine()
    before = chain.round_trips
    busy = await source.fetch(quiet, ())
    assert chain.round_trips - before <= 6
    assert busy.nodes == chain.state.nodes
    assert busy.contribution_contracts[contracts[3]].contributions[0].contributed_at == 1_700_000_500
    assert len(busy.contribution_contracts) == 101
    assert busy.nodes[2000] is first.nodes[2000]


async def test_a_node_list_over_the_providers_cap_is_walked_in_chunks(
    chain: Any, make_source: Any, person: Any
) -> None:
    chain.refused_views = {View.ALL_SERVICE_NODE_IDS}
    for _ in range(25):
        chain.register()
    for gone in (1, 7, 25):
        chain.exit(gone)
    chain.mine()
    source = await make_source(node_list_chunk=10)
    first = await source.fetch(None, ())
    assert first.nodes == chain.state.nodes
    assert {argument for view, argument in chain.calls if view is View.SERVICE_NODES} == set(range(1, 26))
    chain.calls.clear()
    new = chain.register()
    chain.exit(3)
    chain.mine()
    second = await source.fetch(first, ())
    assert second.nodes == chain.state.nodes
    assert [argument for view, argument in chain.calls if view is View.SERVICE_NODES] == [new]
    assert chain.count(View.ALL_SERVICE_NODE_IDS) == 0, "what is refused is not asked for again"


async def test_a_walk_follows_where_events_do_not_explain_the_list(chain: Any, make_source: Any) -> None:
    chain.refused_views = {View.ALL_SERVICE_NODE_IDS}
    for _ in range(5):
        chain.register()
    chain.mine()
    source = await make_source()
    first = await source.fetch(None, ())
    del chain.state.nodes[2]
    chain.mine()
    second = await source.fetch(first, ())
    assert list(second.nodes) == [1, 3, 4, 5]


async def test_the_list_is_believed_over_a_count_that_has_drifted(chain: Any, source: ContractsSource) -> None:
    chain.register()
    chain.register()
    chain.state.numbers[View.TOTAL_NODES] = 77
    chain.mine()
    view = await source.fetch(None, ())
    assert view.nodes == chain.state.nodes


@pytest.mark.parametrize(
    ("address", "setting"),
    [("rewards", "service_node_rewards"), ("factory", "contribution_factory"), ("pool", "reward_rate_pool")],
)
async def test_an_address_without_code_is_refused_by_its_setting(
    chain: Any, source: ContractsSource, addresses: Any, address: str, setting: str
) -> None:
    chain.codeless = {getattr(addresses, address)}
    with pytest.raises(SourceMisconfiguredError, match=f"contracts.{setting}"):
        await source.fetch(None, ())
    chain.codeless = set()
    assert (await source.fetch(None, ())).nodes == {}


@pytest.mark.parametrize("view", [View.MAX_CONTRIBUTORS, View.CLAIM_CYCLE])
async def test_a_number_that_graphql_cannot_answer_with_is_a_failed_poll_that_names_the_view(
    chain: Any, source: ContractsSource, view: View
) -> None:
    chain.state.numbers[view] = 2**31
    chain.mine()
    with pytest.raises(RpcMalformedReplyError, match=f"{view.value[:-2]}.* 2147483648 in word 0"):
        await source.fetch(None, ())


async def test_without_factory_and_pool_what_they_feed_is_empty(chain: Any, make_source: Any, person: Any) -> None:
    source = await make_source(contribution_factory=None, reward_rate_pool=None)
    first = await source.fetch(None, ())
    chain.deploy(1, person(1))
    chain.register()
    chain.mine()
    view = await source.fetch(first, ())
    assert view.parameters.reward_rate is None
    assert view.contribution_contracts == {}
    assert list(view.registrations) == [1]


async def test_logs_that_were_removed_or_not_asked_for_are_no_data(
    chain: Any, source: ContractsSource, person: Any
) -> None:
    chain.register(person(1))
    chain.mine()
    first = await source.fetch(None, ())
    chain.mine()
    log = chain.blocks[-2].logs[0]
    here = {"blockNumber": hex(chain.head), "blockHash": chain.blocks[-1].hash}
    chain.foreign_logs = [
        log | here | {"removed": True},
        log,
        log | here | {"address": person(99)},
    ]
    view = await source.fetch(first, ())
    assert view.registrations == {}
    assert view.nodes is first.nodes


async def test_a_restart_goes_on_from_a_kept_view(chain: Any, make_source: Any, person: Any) -> None:
    chain.register(person(1))
    chain.register(person(2))
    chain.mine()
    kept = await (await make_source()).fetch(None, ())
    chain.credit(person(1), 50)
    chain.exit(2)
    chain.mine(3)
    chain.calls.clear()
    view = await (await make_source()).fetch(kept, ())
    assert view.nodes == chain.state.nodes
    assert view.nodes[1] is kept.nodes[1]
    assert view.recipients[person(1)] == Recipient(50, 0)
    assert chain.count(View.SERVICE_NODES) == 0
