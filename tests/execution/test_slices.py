"""An operation works in slices of time, one at a time, and lets others go on in between."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sent_graphql.execution import projections
from sent_graphql.execution import slices as module
from sent_graphql.execution.executor import CompiledExecution, compiled_execution
from sent_graphql.execution.plans import Plans
from sent_graphql.execution.projections import attempt
from sent_graphql.execution.slices import Later, Slices
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema.build import build_schema
from sent_graphql.schema.direct_lookups import direct_lookup
from sent_graphql.settings import GraphqlSettings

NODES = 300
"""So many that one projection may not hold the values of all."""

QUESTIONS = {
    "list": f"{{ serviceNodes(first: {NODES}) {{ nodes {{ pubkey contributors {{ address }} }} }} }}",
    "inner lists": "{ serviceNodes(first: 20) { nodes { contributors { wallet { operatedNodes { id } } } } } }",
    "many fields": "{ " + " ".join(f"a{number}: network {{ version }}" for number in range(50)) + " }",
    "many look-ups": "{ " + " ".join(f"a{number}: serviceNodes {{ totalCount }}" for number in range(50)) + " }",
    "introspection": "{ __schema { types { name fields { name } } } }",
}


class Clock:
    """Time that goes on by a millisecond with every object that is made, and only then."""

    def __init__(self) -> None:
        self.now = 0.0

    def ticking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, which takes a millisecond now."""

        def timed(*arguments: Any) -> Any:
            self.now += 0.001
            return function(*arguments)

        return timed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that slices go by."""
    clock = Clock()
    monkeypatch.setattr(module, "perf_counter", lambda: clock.now)
    monkeypatch.setattr("sent_graphql.execution.lists.attempt", clock.ticking(attempt))
    monkeypatch.setattr("sent_graphql.execution.executor.attempt", clock.ticking(attempt))
    monkeypatch.setattr(projections, "MAX_VALUES", 2 * NODES)
    monkeypatch.setattr(CompiledExecution, "_object", clock.ticking(CompiledExecution._object))
    return clock


@pytest.fixture
def execute(make: Any) -> Callable[[str], Awaitable[Any]]:
    """Executes an operation on a network with a wallet that operates all nodes."""
    schema = build_schema(GraphqlSettings(max_cost=10**9), "mainnet")
    schema.execution_context_class = compiled_execution(Plans(direct_lookup, worth=1))
    options = ResolverOptions(nettype="mainnet", default_page_size=100, max_page_size=2_500)
    context = RequestContext(make.snapshot(make.state(*map(make.node, range(NODES)))), options)
    return lambda question: schema.execute(question, context_value=context)


async def holds(clock: Clock, work: Awaitable[Any]) -> tuple[Any, list[float]]:
    """What comes of `work`, and for how long it held the event loop each time."""
    task = asyncio.ensure_future(work)
    held = []
    while not task.done():
        begun = clock.now
        await asyncio.sleep(0)
        held.append(clock.now - begun)
    return await task, held


@pytest.mark.parametrize("name", QUESTIONS)
async def test_the_event_loop_is_never_held_much_longer_than_a_slice(
    name: str, clock: Clock, execute: Callable[[str], Awaitable[Any]]
) -> None:
    result, held = await holds(clock, execute(QUESTIONS[name]))
    assert result.errors is None
    assert len(held) > 2
    assert max(held) < 2 * module.SLICE


async def test_a_short_operation_is_not_interrupted(execute: Callable[[str], Awaitable[Any]]) -> None:
    begun = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(begun.set_result, None)
    assert (await execute("{ serviceNodes { nodes { pubkey } } }")).errors is None
    assert not begun.done()


async def test_works_go_on_one_after_the_other() -> None:
    slices = Slices(may_wait=True, seconds=0.0)
    working: list[int] = []

    async def work(number: int) -> None:
        async with slices.turn():
            for _ in range(5):
                working.append(number)
                await slices.next()

    await asyncio.gather(*map(work, range(3)))
    assert working == [0] * 5 + [1] * 5 + [2] * 5


def test_synchronous_execution_never_waits() -> None:
    slices = Slices(may_wait=False, seconds=0.0)
    assert not any(slices.used_up() for _ in range(100))


async def test_work_that_is_not_wanted_any_more_need_not_be_awaited() -> None:
    async def work() -> int:
        return 7

    assert await Later(work) == 7
    Later(work)


async def test_a_list_that_is_given_up_ends_quietly(clock: Clock, execute: Callable[[str], Awaitable[Any]]) -> None:
    task = asyncio.ensure_future(execute(QUESTIONS["inner lists"]))
    for _ in range(2):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
