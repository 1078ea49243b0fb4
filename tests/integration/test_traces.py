"""Traces of the running service, as a collector on the other end of OTLP over HTTP gets them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
EVENTS = "query Asked { events(first: 1) { edges { cursor } } }"


class Collector:
    """Takes spans on a real port, or refuses them."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.deliveries: list[tuple[str, str]] = []
        """Path and media type of each."""
        self.services: set[str] = set()
        self.spans: list[Span] = []
        self._delivered = asyncio.Condition()

    async def take(self, request: web.BaseRequest) -> web.Response:
        """Notes one delivery."""
        body, status = await request.read(), self.status
        async with self._delivered:
            self.deliveries.append((request.path, request.content_type))
            if status == 200:
                self._note(ExportTraceServiceRequest.FromString(body))
            self._delivered.notify_all()
        return web.Response(status=status)

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits until deliveries have made it so."""
        async with asyncio.timeout(60), self._delivered:
            await self._delivered.wait_for(condition)

    def named(self, name: str, trace: str = TRACE) -> list[Span]:
        """The spans of that name in a trace."""
        return [span for span in self.spans if span.name == name and span.trace_id.hex() == trace]

    def _note(self, delivery: ExportTraceServiceRequest) -> None:
        for resource in delivery.resource_spans:
            self.services |= {a.value.string_value for a in resource.resource.attributes if a.key == "service.name"}
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]


@pytest.fixture
def l2(evm: Any) -> Any:
    """One L2 is enough to be traced."""
    return evm


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    """One that runs."""
    collector = Collector()
    runner = web.ServerRunner(web.Server(collector.take))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/traces"
    yield collector
    await runner.cleanup()


@pytest.fixture
def traced(collector: Collector) -> dict[str, str]:
    """The settings of a service that tells it all, soon."""
    return {"SENT_TRACING__ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}


async def asked(service: Any, *, parent: str = f"00-{TRACE}-{CALLER}-01") -> None:
    """A question that goes through to the database, within a trace of the caller's."""
    answer = await service.client.post("/graphql", json={"query": EVENTS}, headers={"traceparent": parent})
    assert answer.json()["data"]["events"]


async def test_a_collector_gets_whole_traces(stage: Any, collector: Collector, traced: dict[str, str]) -> None:
    await stage.oxend.start()
    service = await stage.serve(environ=traced)
    await service.until(EVENTS, lambda data: data["events"])
    await asked(service)
    await asked(service, parent=f"00-{'1' * 32}-{CALLER}-00")
    assert await service.stop() == 0

    assert set(collector.deliveries) == {("/v1/traces", "application/x-protobuf")}
    assert collector.services == {"sent-graphql"}
    (request,), (execution,), (read,) = map(collector.named, ("POST", "graphql.execute", "database read"))
    assert request.parent_span_id.hex() == CALLER
    assert request.kind == Span.SPAN_KIND_SERVER
    assert execution.parent_span_id == request.span_id
    assert {a.key: a.value.string_value for a in execution.attributes}["graphql.operation.name"] == "Asked"
    assert read.parent_span_id == execution.span_id
    assert request.start_time_unix_nano <= read.start_time_unix_nano <= read.end_time_unix_nano
    assert not any(span.trace_id.hex() == "1" * 32 for span in collector.spans), "its caller wants no trace"
    assert {"oxend rpc.get_info", "oxend rpc.get_service_nodes", "rpc batch"} <= {span.name for span in collector.spans}


async def test_a_collector_that_is_away_costs_lines_of_the_log_once(
    stage: Any, collector: Collector, traced: dict[str, str]
) -> None:
    collector.status = 400
    await stage.oxend.start()
    service = await stage.serve(environ=traced)
    await service.until(EVENTS, lambda data: data["events"])
    await collector.until(lambda: len(collector.deliveries) >= 3)
    collector.status = 200
    await asked(service)
    await collector.until(lambda: collector.named("POST"))
    assert await service.stop() == 0

    told = [line for line in service.log if "traces" in line or "spans" in line]
    assert len(told) == 3
    assert all(words in line for words, line in zip(("400", "are lost", "are taken again"), told, strict=True))
