"""Events and registrations through the schema, out of a real database of either kind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL

from sent_graphql.models.global_id import global_id
from sent_graphql.models.history import EventArgument, EventFilter, StakingEvent, StakingEventKind
from sent_graphql.models.pages import Slice, Window
from sent_graphql.models.registrations import Registration, RegistrationKind
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.resolvers.services import Services
from sent_graphql.schema.build import ServedSchema
from sent_graphql.settings import DatabaseSettings, RegistrationsSettings
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.events import EventStore
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.database.registrations import RegistrationStore


def never(_pubkey: str) -> bool:
    """No node is registered."""
    return False


TOP = 40
"""The snapshot's L2 block; the database is two ahead."""

KINDS = (StakingEventKind.NEW_SERVICE_NODE, StakingEventKind.REWARDS_CLAIMED, StakingEventKind.NEW_CONTRIBUTION)
PAGES = """query($filter: StakingEventFilter, $first: Int, $after: String, $last: Int, $before: String) {
  events(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id blockNumber } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }"""

PART = "fragment P on StakingEventConnection { nodes { id } }"


class Asker:
    """Asks the schema for mainnet about one state and what a database holds."""

    def __init__(self, schema: ServedSchema, snapshot: Any, services: Services) -> None:
        self._schema = schema
        self._context = RequestContext(snapshot, ResolverOptions("mainnet", 100, 2500), services)

    async def data(self, question: str, **variables: Any) -> Any:
        """The answer, which must be free of errors."""
        result = await self._schema.execute(question, variable_values=variables, context_value=self._context)
        assert result.errors is None, result.errors
        return result.data

    async def error(self, question: str, **variables: Any) -> Any:
        """Extensions of the one error of the answer."""
        result = await self._schema.execute(question, variable_values=variables, context_value=self._context)
        assert result.errors is not None
        (error,) = result.errors
        return error.extensions


def event(make: Any, block: int, index: int = 0) -> StakingEvent:
    """An event whose fields follow from its place: two in each block."""
    return StakingEvent(
        kind=KINDS[block % 3],
        contract=make.address(0xE0),
        block_number=block,
        block_hash=f"0x{block:064x}",
        timestamp=datetime.fromtimestamp(1_700_000_000 + block, UTC),
        transaction_hash=f"0x{block:063x}{index:x}",
        log_index=index,
        initiator=make.address(9),
        wallet=make.address(1 + block % 2),
        amount=2**70 + block,
        contract_id=1 + block % 4,
        pubkey=make.pubkey(1 + block % 4),
        contribution_contract_address=make.address(0xC001) if block % 3 == 2 else None,
        arguments=(EventArgument("amount", str(2**70 + block)),),
    )


@pytest.fixture
def told(make: Any) -> list[StakingEvent]:
    """All events of the chain, newest first."""
    return [event(make, block, index) for block in range(TOP + 2, 9, -1) for index in (1, 0)]


@pytest.fixture
async def ask(schema: ServedSchema, make: Any, database: Database, told: list[StakingEvent]) -> Asker:
    """Whom to ask about a network with nodes 1 to 3, and the events of above."""
    store = EventStore(database, 100)
    await store.begin(10, told[-1].block_hash, None, None)
    await store.write(10, TOP + 2, hashes={TOP + 2: told[0].block_hash}, told=list(reversed(told)))
    state = make.state(*(make.node(number) for number in (1, 2, 3)), contracts=(make.contract(1),), l2_height=TOP)
    registrations = RegistrationStore(database, RegistrationsSettings(), never)
    return Asker(schema, make.snapshot(state), Services(history=store, registrations=registrations))


def shown(told: list[StakingEvent]) -> list[StakingEvent]:
    """Those that the snapshot has come to."""
    return [one for one in told if one.block_number <= TOP]


async def test_an_event_tells_all_that_is_known_of_it(ask: Asker, make: Any, told: list[StakingEvent]) -> None:
    data = await ask.data(
        "{ events(first: 1) { nodes { id kind contract blockNumber blockHash timestamp transactionHash logIndex "
        "initiator wallet amount contractId arguments { name value } serviceNode { pubkey } "
        "contributionContract { address } } } }"
    )
    newest = shown(told)[0]
    assert data["events"]["nodes"] == [
        {
            "id": global_id("StakingEvent", f"40.{newest.block_hash}.1"),
            "kind": "REWARDS_CLAIMED",
            "contract": make.address(0xE0),
            "blockNumber": "40",
            "blockHash": newest.block_hash,
            "timestamp": "2023-11-14T22:14:00Z",
            "transactionHash": newest.transaction_hash,
            "logIndex": 1,
            "initiator": make.address(9),
            "wallet": make.address(1),
            "amount": str(2**70 + 40),
            "contractId": 1,
            "arguments": [{"name": "amount", "value": str(2**70 + 40)}],
            "serviceNode": {"pubkey": make.pubkey(1)},
            "contributionContract": None,
        }
    ]


