"""A reorganisation takes back what was read, and what events told, above the fork point."""

from typing import Any

import pytest
from aiohttp import web

from sent_graphql.models.contracts import Recipient
from sent_graphql.sources.contracts.abi import View
from sent_graphql.sources.contracts.block_batch import BlockMovedError
from sent_graphql.sources.contracts.fork import ChainBehindError
from sent_graphql.sources.contracts.source import ContractsSource


async def test_what_the_lost_branch_told_is_forgotten(chain: Any, source: ContractsSource, person: Any) -> None:
    chain.register(person(1))
    chain.mine(3)
    first = await source.fetch(None, ())
    lost = chain.deploy(1, person(2))
    chain.register(person(3), fee=1)
    chain.exit(1)
    chain.credit(person(4), 70)
    chain.mine()
    second = await source.fetch(first, ())
    assert (list(second.nodes), list(second.registrations), list(second.exits)) == ([2], [2], [1])
    assert lost in second.contribution_contracts

    chain.reorganise(1, length=0)
    chain.register(person(5), fee=2)
    chain.mine(2)
    third = await source.fetch(second, ())

    assert third.nodes == chain.state.nodes
    assert third.nodes[1] == first.nodes[1]
    assert (third.registrations[2].operator, third.registrations[2].fee) == (person(5), 2)
    assert third.exits == {}
    assert third.contribution_contracts == {}
    assert third.recipients[person(4)] == Recipient(0, 0)


async def test_after_a_reorganisation_everything_that_can_change_is_read_again(
    chain: Any, source: ContractsSource, person: Any
) -> None:
    chain.register(person(1))
    chain.mine(3)
    view = await source.fetch(None, ())
    address = chain.deploy(1, person(1))
    chain.mine()
    view = await source.fetch(view, ())
    chain.request_exit(1)
    chain.contribute(address, person(1), 5, at=1)
    chain.credit(person(1), 8)
    chain.mine()
    view = await source.fetch(view, ())
    chain.reorganise(1, length=2)
    after = await source.fetch(view, ())
    assert after.nodes[1].leave_requested_at is None
    assert after.contribution_contracts[address].contributions == ()
    assert after.recipients[person(1)] == Recipient(0, 0)


async def test_a_reorganisation_that_changed_nothing_keeps_every_part(
    chain: Any, source: ContractsSource, person: Any
) -> None:
    chain.register(person(1))
    chain.mine(5)
    first = await source.fetch(None, ())
    chain.reorganise(2, length=3)
    second = await source.fetch(first, ())
    assert second.block_hash == chain.blocks[-1].hash
    assert (second.nodes, second.recipients) == (first.nodes, first.recipients)
    assert second.nodes is first.nodes
    assert second.recipients is first.recipients


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_a_reorganisation_to_the_same_or_a_greater_height_is_seen(
    chain: Any, source: ContractsSource, person: Any, length: int
) -> None:
    chain.mine(4)
    first = await source.fetch(None, ())
    chain.mine()
    chain.register(person(1))
    chain.mine()
    second = await source.fetch(first, ())
    assert list(second.registrations) == [1]
    chain.reorganise(1, length=length)
    third = await source.fetch(second, ())
    assert (third.nodes, third.registrations) == ({}, {})


async def test_a_deeper_reorganisation_than_hashes_are_kept_forgets_all_events(
    chain: Any, make_source: Any, scan_through: Any, person: Any
) -> None:
    source = await make_source(reorg_depth=4)
    chain.register(person(1))
    chain.mine(20)
    view = await source.fetch(None, ())
    await scan_through(source)
    view = await source.fetch(view, ())
    assert list(view.registrations) == [1]
    chain.reorganise(15)
    view = await source.fetch(view, ())
    assert list(view.nodes) == [1]
    await scan_through(source)
    view = await source.fetch(view, ())
    assert list(view.registrations) == [1]
    assert view.scan.complete


async def test_a_chain_that_lags_is_a_failed_poll(chain: Any, source: ContractsSource) -> None:
    chain.mine(5)
    view = await source.fetch(None, ())
    ahead = chain.blocks[-2:]
    del chain.blocks[-2:]
    with pytest.raises(ChainBehindError):
        await source.fetch(view, ())
    chain.blocks.extend(ahead)
    assert (await source.fetch(view, ())).block_hash == view.block_hash


async def test_an_endpoint_that_lags_is_left_for_one_that_does_not(
    chain: Any, make_node: Any, make_source: Any
) -> None:
    def two_behind(params: list[Any]) -> object:
        return chain.node.methods["eth_getBlockByNumber"]([hex(chain.head - 2) if params[0] == "latest" else params[0]])

    lagging = await make_node()
    lagging.methods = {**chain.node.methods, "eth_getBlockByNumber": two_behind}
    source = await make_source(lagging.url)
    chain.mine(5)
    view = await source.fetch(None, ())
    chain.node.standing_fault = lambda _: web.Response(status=503)
    with pytest.raises(ChainBehindError):
        await source.fetch(view, ())
    chain.node.standing_fault = None
    assert await source.fetch(view, ()) is view


