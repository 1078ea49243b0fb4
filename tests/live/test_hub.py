"""What subscribers get: the present state, each change of what they selected, and clear errors."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import orjson
import pytest
from msgspec import structs

from sent_graphql.live import groups
from sent_graphql.live.subscriptions import Operation, SubscriptionRefusedError
from sent_graphql.models.contracts import Recipient
from sent_graphql.models.network import ServiceNodeState

HEIGHT = "subscription { network { blockHeight } }"
NODES = "subscription { serviceNodes { version previousVersion upserted { id operatorFee } removed } }"


async def refusal(live: Any, query: str, **operation: Any) -> Any:
    """The one error with which an operation is refused."""
    with pytest.raises(SubscriptionRefusedError) as refused:
        await live.hub.subscribe(Operation(query=query, **operation), None)
    (error,) = orjson.loads(refused.value.json())
    return error


@pytest.mark.parametrize(
    ("query", "changed"),
    [
        ("subscription { meta { version stale } }", {"stale": True}),
        ("subscription { network { id blockHeight } }", {"block_height": 6000}),
        ("subscription { serviceNode(by: {contractId: 7}) { operatorFee } }", {"fee": 1}),
        ("subscription { wallet(address: WALLET) { totalStaked rewards { accrued } } }", {"accrued": 5}),
        ("subscription { serviceNodes { upserted { operatorFee } } }", {"fee": 1}),
        ("subscription { contributionContracts { upserted { fee } removed } }", {"contract_fee": 3}),
    ],
)
async def test_every_field_sends_the_present_state_and_then_what_changes(
    live: Any, make: Any, query: str, changed: dict[str, Any]
) -> None:
    wallet = make.address(1)
    query = query.replace("WALLET", f'"{wallet}"')

    def state(**fields: Any) -> Any:
        return make.state(
            make.node(7, operator_fee=fields.get("fee", 1000)),
            contracts=(make.contract(1, fee=fields.get("contract_fee", 500)),),
            accrued={wallet: fields.get("accrued", 0)},
            block_height=fields.get("block_height", 5313),
        )

    await live.publish(state())
    reader, _ = await live.watch(query)
    assert reader.answers == [await live.fresh(query)]

    await live.publish(state(**changed), stale=changed.get("stale", False))
    assert len(reader.answers) == 2
    assert reader.answers[1] == await live.fresh(query)
    assert reader.answers[1] != reader.answers[0]


async def test_nothing_is_sent_when_nothing_selected_has_changed(live: Any, make: Any) -> None:
    node = make.node(1)
    await live.publish(make.state(node))
    queries = [
        HEIGHT,
        "subscription { serviceNode(by: {contractId: 1}) { operatorFee } }",
        "subscription { serviceNodes { version upserted { id operatorFee } removed } }",
        "subscription { contributionContracts { version upserted { id } } }",
        f'subscription {{ wallet(address: "{make.address(1)}") {{ rewards {{ accrued }} }} }}',
        "subscription { meta { stale } }",
    ]
    readers = [(await live.watch(query))[0] for query in queries]
    node = structs.replace(node, last_uptime_proof=None, payable=False)
    await live.publish(make.state(node, hard_fork=22))
    await live.publish(make.state(node, make.node(2, state=ServiceNodeState.EXITED)))
    assert [len(reader.payloads) for reader in readers] == [1] * len(queries)


async def test_those_who_ask_the_same_cost_one_execution_and_get_the_same_bytes(live: Any, make: Any) -> None:
    await live.publish(make.state(block_height=1))
    readers = [(await live.watch(HEIGHT))[0] for _ in range(450)]
    assert (live.hub.groups, live.hub.members, live.hub.executions) == (1, 450, 1)
    await live.publish(make.state(block_height=2))
    assert live.hub.executions == 2
    assert live.hub.messages == 900
    assert {len(reader.payloads) for reader in readers} == {2}
    for number in (0, 1):
        assert len({id(reader.payloads[number]) for reader in readers}) == 1


@pytest.mark.parametrize(
    ("query", "operation"),
    [
        ("subscription   { network { # the top\n blockHeight, } }", {}),
        (f"{HEIGHT} ", {"variables": {"unknown": 1}}),
        (HEIGHT, {"name": ""}),
        (f"query Q {{ meta {{ id }} }} {HEIGHT.replace('subscription', 'subscription S')}", {"name": "S"}),
    ],
)
async def test_the_same_question_may_be_written_differently(
    live: Any, make: Any, reader: Any, query: str, operation: dict[str, Any]
) -> None:
    await live.publish(make.state())
    first = HEIGHT.replace("subscription", "subscription S") if operation.get("name") else HEIGHT
    await live.watch(first)
    other = reader()
    await live.hub.subscribe(Operation(query=query, **operation), other)
    assert live.hub.groups == 1
    assert other.answers == [{"network": {"blockHeight": 5313}}]


async def test_variables_are_the_same_when_they_mean_the_same(live: Any, make: Any) -> None:
    await live.publish(make.state(make.node(1)))
    query = "subscription ($by: ServiceNodeLookup!) { serviceNode(by: $by) { contractId } }"
    key = make.pubkey(1)
    for spelled in (key, key.upper(), f"0x{key}"):
        reader, _ = await live.watch(query, by={"pubkey": spelled})
        assert reader.answers == [{"serviceNode": {"contractId": 1}}]
    assert live.hub.groups == 1
    reader, _ = await live.watch(query, by={"pubkey": make.pubkey(2)})
    assert reader.answers == [{"serviceNode": None}]
    assert live.hub.groups == 2


async def test_who_joins_late_gets_the_present_bytes_without_an_execution(live: Any, make: Any) -> None:
    await live.publish(make.state(make.node(1, operator_fee=1)))
    await live.watch(NODES)
    await live.publish(make.state(make.node(1, operator_fee=2)))
    executions = live.hub.executions
    late, _ = await live.watch(NODES)
    later, _ = await live.watch(NODES)
    assert live.hub.executions == executions
    assert late.payloads[0] is later.payloads[0]
    assert late.answers == [await live.fresh(NODES)]


async def test_many_who_come_at_once_to_a_new_question_cost_one_execution(live: Any, make: Any, reader: Any) -> None:
    await live.publish(make.state())
    readers = [reader() for _ in range(20)]
    await asyncio.gather(*(live.hub.subscribe(Operation(query=HEIGHT), one) for one in readers))
    assert live.hub.executions == 1
    assert all(len(one.payloads) == 1 for one in readers)


async def test_a_snapshot_that_changes_no_part_that_is_read_executes_nothing(live: Any, make: Any) -> None:
    node, contract = make.node(1), make.contract(1)
    await live.publish(make.state(node, contracts=(contract,)))
    for query in (HEIGHT, NODES, "subscription { contributionContracts { upserted { id contributors { amount } } } }"):
        await live.watch(query)
    executions = live.hub.executions
    await live.publish(make.state(node, contracts=(contract,), accrued={make.address(1): 1}))
    assert live.hub.executions == executions
    await live.publish(make.state(node, contracts=(contract,), block_height=1))
    assert live.hub.executions == executions + 1


async def test_a_question_is_forgotten_with_its_last_reader(live: Any, make: Any) -> None:
    await live.publish(make.state(block_height=1))
    reader, first = await live.watch(HEIGHT)
    _, second = await live.watch(HEIGHT)
    first.stop()
    first.stop()
    assert (live.hub.groups, live.hub.members) == (1, 1)
    second.stop()
    assert (live.hub.groups, live.hub.members) == (0, 0)
    executions = live.hub.executions
    await live.publish(make.state(block_height=2))
    assert live.hub.executions == executions
    assert len(reader.payloads) == 1
    assert not reader.completed


async def test_bursts_of_snapshots_are_folded(live: Any, make: Any) -> None:
    await live.publish(make.state(block_height=0))
    reader, _ = await live.watch(HEIGHT)
    for height in range(1, 20):
        await live.snapshots.publish(make.snapshot(make.state(block_height=height), version=100 + height))
    await live.snapshots.followed()
    assert reader.answers[-1] == {"network": {"blockHeight": 19}}
    assert len(reader.answers) < 20


async def test_before_the_first_snapshot_meta_answers_and_the_others_are_not_ready(live: Any, make: Any) -> None:
    reader, _ = await live.watch("subscription { meta { version stale } }")
    assert reader.answers == [{"meta": {"version": "0", "stale": True}}]
    for query in (HEIGHT, NODES, "subscription { serviceNode(by: {contractId: 1}) { id } }"):
        assert (await refusal(live, query))["extensions"]["code"] == "NOT_READY"
    await live.publish(make.state())
    assert reader.answers[1:] == [{"meta": {"version": "1", "stale": False}}]
    assert (await live.watch(HEIGHT))[0].answers != []


@pytest.mark.parametrize(
    ("query", "operation", "code"),
    [
        ("subscription {", {}, "GRAPHQL_PARSE_FAILED"),
        ("", {}, "OPERATION_RESOLUTION_FAILURE"),
        ("subscription { nonsense }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { meta { id } network { id } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{ meta { id } }", {}, "OPERATION_RESOLUTION_FAILURE"),
        ("fragment F on Meta { id }", {}, "OPERATION_RESOLUTION_FAILURE"),
        ("subscription A { meta { id } } subscription B { meta { id } }", {}, "OPERATION_RESOLUTION_FAILURE"),
        ("subscription A { meta { id } }", {"name": "B"}, "OPERATION_RESOLUTION_FAILURE"),
        ('subscription { serviceNodes(filter: {pubkeyPrefix: "x"}) { version } }', {}, "BAD_USER_INPUT"),
        ("subscription ($a: Address!) { wallet(address: $a) { id } }", {"variables": {"a": "0x1"}}, "BAD_USER_INPUT"),
        ("subscription { meta { " + "id " * 6000 + "} }", {}, "GRAPHQL_PARSE_FAILED"),
        ("subscription { meta { " + " ".join(f"a{n}: id" for n in range(101)) + "} }", {}, "QUERY_TOO_COMPLEX"),
    ],
)
async def test_what_cannot_be_answered_is_refused_as_over_http(
    live: Any, make: Any, query: str, operation: dict[str, Any], code: str
) -> None:
    await live.publish(make.state())
    assert (await refusal(live, query, **operation))["extensions"]["code"] == code
    assert live.hub.groups == 0


async def test_the_number_of_questions_is_bounded(hub_with: Callable[..., Any], make: Any) -> None:
    async with hub_with(max_groups=2) as live:
        await live.publish(make.state())
        _, first = await live.watch("subscription { network { id } }")
        await live.watch(HEIGHT)
        error = await refusal(live, "subscription { meta { id } }")
        assert error["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
        await live.watch(HEIGHT)
        first.stop()
        await live.watch("subscription { meta { id } }")


async def test_what_is_kept_for_all_questions_is_bounded(hub_with: Callable[..., Any], make: Any) -> None:
    async with hub_with(max_kept_bytes=1024) as live:
        await live.publish(make.state(*(make.node(number) for number in range(20))))
        everything = "subscription { serviceNodes { upserted { pubkey pubkeyBls } } }"
        _, first = await live.watch(everything)
        assert live.hub.kept > 1024
        error = await refusal(live, HEIGHT)
        assert error["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
        _, second = await live.watch(everything)
        for subscription in (first, second):
            subscription.stop()
        assert live.hub.kept == 0
        await live.watch(HEIGHT)


async def test_an_error_ends_the_subscriptions_that_meet_it_and_no_others(
    live: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = make.address(1)
    rewards = f'subscription {{ wallet(address: "{address}") {{ rewards {{ claimable }} }} }}'
    await live.publish(make.state(block_height=1))
    broken, _ = await live.watch(rewards)
    again, _ = await live.watch(rewards)
    whole, _ = await live.watch(HEIGHT)
    await live.publish(
        make.state(block_height=2, recipients={address: Recipient(credited="secret", claimed=0)})  # type: ignore[arg-type]
    )
    assert [error["message"] for error in broken.errors] == ["Internal error"]
    assert broken.errors[0]["extensions"]["code"] == "INTERNAL"
    assert again.errors == broken.errors
    assert live.hub.groups == 1
    await live.publish(make.state(block_height=3))
    assert (len(broken.payloads), len(whole.payloads)) == (1, 3)
    assert len((await live.watch(rewards))[0].payloads) == 1


async def test_who_gives_up_while_it_is_being_answered_leaves_nothing_behind(live: Any, make: Any, reader: Any) -> None:
    await live.publish(make.state(*(make.node(number) for number in range(250))))
    waiting = [asyncio.create_task(live.hub.subscribe(Operation(query=NODES), reader())) for _ in range(2)]
    await asyncio.sleep(0)
    assert live.hub.groups == 1
    waiting[0].cancel()
    await waiting[1]
    assert (live.hub.groups, live.hub.members) == (1, 1)
    waiting[1].result().stop()
    assert live.hub.groups == 0


async def test_closing_completes_all_and_refuses_new_ones(live: Any, make: Any, reader: Any) -> None:
    await live.publish(make.state())
    quick, _ = await live.watch(HEIGHT)
    slow, _ = await live.watch(HEIGHT, reader(held=True))
    closing = asyncio.create_task(live.hub.close())
    await quick.until(lambda one: one.completed == 1)
    slow.release()
    await closing
    assert (slow.completed, live.hub.groups, live.hub.sending) == (1, 0, 0)
    assert (await refusal(live, HEIGHT))["extensions"]["code"] == "SHUTTING_DOWN"


async def test_many_readers_do_not_hold_the_event_loop(live: Any, make: Any) -> None:
    await live.publish(make.state(block_height=1))
    readers = [(await live.watch(HEIGHT))[0] for _ in range(4 * groups.MEMBERS_PER_TURN)]
    served_at_turn = []

    async def others() -> None:
        while True:
            served_at_turn.append(sum(len(reader.payloads) - 1 for reader in readers))
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    await live.publish(make.state(block_height=2))
    beside.cancel()
    assert max(later - earlier for earlier, later in pairwise(served_at_turn)) <= groups.MEMBERS_PER_TURN
    assert all(len(reader.payloads) == 2 for reader in readers)