async def test_what_an_event_names_and_the_snapshot_lacks_is_null(ask: Asker, told: list[StakingEvent]) -> None:
    data = await ask.data("{ events(filter: {contractId: 4}, first: 1) { nodes { contractId serviceNode { id } } } }")
    assert data["events"]["nodes"] == [{"contractId": 4, "serviceNode": None}]


async def test_events_beyond_the_snapshot_are_not_shown(ask: Asker, told: list[StakingEvent]) -> None:
    data = await ask.data("{ events(filter: {fromBlock: 40}) { nodes { blockNumber } } }")
    assert {node["blockNumber"] for node in data["events"]["nodes"]} == {"40"}
    data = await ask.data("{ events(filter: {fromBlock: 41}) { nodes { id } pageInfo { hasNextPage } } }")
    assert data["events"] == {"nodes": [], "pageInfo": {"hasNextPage": False}}


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        ({"kinds": ["REWARDS_CLAIMED"]}, lambda one: one.kind is StakingEventKind.REWARDS_CLAIMED),
        ({"kinds": ["REWARDS_CLAIMED", "NEW_SERVICE_NODE"]}, lambda one: one.kind in KINDS[:2]),
        ({"kinds": []}, lambda _one: False),
        ({"contractId": 2}, lambda one: one.contract_id == 2),
        ({"fromBlock": "12", "toBlock": "14"}, lambda one: 12 <= one.block_number <= 14),
        ({"fromBlock": "14", "toBlock": "12"}, lambda _one: False),
        ({"fromBlock": "30", "contractId": 1}, lambda one: one.block_number >= 30 and one.contract_id == 1),
        ({"contractId": -1}, lambda _one: False),
        ({"fromBlock": str(2**63 - 1)}, lambda _one: False),
    ],
)
async def test_filters_narrow_the_events(
    ask: Asker, told: list[StakingEvent], wanted: Any, matches: Callable[[StakingEvent], bool]
) -> None:
    data = await ask.data(PAGES, filter=wanted)
    assert [node["id"] for node in data["events"]["nodes"]] == [one.id for one in shown(told) if matches(one)]


async def test_filters_by_wallet_key_and_contract(ask: Asker, make: Any, told: list[StakingEvent]) -> None:
    cases: list[tuple[dict[str, Any], Callable[[StakingEvent], bool]]] = [
        ({"wallet": make.address(1).lower()}, lambda one: one.wallet == make.address(1)),
        ({"pubkey": make.pubkey(3)}, lambda one: one.pubkey == make.pubkey(3)),
        (
            {"contributionContract": make.address(0xC001)},
            lambda one: one.contribution_contract_address == make.address(0xC001),
        ),
    ]
    for wanted, matches in cases:
        data = await ask.data(PAGES, filter=wanted)
        assert [node["id"] for node in data["events"]["nodes"]] == [one.id for one in shown(told) if matches(one)]


@pytest.mark.parametrize(
    ("variables", "argument"),
    [
        ({"first": -1}, "first"),
        ({"last": 2501}, "last"),
        ({"first": 1, "last": 1}, "last"),
        ({"after": "nonsense"}, "after"),
        ({"filter": {"fromBlock": "-1"}}, "filter.fromBlock"),
        ({"filter": {"toBlock": str(2**63)}}, "filter.toBlock"),
    ],
)
async def test_what_cannot_be_used_is_refused_by_its_name(ask: Asker, variables: Any, argument: str) -> None:
    assert await ask.error(PAGES, **variables) == {"code": "BAD_USER_INPUT", "argument": argument}


async def test_the_cursor_of_another_list_is_refused(ask: Asker) -> None:
    data = await ask.data("{ serviceNodes(first: 1) { pageInfo { endCursor } } }")
    extensions = await ask.error(PAGES, after=data["serviceNodes"]["pageInfo"]["endCursor"])
    assert extensions == {"code": "BAD_USER_INPUT", "argument": "after"}


