"""Lists of events out of a real database: filters, pages, and how far the request's snapshot lets them go."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sent_graphql.models.history import EventFilter, StakingEvent, StakingEventKind
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.resolvers.errors import BadUserInputError
from sent_graphql.resolvers.history import MAX_BLOCK, block_number, find_event, list_events
from sent_graphql.resolvers.paging import PageArguments
from sent_graphql.resolvers.services import Services
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.events import EventStore

OPTIONS = ResolverOptions(nettype="mainnet", default_page_size=3, max_page_size=50)
KINDS = (StakingEventKind.NEW_SERVICE_NODE, StakingEventKind.REWARDS_CLAIMED, StakingEventKind.PAUSED)
FIRST_BLOCK = 1


def event(block: int, index: int, branch: str = "a") -> StakingEvent:
    """An event whose fields follow from its place."""
    return StakingEvent(
        kind=KINDS[(block + index) % len(KINDS)],
        contract="0xC0",
        block_number=block,
        block_hash="0x" + f"{branch}{block:03}".rjust(64, "0"),
        timestamp=datetime.fromtimestamp(1_700_000_000 + block, UTC),
        transaction_hash=f"0x{block:064x}",
        log_index=index,
        initiator=None,
        wallet=f"wallet {block % 2}",
        amount=None,
        contract_id=index,
        pubkey=f"key {block % 3}",
        contribution_contract_address=f"contract {block % 2}",
        arguments=(),
    )


def events_of(*blocks: int) -> list[StakingEvent]:
    """Up to two events of each block, oldest first."""
    return [event(block, index) for block in blocks for index in range(block % 3)]


def matches(one: StakingEvent, wanted: EventFilter) -> bool:
    return (
        (wanted.kinds is None or one.kind in wanted.kinds)
        and (wanted.contract_id is None or one.contract_id == wanted.contract_id)
        and (wanted.pubkey is None or one.pubkey == wanted.pubkey)
        and (wanted.wallet is None or one.wallet == wanted.wallet)
        and (wanted.contribution_contract is None or one.contribution_contract_address == wanted.contribution_contract)
        and (wanted.from_block is None or one.block_number >= wanted.from_block)
        and (wanted.to_block is None or one.block_number <= wanted.to_block)
    )


class Chain(NamedTuple):
    """A history that grows, and requests at its heights."""

    make: Any
    store: EventStore

    async def begin(self) -> None:
        await self.store.begin(FIRST_BLOCK, event(FIRST_BLOCK, 0).block_hash, None, None)

    async def tell(self, first: int, last: int, told: list[StakingEvent]) -> None:
        await self.store.write(first, last, hashes={last: event(last, 0).block_hash}, told=told)

    def context(self, height: int) -> RequestContext:
        snapshot = self.make.snapshot(self.make.state(l2_height=height))
        return RequestContext(snapshot, OPTIONS, Services(history=self.store))


@pytest.fixture
async def chain(make: Any, database: Database) -> Chain:
    """An empty history."""
    chain = Chain(make, EventStore(database, 100))
    await chain.begin()
    return chain


BLOCKS = st.none() | st.integers(0, 30)
FILTERS = st.builds(
    EventFilter,
    kinds=st.none() | st.frozensets(st.sampled_from(KINDS), max_size=2),
    contract_id=st.none() | st.integers(0, 1),
    pubkey=st.none() | st.sampled_from(["key 1", "key 2"]),
    wallet=st.none() | st.sampled_from(["wallet 0", "wallet 9"]),
    contribution_contract=st.none() | st.just("contract 1"),
    from_block=BLOCKS,
    to_block=BLOCKS,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), wanted=FILTERS, forwards=st.booleans())
async def test_every_event_is_seen_once_in_order_though_blocks_come_between_the_pages(
    chain: Chain, data: st.DataObject, wanted: EventFilter, forwards: bool
) -> None:
    await chain.begin()
    height = 15
    await chain.tell(FIRST_BLOCK, height, events_of(*range(FIRST_BLOCK, height + 1)))
    there = [one for one in reversed(events_of(*range(FIRST_BLOCK, height + 1))) if matches(one, wanted)]
    seen: list[StakingEvent] = []
    cursor, more = None, True
    while more:
        size = data.draw(st.integers(1, 9))
        arguments = PageArguments(first=size, after=cursor) if forwards else PageArguments(last=size, before=cursor)
        page = await list_events(chain.context(height), wanted, arguments)
        seen = [*seen, *page.nodes] if forwards else [*page.nodes, *seen]
        info = page.page_info
        more = info.has_next_page if forwards else info.has_previous_page
        cursor = info.end_cursor if forwards else info.start_cursor
        come = data.draw(st.integers(0, 2)) if height < 25 else 0
        if come:
            await chain.tell(height + 1, height + come, events_of(*range(height + 1, height + come + 1)))
            height += come
    assert [one for one in seen if one in there] == there
    assert seen == sorted(set(seen), key=lambda one: -one.position)
    assert all(matches(one, wanted) for one in seen)


async def test_a_cursor_goes_on_where_a_reorganisation_took_its_event(chain: Chain) -> None:
    await chain.tell(FIRST_BLOCK, 12, events_of(*range(FIRST_BLOCK, 13)))
    first = await list_events(chain.context(12), EventFilter(), PageArguments(first=2))
    await chain.store.write(11, 12, hashes={12: "0xb12"}, told=[event(11, 0, "b")])
    after = await list_events(chain.context(12), EventFilter(), PageArguments(first=2, after=first.edges[-1].cursor))
    assert [(one.block_number, one.log_index) for one in first.nodes] == [(11, 1), (11, 0)]
    assert [(one.block_number, one.log_index) for one in after.nodes] == [(10, 0), (8, 1)]


async def test_an_event_of_a_lost_branch_is_found_no_more(chain: Chain) -> None:
    lost, kept = event(11, 0), event(11, 0, "b")
    await chain.tell(FIRST_BLOCK, 11, [lost])
    assert await find_event(chain.context(11), lost.id, f"11.{lost.block_hash}.0") == lost
    await chain.tell(11, 11, [kept])
    assert await find_event(chain.context(11), lost.id, f"11.{lost.block_hash}.0") is None
    assert await find_event(chain.context(11), kept.id, f"11.{kept.block_hash}.0") == kept


async def test_a_snapshot_that_is_behind_shows_what_it_showed_before(chain: Chain) -> None:
    await chain.tell(FIRST_BLOCK, 12, events_of(*range(FIRST_BLOCK, 13)))
    before = await list_events(chain.context(8), EventFilter(), PageArguments(first=5))
    await chain.tell(13, 20, events_of(*range(13, 21)))
    assert await list_events(chain.context(8), EventFilter(), PageArguments(first=5)) == before
    assert before.nodes[0].block_number == 8
    assert not before.page_info.has_previous_page


@pytest.mark.parametrize("number", [None, 0, MAX_BLOCK])
def test_blocks_that_there_may_be_are_taken(number: int | None) -> None:
    assert block_number(number, argument="filter.toBlock") == number


@pytest.mark.parametrize("number", [-1, MAX_BLOCK + 1])
def test_blocks_that_there_cannot_be_are_refused(number: int) -> None:
    with pytest.raises(BadUserInputError, match="a block from 0 to"):
        block_number(number, argument="filter.toBlock")
