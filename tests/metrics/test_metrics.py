"""What is counted, and that strangers cannot make it grow."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from typing import Any

import httpx
import pytest
import strawberry
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sent_graphql.metrics.loop_lag import INTERVAL, LoopLag
from sent_graphql.metrics.operations import OperationMetrics
from sent_graphql.metrics.page import metrics_page
from sent_graphql.metrics.requests import METHODS, ROUTES, RequestMetrics
from sent_graphql.tallies import Tally


@strawberry.type
class Query:
    """One field that answers, one that fails."""

    @strawberry.field
    async def one(self) -> int:
        """Answers."""
        return 1

    @strawberry.field
    async def wait(self) -> int:
        """Waits for ever."""
        await asyncio.Event().wait()
        return 1


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def count(registry: CollectorRegistry) -> Callable[..., float]:
    """The value of a sample; 0 where there is none."""
    return lambda name, **labels: registry.get_sample_value(f"sent_graphql_{name}", labels) or 0.0


@pytest.fixture
def schema(registry: CollectorRegistry) -> strawberry.Schema:
    metrics = OperationMetrics(registry, ["Known"])
    return strawberry.Schema(Query, extensions=[metrics.extension])


async def test_operations_are_counted_by_kind_name_and_outcome(
    schema: strawberry.Schema, count: Callable[..., float]
) -> None:
    await schema.execute("query Known { one }")
    await schema.execute("query Other { one }")
    await schema.execute("{ one }")
    await schema.execute("{ nothing }")
    await schema.execute("{")
    with pytest.raises(strawberry.schema.exceptions.CannotGetOperationTypeError):
        await schema.execute("query Known { one }", operation_name="Missing")

    assert count("operations_total", kind="query", operation="Known", outcome="ok") == 1
    assert count("operations_total", kind="query", operation="other", outcome="ok") == 1
    assert count("operations_total", kind="query", operation="unnamed", outcome="ok") == 1
    assert count("operations_total", kind="query", operation="unnamed", outcome="refused") == 1
    assert count("operations_total", kind="unknown", operation="unnamed", outcome="refused") == 1
    assert count("operations_total", kind="unknown", operation="other", outcome="refused") == 1
    assert count("operation_seconds_count", kind="query") == 4


def test_a_first_fault_is_a_rise_from_nothing(schema: strawberry.Schema, registry: CollectorRegistry) -> None:
    for kind, name in product(("query", "mutation", "subscription"), ("Known", "other", "unnamed")):
        labels = {"kind": kind, "operation": name, "outcome": "failed"}
        assert registry.get_sample_value("sent_graphql_operations_total", labels) == 0


async def test_what_nobody_waits_for_any_more_is_not_counted(
    schema: strawberry.Schema, count: Callable[..., float]
) -> None:
    task = asyncio.create_task(schema.execute("{ wait }"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert count("operation_seconds_count", kind="query") == 0


@settings(max_examples=20, deadline=None)
@given(names=st.lists(st.from_regex(r"[A-Za-z]{1,20}", fullmatch=True), max_size=5))
def test_no_name_of_a_strangers_becomes_a_label(names: list[str]) -> None:
    registry = CollectorRegistry()
    metrics = OperationMetrics(registry, ["Known"])
    schema = strawberry.Schema(Query, extensions=[metrics.extension])
    for name in names:
        asyncio.run(schema.execute(f"query {name} {{ one }}"))
    labels = {
        sample.labels["operation"]
        for family in registry.collect()
        for sample in family.samples
        if "operation" in sample.labels
    }
    assert labels <= {"Known", "other", "unnamed"}


def asgi_client(app: Any) -> httpx.AsyncClient:
    """A client of an application in this process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test")


async def test_requests_are_counted_by_route_method_and_status(
    registry: CollectorRegistry, count: Callable[..., float]
) -> None:
    async def answer(request: Request) -> Response:
        if "fail" in request.query_params:
            raise RuntimeError
        kind = "text/event-stream" if "stream" in request.query_params else "text/plain"
        return Response(b"", headers={"content-type": kind})

    app = RequestMetrics(registry).watching(Starlette(routes=[Route("/graphql", answer)]))
    async with asgi_client(app) as client:
        await client.get("/graphql")
        await client.get("/graphql?stream")
        await client.get("/graphql?fail")
        await client.request("BREW", "/graphql")
        for path in ("/a", "/b", "/%0A"):
            await client.get(path)

    assert count("http_requests_total", route="/graphql", method="GET", status="200") == 2
    assert count("http_requests_total", route="/graphql", method="GET", status="500") == 1
    assert count("http_requests_total", route="/graphql", method="other", status="405") == 1
    assert count("http_requests_total", route="other", method="GET", status="404") == 3
    assert count("http_requests_under_way") == 0
    assert count("http_request_seconds_count", route="/graphql") == 3  # of the four, one is a stream
    labels = [sample.labels for family in registry.collect() for sample in family.samples]
    assert {label["route"] for label in labels if "route" in label} <= ROUTES | {"other"}
    assert {label["method"] for label in labels if "method" in label} <= METHODS | {"other"}


async def test_websockets_pass_as_they_are(registry: CollectorRegistry) -> None:
    seen: list[Any] = []

    async def app(*arguments: Any) -> None:
        seen.extend(arguments)

    given = ({"type": "websocket", "path": "/graphql"}, object(), object())
    await RequestMetrics(registry).watching(app)(*given)  # type: ignore[arg-type]
    assert seen == list(given)


async def test_a_loop_that_is_held_is_seen(registry: CollectorRegistry, count: Callable[..., float]) -> None:
    asyncio.get_running_loop().call_soon(time.sleep, 3 * INTERVAL)
    with suppress(TimeoutError):
        async with asyncio.timeout(4 * INTERVAL):
            await LoopLag(registry).run()
    assert count("event_loop_lag_seconds_count") >= 1
    assert count("event_loop_lag_seconds_sum") >= INTERVAL


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [("*/*", "text/plain"), ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text")],
)
async def test_metrics_come_in_the_form_that_is_asked_for(
    registry: CollectorRegistry, accept: str, media_type: str
) -> None:
    RequestMetrics(registry)
    async with asgi_client(metrics_page(registry)) as client:
        response = await client.get("/metrics", headers={"accept": accept})
        missing = await client.get("/")
    assert response.headers["content-type"].startswith(media_type)
    assert "sent_graphql_http_requests_under_way 0.0" in response.text
    assert missing.status_code == 404


def test_a_tally_counts_what_was_in_vain_as_well() -> None:
    tally = Tally()
    with tally.measured():
        pass
    with pytest.raises(ValueError, match="no"), tally.measured():
        raise ValueError("no")
    assert (tally.count, tally.failures) == (2, 1)
    assert tally.seconds > 0