async def _walk(ask: Asker, *, size: int, forwards: bool, wanted: Any) -> AsyncIterator[list[str]]:
    """Ids of page after page, in the order of the list."""
    cursor = None
    while True:
        place = {"first": size, "after": cursor} if forwards else {"last": size, "before": cursor}
        page = (await ask.data(PAGES, filter=wanted, **place))["events"]
        yield [edge["node"]["id"] for edge in page["edges"]]
        info = page["pageInfo"]
        assert info["hasPreviousPage" if forwards else "hasNextPage"] is (cursor is not None)
        if not info["hasNextPage" if forwards else "hasPreviousPage"]:
            return
        cursor = info["endCursor" if forwards else "startCursor"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(1, 70),
    forwards=st.booleans(),
    kinds=st.none() | st.sets(st.sampled_from(KINDS), min_size=1),
    contract_id=st.none() | st.integers(1, 4),
)
async def test_all_pages_together_are_the_list(
    ask: Asker, told: list[StakingEvent], size: int, forwards: bool, kinds: Any, contract_id: int | None
) -> None:
    wanted = {"kinds": None if kinds is None else [kind.name for kind in kinds], "contractId": contract_id}
    expected = [
        one.id
        for one in shown(told)
        if (kinds is None or one.kind in kinds) and (contract_id is None or one.contract_id == contract_id)
    ]
    pages = [page async for page in _walk(ask, size=size, forwards=forwards, wanted=wanted)]
    assert [one for page in (pages if forwards else reversed(pages)) for one in page] == expected


class Gathering:
    """A history that answers once so many wait for it."""

    def __init__(self, waiting: int) -> None:
        self._barrier = asyncio.Barrier(waiting)
        self.asked: list[EventFilter] = []

    async def events(self, wanted: EventFilter, window: Window) -> Slice[StakingEvent]:
        self.asked.append(wanted)
        await self._barrier.wait()
        return Slice((), more_before=False, more_after=False)

    async def event(self, block_number: int, log_index: int) -> StakingEvent | None:
        raise AssertionError("nobody looks up one event here")


async def test_the_lists_of_one_operation_are_fetched_side_by_side(schema: ServedSchema, make: Any) -> None:
    history = Gathering(3)
    ask = Asker(schema, make.snapshot(make.state(l2_height=TOP)), Services(history=history))
    data = await ask.data("{ a: events { ...P } b: events(filter: {toBlock: 5}) { ...P } c: events { ...P } } " + PART)
    assert data == {name: {"nodes": []} for name in "abc"}
    assert sorted(wanted.to_block or 0 for wanted in history.asked) == [5, TOP, TOP]


async def test_a_page_of_no_events_tells_that_there_are_some(ask: Asker) -> None:
    question = "{ events(first: 0) { nodes { id } pageInfo { hasNextPage startCursor } } }"
    assert (await ask.data(question))["events"] == {
        "nodes": [],
        "pageInfo": {"hasNextPage": True, "startCursor": None},
    }


async def test_an_event_is_found_again_by_its_id(ask: Asker, told: list[StakingEvent]) -> None:
    question = "query($id: ID!) { node(id: $id) { id ... on StakingEvent { blockNumber } } }"
    wanted = shown(told)[7]
    data = await ask.data(question, id=wanted.id)
    assert data["node"] == {"id": wanted.id, "blockNumber": str(wanted.block_number)}


async def test_an_event_that_the_chain_has_no_more_or_not_yet_is_null(ask: Asker, told: list[StakingEvent]) -> None:
    question = "query($id: ID!) { node(id: $id) { id } }"
    for local_id in (f"12.0x{'ab' * 32}.0", f"12.0x{12:064x}.7", "12", f"{TOP + 1}.0x{TOP + 1:064x}.0", "x.y.z"):
        assert await ask.data(question, id=global_id("StakingEvent", local_id)) == {"node": None}


def registration(make: Any, number: int, kind: RegistrationKind, stored_at: datetime) -> Registration:
    """One of wallet 5's."""
    return Registration(
        kind=kind,
        pubkey=make.pubkey(number),
        pubkey_bls=make.bls(number),
        sig_ed25519="0e" * 64,
        sig_bls="0b" * 128,
        operator=make.address(5),
        contract=make.address(0xC001) if kind is RegistrationKind.CONTRACT else None,
        stored_at=stored_at,
    )


