"""Spans around what the service does, on OpenTelemetry's own SDK with an exporter in memory."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import strawberry
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import URL, text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sent_graphql.settings import DatabaseSettings, TracingSettings
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.oxend.errors import OxendTimeoutError
from sent_graphql.tracing.configuration import start_tracing
from sent_graphql.tracing.tracing import Tracing

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
IDENTITY = Identity(chain_id=31337, service_node_rewards="0x5FbDB2315678afecb367f032d93F642f64180aa3")


class SlowOxend:
    """A transport whose answers come, or do not."""

    async def start(self) -> None:
        """Nothing to begin."""

    async def request(self, command: str, body: bytes | None = None, *, timeout: float | None = None) -> list[bytes]:
        """An answer to all but one command."""
        if command == "rpc.silent":
            raise OxendTimeoutError("no answer")
        return [b"200", b"{}"]

    def on_push(self, listener: Callable[[list[bytes]], None]) -> None:
        """It never pushes."""

    def on_connected(self, listener: Callable[[], None]) -> None:
        """It is never connected anew."""

    async def close(self) -> None:
        """Nothing to end."""


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Tracing:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider)


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Callable[[], dict[str, ReadableSpan]]:
    """The spans that have ended, by their names."""
    return lambda: {span.name: span for span in exporter.get_finished_spans()}


async def test_what_a_request_leads_to_is_one_trace_of_the_callers(
    tracing: Tracing, spans: Callable[[], dict[str, ReadableSpan]], tmp_path: Any
) -> None:
    oxend = tracing.transport(SlowOxend())
    database = tracing.database(
        URL.create("sqlite+aiosqlite", database=str(tmp_path / "test.db")), DatabaseSettings(), IDENTITY
    )
    await database.open()

    @strawberry.type
    class Query:
        @strawberry.field
        async def asked(self) -> bool:
            await oxend.request("rpc.get_info")
            async with database.reading() as connection:
                await connection.execute(text("select 1"))
            return True

    schema = strawberry.Schema(Query, extensions=[tracing.extension])

    async def ask(_request: Request) -> Response:
        result = await schema.execute("query Asked { asked }")
        return JSONResponse(result.data)

    app = tracing.watching(Starlette(routes=[Route("/graphql", ask, methods=["POST"])]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        response = await client.post("/graphql", headers={"traceparent": CALLER})
    await database.close()

    assert response.json() == {"asked": True}
    ended = spans()
    assert ended.keys() == {"POST", "graphql.execute", "oxend rpc.get_info", "database read"}
    request, execution = ended["POST"], ended["graphql.execute"]
    assert f"{request.context.trace_id:032x}" == CALLER.split("-")[1]
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == CALLER.split("-")[2]
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    assert execution.parent is not None
    assert execution.parent.span_id == request.context.span_id
    assert execution.attributes is not None
    assert execution.attributes["graphql.operation.name"] == "Asked"
    for name in ("oxend rpc.get_info", "database read"):
        parent = ended[name].parent
        assert parent is not None
        assert parent.span_id == execution.context.span_id


async def test_a_request_that_oxend_does_not_answer_is_a_span_with_an_error(
    tracing: Tracing, spans: Callable[[], dict[str, ReadableSpan]]
) -> None:
    with pytest.raises(OxendTimeoutError):
        await tracing.transport(SlowOxend()).request("rpc.silent")
    assert not spans()["oxend rpc.silent"].status.is_ok


def test_without_an_endpoint_there_is_none_and_the_packages_are_not_imported() -> None:
    assert start_tracing(TracingSettings()) is None
    look = "import sys, sent_graphql.app; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
