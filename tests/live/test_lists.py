"""Lists that are watched: whole at first, then what changed, and whoever applies it has what a new question finds."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from sent_graphql.models.contracts import ContributionStatus
from sent_graphql.models.network import ServiceNodeState

RUNNING = (
    "subscription { serviceNodes(filter: {states: [RUNNING]}) { version previousVersion upserted { id } removed } }"
)


async def test_a_list_begins_whole_and_goes_on_with_what_changed(live: Any, make: Any) -> None:
    nodes = [make.node(number, operator_fee=0) for number in range(5)]
    first = await live.publish(make.state(*nodes))
    reader, _ = await live.watch(
        "subscription { serviceNodes { version previousVersion upserted { contractId operatorFee } removed } }"
    )
    assert reader.answers[0]["serviceNodes"] == {
        "version": str(first),
        "previousVersion": None,
        "upserted": [{"contractId": number, "operatorFee": 0} for number in range(5)],
        "removed": [],
    }
    nodes[3] = structs.replace(nodes[3], operator_fee=7)
    await live.publish(make.state(*nodes, block_height=1))
    second = await live.publish(make.state(*nodes[1:], make.node(9, operator_fee=1)))
    assert [answer["serviceNodes"] for answer in reader.answers[1:]] == [
        {
            "version": str(second - 1),
            "previousVersion": str(first),
            "upserted": [{"contractId": 3, "operatorFee": 7}],
            "removed": [],
        },
        {
            "version": str(second),
            "previousVersion": str(second - 1),
            "upserted": [{"contractId": 9, "operatorFee": 1}],
            "removed": [nodes[0].id],
        },
    ]


async def test_what_stops_matching_the_filter_is_removed_and_comes_back_whole(live: Any, make: Any) -> None:
    one, two = make.node(1), make.node(2)
    await live.publish(make.state(one, two))
    reader, _ = await live.watch(RUNNING)
    await live.publish(make.state(structs.replace(one, state=ServiceNodeState.DECOMMISSIONED), two))
    await live.publish(make.state(one, two))
    told = [answer["serviceNodes"] for answer in reader.answers[1:]]
    assert [(message["upserted"], message["removed"]) for message in told] == [([], [one.id]), ([{"id": one.id}], [])]


async def test_contribution_contracts_are_watched_alike(live: Any, make: Any) -> None:
    query = (
        "subscription { contributionContracts(filter: {openToPublic: true}) "
        "{ version previousVersion upserted { address status } removed } }"
    )
    contracts = [make.contract(number) for number in range(3)]
    await live.publish(make.state(contracts=tuple(contracts)))
    reader, _ = await live.watch(query)
    assert reader.answers == [await live.fresh(query)]
    contracts[1] = structs.replace(contracts[1], status=ContributionStatus.FINALIZED)
    await live.publish(make.state(contracts=tuple(contracts)))
    message = reader.answers[1]["contributionContracts"]
    assert (message["upserted"], message["removed"]) == ([], [contracts[1].id])


async def test_only_items_whose_selected_values_changed_are_executed(
    live: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [make.node(number) for number in range(300)]
    await live.publish(make.state(*nodes))
    await live.watch("subscription { serviceNodes { upserted { operatorFee contributors { amount } } } }")
    executions = live.hub.executions
    everywhere = [structs.replace(node, last_uptime_proof=None) for node in nodes]
    await live.publish(make.state(*everywhere))
    assert live.hub.executions == executions
    everywhere[5] = structs.replace(everywhere[5], operator_fee=3)
    await live.publish(make.state(*everywhere))
    assert live.hub.executions == executions + 1


async def test_what_lies_behind_an_item_counts_as_its_change(live: Any, make: Any) -> None:
    contract = make.contract(1)
    node = make.node(1, contribution_contract_address=contract.address)
    await live.publish(make.state(node, make.node(2), contracts=(contract,)))
    reader, _ = await live.watch(
        "subscription { serviceNodes { upserted { contractId contributionContract { fee } } removed } }"
    )
    executions = live.hub.executions
    await live.publish(make.state(node, make.node(2), contracts=(contract,), accrued={make.address(1): 5}))
    assert live.hub.executions == executions
    await live.publish(make.state(node, make.node(2), contracts=(structs.replace(contract, fee=1),)))
    assert reader.answers[1:] == [
        {"serviceNodes": {"upserted": [{"contractId": 1, "contributionContract": {"fee": 1}}], "removed": []}}
    ]


async def test_the_same_list_may_be_selected_several_times(live: Any, make: Any) -> None:
    query = """
    subscription ($fees: Boolean!, $not: Boolean!) {
      changes: serviceNodes {
        kind: __typename gone: removed a: upserted { id ...Fee } ...Again v: version
        upserted @include(if: $not) { id }
      }
    }
    fragment Fee on ServiceNode { operatorFee @include(if: $fees) payable @skip(if: $fees) }
    fragment Again on ServiceNodeChanges { b: upserted { __typename number: contractId } }
    """
    nodes = [make.node(1), make.node(2)]
    await live.publish(make.state(*nodes))
    reader, _ = await live.watch(query, fees=True, **{"not": False})
    assert reader.answers == [await live.fresh(query, fees=True, **{"not": False})]
    assert list(reader.answers[0]["changes"]) == ["kind", "gone", "a", "b", "v"]
    await live.publish(make.state(nodes[0], structs.replace(nodes[1], operator_fee=3, payable=False)))
    assert reader.answers[1] == {
        "changes": {
            "kind": "ServiceNodeChanges",
            "gone": [],
            "a": [{"id": nodes[1].id, "operatorFee": 3}],
            "b": [{"__typename": "ServiceNode", "number": 2}],
            "v": "2",
        }
    }


async def test_versions_alone_are_not_worth_a_message(live: Any, make: Any) -> None:
    await live.publish(make.state(make.node(1)))
    versions, _ = await live.watch("subscription { serviceNodes { version previousVersion __typename } }")
    removed, _ = await live.watch("subscription { serviceNodes { version removed } }")
    await live.publish(make.state(make.node(1), make.node(2)))
    assert (len(versions.payloads), len(removed.payloads)) == (1, 1)
    await live.publish(make.state(make.node(2)))
    assert (len(versions.payloads), len(removed.payloads)) == (1, 2)
    late, _ = await live.watch("subscription { serviceNodes { version previousVersion __typename } }")
    assert late.answers == [
        {"serviceNodes": {"version": "3", "previousVersion": None, "__typename": "ServiceNodeChanges"}}
    ]


async def test_the_whole_network_does_not_hold_the_event_loop(live: Any, make: Any, turns: Any) -> None:
    await live.publish(make.state(*(make.node(number) for number in range(1000))))
    before = turns()
    await live.watch("subscription { serviceNodes { upserted { id } } }")
    assert turns() - before >= 9


# Whatever happens and however slowly one reads: what one has is what a new question finds.

SELECTIONS = [
    "id state operatorFee",
    "id",
    "id contributors { address amount wallet { rewards { accrued } } }",
    "id contributionContract { fee serviceNode { state } }",
    "id leaving ... on Node { again: id }",
]

FILTERS: list[Callable[[Any], dict[str, Any]]] = [
    lambda _make: {},
    lambda _make: {"states": ["RUNNING", "EXITED"]},
    lambda _make: {"leaving": False},
    lambda make: {"operator": make.address(1)},
    lambda make: {"contributor": make.address(2)},
    lambda _make: {"pubkeyPrefix": "0x0002"},
    lambda make: {"pubkeys": [make.pubkey(number) for number in range(3)]},
    lambda _make: {"maxOperatorFee": 1, "leaving": False},
]

NUMBERS = range(5)


@st.composite
def nodes(draw: st.DrawFn) -> dict[str, Any]:
    """The values of one node."""
    contributors = draw(st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=2, unique=True))
    return {
        "state": draw(
            st.sampled_from([ServiceNodeState.RUNNING, ServiceNodeState.EXITED, ServiceNodeState.REGISTERING])
        ),
        "leaving": draw(st.booleans()),
        "operator_fee": draw(st.integers(0, 2)),
        "payable": draw(st.booleans()),
        "wallets": contributors,
        "gathered": draw(st.booleans()),
    }


@dataclass(frozen=True)
class Step:
    """One snapshot, and what its readers do when it has come."""

    nodes: dict[int, dict[str, Any]]
    fee: int
    accrued: int
    joining: bool
    held: bool


steps = st.builds(
    Step,
    nodes=st.dictionaries(st.sampled_from(NUMBERS), nodes(), max_size=len(NUMBERS)),
    fee=st.integers(0, 1),
    accrued=st.integers(0, 1),
    joining=st.booleans(),
    held=st.booleans(),
)


@dataclass
class Client:
    """Applies messages, and insists that each is exactly what was needed."""

    reader: Any
    items: dict[str, Any] = field(default_factory=dict)
    version: int = -1
    read: int = 0

    def catch_up(self) -> None:
        """Applies what has come since."""
        for answer in self.reader.answers[self.read :]:
            self._apply(answer["serviceNodes"])
        self.read = len(self.reader.payloads)

    def _apply(self, message: Any) -> None:
        upserted = {item["id"]: item for item in message["upserted"]}
        assert [item["id"] for item in message["upserted"]] == [item["id"] for item in message["twice"]]
        assert int(message["version"]) > self.version
        if message["previousVersion"] is None:
            assert message["removed"] == []
            self.items = upserted
        else:
            assert int(message["previousVersion"]) == self.version
            assert upserted or message["removed"]
            assert all(self.items.get(item_id) != item for item_id, item in upserted.items())
            for item_id in message["removed"]:
                del self.items[item_id]
            self.items |= upserted
        self.version = int(message["version"])


def made(make: Any, step: Step, before: dict[str, Any]) -> Any:
    """The state of a step; what is as before is the same object, as in snapshots of the service."""

    def shared(thing: Any) -> Any:
        known = before.get(thing.id)
        before[thing.id] = known if known == thing else thing
        return before[thing.id]

    contract = shared(make.contract(1, fee=step.fee))
    listed = []
    for number, given_values in sorted(step.nodes.items()):
        values = dict(given_values)
        wallets, gathered = values.pop("wallets"), values.pop("gathered")
        contributors = tuple(make.contributor(wallet, is_operator=not place) for place, wallet in enumerate(wallets))
        address = contract.address if gathered else None
        listed.append(
            shared(make.node(number, contributors=contributors, contribution_contract_address=address, **values))
        )
    return make.state(*listed, contracts=(contract,), accrued={make.address(1): step.accrued})


@given(
    history=st.lists(steps, min_size=2, max_size=24),
    selection=st.sampled_from(SELECTIONS),
    wanted=st.sampled_from(FILTERS),
)
@settings(max_examples=150, deadline=None)
def test_applying_the_messages_gives_what_a_new_question_finds(
    hub_with: Any, make: Any, reader: Any, history: list[Step], selection: str, wanted: Callable[[Any], dict[str, Any]]
) -> None:
    query = (
        "subscription ($filter: ServiceNodeFilter) { serviceNodes(filter: $filter) { version previousVersion "
        f"upserted {{ {selection} }} twice: upserted {{ id }} removed }} }}"
    )

    async def compare(live: Any, clients: list[Client]) -> None:
        fresh = (await live.fresh(query, filter=wanted(make)))["serviceNodes"]
        for client in clients:
            client.catch_up()
            assert client.items == {item["id"]: item for item in fresh["upserted"]}
            assert client.version <= int(fresh["version"])

    async def live_through() -> None:
        before: dict[str, Any] = {}
        clients: list[Client] = []
        async with hub_with() as live:
            for step in history:
                await live.publish(made(make, step, before))
                if step.joining or not clients:
                    one, _ = await live.watch(query, reader(held=step.held), filter=wanted(make))
                    clients.append(Client(one))
                elif step.held:
                    clients[-1].reader.hold()
                else:
                    release(clients)
                    await live.idle()
                await compare(live, [client for client in clients if not client.reader.is_held])
            release(clients)
            await live.idle()
            await compare(live, clients)

    asyncio.run(live_through())


def release(clients: list[Client]) -> None:
    """All read again."""
    for client in clients:
        client.reader.release()