@pytest.fixture
async def stored(make: Any, database: Database) -> list[Registration]:
    """Registrations of wallet 5, newest first: of nodes 1 to 4, of node 1 both kinds."""
    store = RegistrationStore(database, RegistrationsSettings(), never)
    moments = (make.moment + timedelta(microseconds=place) for place in range(10))
    made = [
        registration(make, number, kind, next(moments))
        for number, kind in (
            (1, RegistrationKind.SOLO),
            (2, RegistrationKind.SOLO),
            (1, RegistrationKind.CONTRACT),
            (3, RegistrationKind.SOLO),
            (4, RegistrationKind.CONTRACT),
        )
    ]
    return list(reversed([await store.store(one) for one in made]))


REGISTRATIONS = """query($by: RegistrationLookup!, $first: Int, $after: String) {
  registrations(by: $by, first: $first, after: $after) {
    nodes { id kind pubkey operator contract storedAt } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  } }"""


async def test_registrations_of_a_key_are_newest_first(ask: Asker, make: Any, stored: list[Registration]) -> None:
    data = await ask.data(REGISTRATIONS, by={"pubkey": make.pubkey(1)})
    assert [node["kind"] for node in data["registrations"]["nodes"]] == ["CONTRACT", "SOLO"]
    assert data["registrations"]["nodes"][0]["contract"] == make.address(0xC001)


async def test_registrations_of_an_operator_are_paged(ask: Asker, make: Any, stored: list[Registration]) -> None:
    first = await ask.data(REGISTRATIONS, by={"operator": make.address(5)}, first=3)
    page = first["registrations"]
    assert [node["id"] for node in page["nodes"]] == [one.id for one in stored[:3]]
    assert page["pageInfo"]["hasNextPage"]
    rest = await ask.data(REGISTRATIONS, by={"operator": make.address(5)}, after=page["pageInfo"]["endCursor"])
    assert [edge["node"]["id"] for edge in rest["registrations"]["edges"]] == [one.id for one in stored[3:]]
    assert rest["registrations"]["pageInfo"]["hasPreviousPage"]


async def test_a_wallet_shows_the_registrations_that_name_it(ask: Asker, make: Any, stored: list[Registration]) -> None:
    question = "query($address: Address!) { wallet(address: $address) { registrations(first: 2) { nodes { id } } } }"
    data = await ask.data(question, address=make.address(5))
    assert [node["id"] for node in data["wallet"]["registrations"]["nodes"]] == [one.id for one in stored[:2]]


async def test_a_registration_is_found_again_by_its_id(ask: Asker, stored: list[Registration]) -> None:
    question = "query($id: ID!) { node(id: $id) { id ... on Registration { kind } } }"
    assert await ask.data(question, id=stored[0].id) == {"node": {"id": stored[0].id, "kind": "CONTRACT"}}
    for local_id in ("ab" * 32 + ".solo", "ab" * 32 + ".other", "x"):
        assert await ask.data(question, id=global_id("Registration", local_id)) == {"node": None}


async def test_registrations_need_no_snapshot(
    schema: ServedSchema, make: Any, database: Database, stored: list[Registration]
) -> None:
    registrations = RegistrationStore(database, RegistrationsSettings(), never)
    ask = Asker(schema, make.snapshot(None), Services(registrations=registrations))
    data = await ask.data(REGISTRATIONS, by={"operator": make.address(5)})
    assert len(data["registrations"]["nodes"]) == 5
    assert (await ask.error("{ events { nodes { id } } }"))["code"] == "NOT_READY"


async def test_a_database_that_is_away_is_told_as_such(schema: ServedSchema, make: Any, tmp_path: Path) -> None:
    url = URL.create("sqlite+aiosqlite", database=str(tmp_path / "missing" / "test.db"))
    away = Database(url, DatabaseSettings(), Identity(chain_id=1, service_node_rewards=make.address(0xE0)))
    services = Services(
        history=EventStore(away, 100), registrations=RegistrationStore(away, RegistrationsSettings(), never)
    )
    for held in (services, Services()):
        ask = Asker(schema, make.snapshot(make.state(make.node(1))), held)
        assert (await ask.error("{ events { nodes { id } } }"))["code"] == "DATABASE_UNAVAILABLE"
        question = REGISTRATIONS
        assert (await ask.error(question, by={"pubkey": make.pubkey(1)}))["code"] == "DATABASE_UNAVAILABLE"
        assert await ask.data("{ network { blockHeight } }") == {"network": {"blockHeight": 5313}}