async def test_a_shorter_branch_is_a_reorganisation(chain: Any, source: ContractsSource, person: Any) -> None:
    chain.mine(10)
    view = await source.fetch(None, ())
    chain.register(person(1))
    chain.mine(4)
    view = await source.fetch(view, ())
    chain.reorganise(6, length=4)
    view = await source.fetch(view, ())
    assert (view.block_number, view.nodes, view.registrations) == (chain.head, {}, {})


async def test_another_chain_in_its_place_is_read_from_the_beginning(
    chain: Any, source: ContractsSource, scan_through: Any, person: Any
) -> None:
    chain.register(person(1), fee=1)
    chain.mine(30)
    view = await source.fetch(None, ())
    await scan_through(source)
    view = await source.fetch(view, ())
    chain.replace_all()
    chain.register(person(2), fee=2)
    chain.mine(2)
    view = await source.fetch(view, ())
    await scan_through(source)
    view = await source.fetch(view, ())
    assert view.block_number == chain.head
    assert (view.registrations[1].fee, view.nodes[1].operator) == (2, person(2))


async def test_a_refresh_begins_anew_when_its_block_is_replaced(
    chain: Any, source: ContractsSource, person: Any
) -> None:
    chain.mine(5)
    view = await source.fetch(None, ())
    chain.register(person(1))
    chain.mine()
    moved = False

    def replace_once(method: str, params: list[Any]) -> None:
        nonlocal moved
        if method == "eth_getLogs" and not moved:
            moved = True
            chain.reorganise(1, length=0)
            chain.register(person(2))
            chain.mine()

    chain.before_answer = replace_once
    view = await source.fetch(view, ())
    assert moved
    assert view.block_hash == chain.blocks[-1].hash
    assert view.nodes[1].operator == view.registrations[1].operator == person(2)


async def test_a_chain_that_never_stands_still_is_a_failed_poll(chain: Any, source: ContractsSource) -> None:
    chain.mine(5)
    view = await source.fetch(None, ())

    def replace_always(method: str, params: list[Any]) -> None:
        if method == "eth_getLogs":
            chain.reorganise(1)

    chain.before_answer = replace_always
    chain.mine()
    with pytest.raises(BlockMovedError):
        await source.fetch(view, ())
    chain.before_answer = lambda method, params: None
    assert (await source.fetch(view, ())).block_hash == chain.blocks[-1].hash


async def test_after_a_long_outage_all_is_read_anew_and_the_gap_is_scanned(
    chain: Any, make_source: Any, scan_through: Any, person: Any
) -> None:
    source = await make_source(scan_range_max=10, scan_range=10)
    chain.register(person(1))
    chain.mine(2)
    view = await source.fetch(None, ())
    await scan_through(source)
    chain.register(person(2))
    chain.request_exit(1, at=42)
    chain.mine(40)
    view = await source.fetch(view, ())
    assert view.nodes == chain.state.nodes
    assert not view.scan.complete
    await scan_through(source)
    view = await source.fetch(view, ())
    assert list(view.registrations) == [1, 2]
    assert view.scan.complete


@pytest.mark.parametrize("limit", ["max_range", "max_addresses"])
async def test_logs_of_a_refresh_are_asked_for_in_pieces_where_the_provider_bounds_them(
    chain: Any, source: ContractsSource, scan_through: Any, person: Any, limit: str
) -> None:
    contracts = [chain.deploy(number, person(1)) for number in range(5)]
    chain.mine()
    view = await source.fetch(None, ())
    await scan_through(source)
    view = await source.fetch(view, ())
    setattr(chain, limit, 3)
    for _ in range(2):
        chain.calls.clear()
        trips = chain.round_trips
        chain.contribute(contracts[-1], person(2), 10, at=1)
        chain.mine(9)
        view = await source.fetch(view, ())
        assert view.contribution_contracts[contracts[-1]].contributions[-1].address == person(2)
        assert chain.count(View.ALL_SERVICE_NODE_IDS) == 0
        assert chain.count(View.STATUS) == 1
    assert chain.round_trips - trips <= 4, "the limit is remembered"


async def test_logs_that_the_provider_refuses_are_left_to_the_scan(
    chain: Any, source: ContractsSource, scan_through: Any, person: Any
) -> None:
    view = await source.fetch(None, ())
    chain.register(person(1))
    chain.mine(100)
    chain.max_range = 1
    chain.calls.clear()
    view = await source.fetch(view, ())
    assert list(view.nodes) == [1]
    assert chain.count(View.ALL_SERVICE_NODE_IDS) == 1
    await scan_through(source)
    view = await source.fetch(view, ())
    assert list(view.registrations) == [1]
