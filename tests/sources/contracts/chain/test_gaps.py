"""An endpoint that leaves out logs: what the contract's own figures tell of it, and how it is mended."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.models.history import EventFilter
from sent_graphql.models.pages import Window
from sent_graphql.sources.contracts import mending
from sent_graphql.sources.contracts.gaps import MOST_MISSING, find_gap
from sent_graphql.sources.contracts.source import ContractsSource
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.events import EventStore
from sent_graphql.tasks import end

FIRST, LAST = 5, 1_000
BLOCKS_A_NODE = 10


def block_of(contract_id: int) -> int:
    return FIRST + BLOCKS_A_NODE * contract_id


@given(
    nodes=st.integers(0, 30),
    gone=st.sets(st.integers(1, 30)),
    unregistered=st.sets(st.integers(1, 30)),
    unexited=st.sets(st.integers(1, 30)),
)
def test_what_no_event_told_is_found_with_the_blocks_where_it_was(
    nodes: int, gone: set[int], unregistered: set[int], unexited: set[int]
) -> None:
    ids = set(range(1, nodes + 1))
    unregistered, unexited = unregistered & ids, unexited & gone & ids
    registered = {contract_id: block_of(contract_id) for contract_id in ids - unregistered}
    gap = find_gap(nodes + 1, ids - gone, registered, gone - unexited, first=FIRST, last=LAST)
    if not unregistered and not unexited:
        assert gap is None
        return
    assert gap is not None
    assert (set(gap.registrations), set(gap.exits)) == (unregistered, unexited)
    assert FIRST <= gap.first <= gap.last <= LAST
    assert all(gap.first <= block_of(contract_id) <= gap.last for contract_id in unregistered)
    # An exit may be anywhere after the registration.
    assert not unexited or (gap.first <= block_of(min(unexited)) and gap.last == LAST)


def test_a_message_names_few_nodes_and_counts_the_rest() -> None:
    gap = find_gap(9, {3, 4, 5, 6, 7, 8}, {}, {1}, first=FIRST, last=LAST)
    assert "the registration of nodes 1, 2, 3, 4, 5 and 3 more and the exit of node 2:" in str(gap)


def test_a_next_id_beyond_all_measure_is_looked_at_within_bounds() -> None:
    gap = find_gap(2**64, {1}, {1: FIRST}, set(), first=FIRST, last=LAST)
    assert gap is not None
    assert len(gap.registrations) == len(gap.exits) == MOST_MISSING


async def test_logs_left_out_by_the_scan_are_read_again_and_stored_in_their_place(
    chain: Any, source: ContractsSource, scan_through: Any, person: Any, database: Database
) -> None:
    chain.register(person(1))
    chain.mine(2)
    chain.register(person(2))
    chain.mine(2)
    chain.left_out = {chain.head - 1}
    view = await source.fetch(None, ())
    await scan_through(source)
    view = await source.fetch(view, ())
    assert "the registration of node 2" in (source.progress.error or "")
    assert not source.progress.complete
    assert not view.scan.complete
    assert (list(view.nodes), list(view.registrations)) == ([1, 2], [1])

    chain.left_out = set()
    await scan_through(source)
    view = await source.fetch(view, ())
    assert list(view.registrations) == [1, 2]
    assert (source.progress.complete, source.progress.error) == (True, None)
    store = EventStore(database, reorg_depth=100)
    kept = await store.events(EventFilter(), Window(first=10))
    assert [event.contract_id for event in kept.items] == [2, 1]


async def test_what_stays_left_out_is_asked_for_a_bounded_number_of_times(
    chain: Any, source: ContractsSource, scan_through: Any, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mending, "PAUSE_INITIAL", 0.0)
    chain.register(person(1))
    chain.mine(2)
    chain.left_out = set(range(chain.head + 1))
    view = await source.fetch(None, ())
    await scan_through(source)
    view = await source.fetch(view, ())
    for _ in range(mending.TRIES):
        chain.log_queries.clear()
        await scan_through(source)
        assert chain.log_queries, "the missing blocks are read again"
        view = await source.fetch(view, ())
    chain.log_queries.clear()
    scanning = asyncio.create_task(source.scan(lambda: None))
    chain.mine()
    view = await source.fetch(view, ())
    await end([scanning])
    assert chain.log_queries == [(chain.head, chain.head)]
    assert "the registration of node 1" in (source.progress.error or "")
    assert list(view.nodes) == [1]


async def test_a_rollback_forgets_what_was_missing_on_the_lost_branch(
    chain: Any, source: ContractsSource, scan_through: Any, person: Any
) -> None:
    view = await source.fetch(None, ())
    await scan_through(source)
    chain.left_out = {chain.head + 1}
    chain.register(person(1))
    chain.mine(2)
    view = await source.fetch(view, ())
    assert "the registration of node 1" in (source.progress.error or "")
    chain.left_out = set()
    chain.reorganise(2)
    view = await source.fetch(view, ())
    assert source.progress.error is None
    assert not view.nodes
    await scan_through(source)
    assert source.progress.complete


async def test_all_is_read_anew_now_and_then_whatever_events_tell(
    chain: Any, make_source: Any, scan_through: Any, person: Any
) -> None:
    contract_id = chain.register(person(1))
    chain.mine()
    source = await make_source(reread_interval=1e-9)
    view = await source.fetch(None, ())
    await scan_through(source)
    view = await source.fetch(view, ())
    chain.left_out = {chain.head + 1}
    chain.request_exit(contract_id)
    chain.credit(person(1), 77)
    chain.mine()
    view = await source.fetch(view, ())
    assert view.nodes[contract_id].leave_requested_at is not None
    assert view.recipients[person(1)].credited == 77
    assert view.scan.complete, "of exit requests and rewards, no trace is left that would tell"
