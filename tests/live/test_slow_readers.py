"""Who reads slowly: it delays nobody, costs no memory, and gets what it missed as one."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from sent_graphql.live import groups

HEIGHT = "subscription { network { blockHeight } }"
FEES = "subscription { serviceNodes { version previousVersion upserted { contractId operatorFee } removed } }"


async def test_what_a_slow_reader_missed_comes_as_one_message(live: Any, make: Any, reader: Any) -> None:
    await live.publish(make.state(block_height=0))
    slow, _ = await live.watch(HEIGHT, reader(held=True))
    quick, _ = await live.watch(HEIGHT)
    for height in range(1, 10):
        await live.publish(make.state(block_height=height))
    assert (len(slow.payloads), len(quick.payloads)) == (1, 10)
    assert (live.hub.sending, live.hub.folded) == (1, 9)
    slow.release()
    await live.idle()
    assert slow.answers[1:] == [{"network": {"blockHeight": 9}}]


async def test_a_folded_difference_holds_exactly_what_changed(live: Any, make: Any, reader: Any) -> None:
    nodes = [make.node(number, operator_fee=0) for number in range(6)]
    first = await live.publish(make.state(*nodes))
    slow, _ = await live.watch(FEES, reader(held=True))
    later = list(nodes)
    later[1] = structs.replace(nodes[1], operator_fee=1)
    later[2] = structs.replace(nodes[2], operator_fee=1)
    await live.publish(make.state(*later, make.node(10)))
    later[1] = structs.replace(nodes[1], operator_fee=2)
    later[2] = nodes[2]
    last = await live.publish(make.state(*later[:5]))
    slow.release()
    await live.idle()
    assert slow.answers[1:] == [
        {
            "serviceNodes": {
                "version": str(last),
                "previousVersion": str(first),
                "upserted": [{"contractId": 1, "operatorFee": 2}],
                "removed": [nodes[5].id],
            }
        }
    ]


async def test_what_changed_back_while_a_reader_was_busy_is_not_told(live: Any, make: Any, reader: Any) -> None:
    node = make.node(1)
    await live.publish(make.state(node))
    slow = [(await live.watch(query, reader(held=True)))[0] for query in (FEES, HEIGHT)]
    await live.publish(make.state(structs.replace(node, operator_fee=1), block_height=1))
    await live.publish(make.state(node))
    for one in slow:
        one.release()
    await live.idle()
    assert [len(one.payloads) for one in slow] == [1, 1]
    await live.publish(make.state(structs.replace(node, operator_fee=2), block_height=2))
    assert slow[0].answers[1]["serviceNodes"]["previousVersion"] == slow[0].answers[0]["serviceNodes"]["version"]
    assert slow[1].answers[1] == {"network": {"blockHeight": 2}}


async def test_slow_readers_of_the_same_age_get_the_same_bytes(live: Any, make: Any, reader: Any) -> None:
    await live.publish(make.state(make.node(1)))
    slow = [(await live.watch(FEES, reader(held=True)))[0] for _ in range(3)]
    for fee in range(3):
        await live.publish(make.state(make.node(1, operator_fee=fee)))
    for one in slow:
        one.release()
    await live.idle()
    assert len({id(one.payloads[1]) for one in slow}) == 1


async def test_who_is_too_far_behind_gets_a_full_set(live: Any, make: Any, reader: Any) -> None:
    nodes = [make.node(1, operator_fee=0), make.node(2)]
    slow = []
    for fee in range(groups.MAX_VIEWS + 1):
        await live.publish(make.state(structs.replace(nodes[0], operator_fee=fee), nodes[1]))
        slow.append((await live.watch(FEES, reader(held=True)))[0])
    (group,) = live.hub._groups.values()
    await live.publish(make.state(*nodes))
    assert len(group._views) == groups.MAX_VIEWS
    for one in slow:
        one.release()
    await live.idle()
    assert slow[1].answers[1] == await live.fresh(FEES)
    assert slow[-1].answers[1]["serviceNodes"]["previousVersion"] is not None
    await live.publish(make.state(structs.replace(nodes[0], operator_fee=7), nodes[1]))
    assert len(group._views) == 1


async def test_only_answers_that_somebody_was_sent_are_kept(live: Any, make: Any, reader: Any) -> None:
    await live.publish(make.state(make.node(1, operator_fee=0)))
    await live.watch(FEES)
    alone = live.hub.kept
    slow = [(await live.watch(FEES, reader(held=True)))[0] for _ in range(3)]
    for fee in range(1, 10):
        await live.publish(make.state(make.node(1, operator_fee=fee)))
    (group,) = live.hub._groups.values()
    assert len(group._views) == 2
    assert live.hub.kept < 3 * alone
    for one in slow:
        one.release()
    await live.idle()
    await live.publish(make.state(make.node(1, operator_fee=1)))
    assert len(group._views) == 1


async def test_a_reader_without_room_is_kept_nothing_for(live: Any, make: Any, reader: Any) -> None:
    await live.publish(make.state(block_height=0))
    slow, _ = await live.watch(HEIGHT)
    slow.fill()
    for height in range(1, 10):
        await live.publish(make.state(block_height=height))
    assert (len(slow.payloads), live.hub.sending, live.hub.folded) == (1, 1, 8)
    slow.release()
    await live.idle()
    assert slow.answers[1:] == [{"network": {"blockHeight": 9}}]


async def test_a_reader_that_finds_no_room_in_time_is_closed_with_an_error(
    hub_with: Callable[..., Any], make: Any, reader: Any
) -> None:
    async with hub_with(slow_reader_timeout=0.05) as live:
        await live.publish(make.state(block_height=0))
        slow, _ = await live.watch(HEIGHT)
        slow.fill()
        await live.publish(make.state(block_height=1))
        await slow.until(lambda one: bool(one.errors))
        assert [error["extensions"]["code"] for error in slow.errors] == ["SLOW_READER"]
        assert (slow.cancelled, slow.cuts, live.hub.members) == (1, 0, 0)


async def test_a_reader_that_takes_too_long_is_closed_with_an_error_and_the_others_go_on(
    hub_with: Callable[..., Any], make: Any, reader: Any
) -> None:
    async with hub_with(slow_reader_timeout=0.05) as live:
        await live.publish(make.state(block_height=0))
        slow, _ = await live.watch(HEIGHT, reader(held=True))
        quick, _ = await live.watch(HEIGHT)
        await slow.until(lambda one: bool(one.errors))
        assert [error["extensions"]["code"] for error in slow.errors] == ["SLOW_READER"]
        assert (slow.cancelled, live.hub.members) == (1, 1)
        slow.release()
        await live.publish(make.state(block_height=1))
        await live.idle()
        assert (len(slow.payloads), len(quick.payloads)) == (1, 2)


async def test_a_reader_that_does_not_even_take_the_error_is_cut(
    hub_with: Callable[..., Any], make: Any, reader: Any
) -> None:
    class Dead(reader):  # type: ignore[misc]
        async def error(self, errors: bytes) -> None:
            await asyncio.Event().wait()

    async with hub_with(slow_reader_timeout=0.05) as live:
        await live.publish(make.state())
        dead, _ = await live.watch(HEIGHT, Dead(held=True))
        await live.idle()
        assert (live.hub.groups, live.hub.sending, dead.cuts) == (0, 0, 1)


async def test_stopping_ends_a_message_that_is_under_way(live: Any, make: Any, reader: Any) -> None:
    await live.publish(make.state(block_height=0))
    slow, subscription = await live.watch(HEIGHT, reader(held=True))
    await asyncio.sleep(0)
    subscription.stop()
    await live.idle()
    await live.publish(make.state(block_height=1))
    assert (slow.cancelled, len(slow.payloads), slow.errors, slow.completed) == (1, 1, [], 0)
    assert live.hub.groups == 0


async def test_stopping_before_the_task_has_begun_leaves_nothing_behind(live: Any, make: Any, reader: Any) -> None:
    await live.publish(make.state())
    _, subscription = await live.watch(HEIGHT, reader(held=True))
    subscription.stop()
    await live.idle()
    assert (live.hub.groups, live.hub.sending) == (0, 0)


@pytest.mark.parametrize("fault", [ConnectionResetError("gone"), asyncio.CancelledError()])
async def test_a_reader_that_is_gone_leaves_and_harms_nobody(
    live: Any, make: Any, reader: Any, fault: BaseException
) -> None:
    class Leaving(reader):  # type: ignore[misc]
        async def next(self, payload: bytes) -> None:
            if self.payloads:
                raise fault
            await super().next(payload)

    await live.publish(make.state(block_height=0))
    leaving, _ = await live.watch(HEIGHT, Leaving())
    quick, _ = await live.watch(HEIGHT)
    await live.publish(make.state(block_height=1))
    await live.publish(make.state(block_height=2))
    assert (len(leaving.payloads), len(quick.payloads), live.hub.members) == (1, 3, 1)
    assert leaving.errors == []


async def test_a_reader_may_stop_while_it_is_being_sent_to(live: Any, make: Any, reader: Any) -> None:
    class Leaving(reader):  # type: ignore[misc]
        async def next(self, payload: bytes) -> None:
            await super().next(payload)
            if len(self.payloads) == 2:
                self.subscription.stop()

    await live.publish(make.state(block_height=0))
    leaving, subscription = await live.watch(HEIGHT, Leaving())
    leaving.subscription = subscription
    for height in (1, 2):
        await live.publish(make.state(block_height=height))
    assert (len(leaving.payloads), live.hub.groups) == (2, 0)
