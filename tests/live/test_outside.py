"""Questions whose answers are made of more than the snapshot, and have to be waited for."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import strawberry
import structlog

from sent_graphql.models.parts import Part
from sent_graphql.resolvers.services import Services
from sent_graphql.schema.build import ServedSchema
from sent_graphql.schema.documents import Documents
from sent_graphql.schema.fields import Info, looked_up
from sent_graphql.schema.policy import ErrorLog

QUICK, SLOW = "subscription { height }", "subscription { stored }"


class Store:
    """Something that answers when it is open."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.asked = 0
        self.value = 0

    async def read(self) -> int:
        self.asked += 1
        await self.open.wait()
        return self.value


def _height(info: Info) -> int:
    return info.context.state().network.block_height


async def _stored(info: Info) -> int:
    store: Any = info.context.services.history
    return await store.read()  # type: ignore[no-any-return]


@strawberry.type
class Watched:
    """A subscription of each kind."""

    height: int = looked_up(_height, description="Of the snapshot.", reads=Part.NETWORK)
    stored: int = looked_up(_stored, description="Of something else.")


@strawberry.type
class Asked:
    """A schema needs a query."""

    height: int = looked_up(_height, description="Of the snapshot.")


@pytest.fixture(scope="module")
def own_schema() -> ServedSchema:
    """A schema with a field that waits."""
    schema = ServedSchema(Asked, subscription=Watched)
    schema.documents = Documents()
    schema.error_log = ErrorLog(structlog.get_logger())
    return schema


async def test_an_answer_that_takes_its_time_delays_no_other(
    hub_with: Callable[..., Any], own_schema: ServedSchema, make: Any
) -> None:
    store = Store()
    async with hub_with(own_schema, Services(history=store)) as live:  # type: ignore[arg-type]
        await live.publish(make.state(block_height=0))
        slow, _ = await live.watch(SLOW)
        quick, _ = await live.watch(QUICK)
        store.open.clear()
        for height in range(1, 6):
            store.value = height
            await live.publish(make.state(block_height=height))
        assert quick.answers[-1] == {"height": 5}
        assert (slow.answers, store.asked) == ([{"stored": 0}], 2)
        store.open.set()
        await live.idle()
        assert slow.answers == [{"stored": 0}, {"stored": 5}]
        assert store.asked == 3, "snapshots that came meanwhile are folded"


async def test_what_is_outside_is_looked_at_with_every_snapshot(
    hub_with: Callable[..., Any], own_schema: ServedSchema, make: Any
) -> None:
    store = Store()
    state = make.state()
    async with hub_with(own_schema, Services(history=store)) as live:  # type: ignore[arg-type]
        await live.publish(state)
        slow, _ = await live.watch(SLOW)
        for value in (0, 7, 7):
            store.value = value
            await live.publish(state)
            await live.idle()
        assert slow.answers == [{"stored": 0}, {"stored": 7}]


async def test_who_leaves_while_the_answer_is_waited_for_leaves_nothing_behind(
    hub_with: Callable[..., Any], own_schema: ServedSchema, make: Any
) -> None:
    store = Store()
    async with hub_with(own_schema, Services(history=store)) as live:  # type: ignore[arg-type]
        await live.publish(make.state())
        slow, subscription = await live.watch(SLOW)
        store.open.clear()
        await live.publish(make.state())
        subscription.stop()
        assert live.hub.groups == 0
        store.open.set()
        await live.idle()
        assert len(slow.payloads) == 1
