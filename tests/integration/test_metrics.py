"""What Prometheus is told by the running service, and that the examples in deploy/ name nothing else."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "sent-graphql.json"

OPERATIONS = DEPLOY.parent / "docs" / "operations.md"

SELECTOR = re.compile(r"\b(sent_graphql_[a-z0-9_]+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)(=~?)"([^"]*)"')
PROMETHEUS_OWN = {"instance", "job"}
DOCUMENTED = re.compile(r"`(?:sent_graphql|…)_([a-z0-9_]+)")
PARTS = re.compile(r"^sent_graphql_|_(?:bucket|count|sum)$")
METRIC = re.compile(r"\b(?:sent_graphql|process|python)_[a-z0-9_]+")
TOLD = re.compile(r"metrics are told.*\bport\W+(\d+)")
MEASURED = {"SENT_METRICS__PORT": "0", "SENT_METRICS__OPERATION_NAMES": "Known"}
NARROW = {
    "SENT_HTTP__HEADER_TIMEOUT": "1",
    "SENT_LIVE__MAX_CONNECTIONS_PER_ADDRESS": "0",
    "SENT_RATE_LIMIT__ENABLED": "true",
    "SENT_RATE_LIMIT__DEAR_BURST": "1",
    "SENT_RATE_LIMIT__DEAR_PER_SECOND": "0.0001",
    "SENT_RATE_LIMIT__COST_BURST": "100000",
    "SENT_RATE_LIMIT__COST_PER_SECOND": "0.0001",
}
HEIGHTS = "{ meta { sources { height } } }"
DEAR = 'mutation { requestRewardsClaim(address: "0x0000000000000000000000000000000000000000") { errors { code } } }'


@pytest.fixture
def l2(evm: Any) -> Any:
    """One L2 is enough to be counted."""
    return evm


async def told_port(service: Any) -> str:
    """The port that the log names; it is written about when the service begins to answer."""
    while True:
        match = TOLD.search("".join(service.log))
        if match is not None:
            return match[1]
        await asyncio.sleep(0.05)


async def scraped(service: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by name and labels."""
    async with asyncio.timeout(60), httpx.AsyncClient() as client:
        response = await client.get(f"http://127.0.0.1:{await told_port(service)}/metrics")
    assert response.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def expressions(panel: Any) -> Iterator[str]:
    """What is asked of Prometheus anywhere in a dashboard."""
    if isinstance(panel, dict):
        for key, value in panel.items():
            if key in {"expr", "query", "definition"} and isinstance(value, str):
                yield value
            yield from expressions(value)
    elif isinstance(panel, list):
        for item in panel:
            yield from expressions(item)


def unmatched(text: str, samples: dict[tuple[str, frozenset[tuple[str, str]]], float]) -> set[str]:
    """What is selected by labels, and matches nothing that is told."""
    return {
        found[0]
        for found in SELECTOR.finditer(text)
        if not any(name == found[1] and matches(found[2], dict(labels)) for name, labels in samples)
    }


def matches(matchers: str, labels: dict[str, str]) -> bool:
    """Whether labels are as a selector wants them; those that Prometheus adds are left out."""
    return all(
        value == labels.get(label) if kind == "=" else re.fullmatch(value, labels.get(label, ""))
        for label, kind, value in MATCHER.findall(matchers)
        if label not in PROMETHEUS_OWN
    )


async def test_what_happens_is_counted_and_the_examples_name_what_is_there(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve(environ=MEASURED)
    await service.until(HEIGHTS, lambda data: all(source["height"] for source in data["meta"]["sources"]))
    await service.query("query Known { network { blockHeight } }")
    await service.query("query Stranger7 { network { blockHeight } }")
    await service.ask("query Known { nothing }")
    await service.client.get("/wp-login.php")
    assert (await service.client.get("/metrics")).status_code == 404

    samples = await scraped(service)

    def value(name: str, **labels: str) -> float:
        return samples.get((f"sent_graphql_{name}", frozenset(labels.items())), 0)

    assert value("operations_total", kind="query", operation="Known", outcome="ok") >= 1
    assert value("operations_total", kind="query", operation="other", outcome="ok") >= 1
    assert value("operations_total", kind="query", operation="Known", outcome="refused") == 1
    assert value("operation_seconds_count", kind="query") >= 3
    assert value("operation_cost_count", kind="query") >= 2
    assert value("http_requests_total", route="other", method="GET", status="404") == 2
    assert value("http_requests_total", route="/graphql", method="POST", status="200") >= 4
    assert value("source_healthy", source="oxend") == value("source_healthy", source="contracts") == 1
    assert value("poll_seconds_count", source="contracts") >= 1
    assert value("refresh_stage_seconds_count", stage="open") >= 1
    assert value("rpc_round_trips_total") >= 2
    assert value("ready") == 1
    assert value("snapshot_stale") == 0
    assert value("service_nodes", state="running") > 0
    assert not any("Stranger" in label for _, labels in samples for _, label in labels)
    assert not any("wp-login" in label for _, labels in samples for _, label in labels)

    told = {name for name, _ in samples}
    examples = {"alerts": ALERTS.read_text(), "dashboard": "\n".join(expressions(json.loads(DASHBOARD.read_text())))}
    asked = {place: set(METRIC.findall(text)) for place, text in examples.items()}
    assert all(asked.values())
    nothing: dict[str, set[str]] = {"alerts": set(), "dashboard": set()}
    assert {place: names - told for place, names in asked.items()} == nothing
    assert {place: unmatched(text, samples) for place, text in examples.items()} == nothing


async def test_every_metric_is_documented_and_none_that_is_not_there(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve(environ=MEASURED)
    await service.until(HEIGHTS, lambda data: all(source["height"] for source in data["meta"]["sources"]))
    told = {name for name, _ in await scraped(service) if name.startswith("sent_graphql_")}
    measures = {PARTS.sub("", name) for name in told if not name.endswith("_created")}
    assert set(DOCUMENTED.findall(OPERATIONS.read_text())) == measures


async def closed(service: Any, sent: bytes) -> None:
    """A connection that sends this, and is ended by the service."""
    url = service.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(sent)
    await reader.read()
    writer.close()


async def test_who_is_turned_away_is_counted_and_so_is_what_the_cache_answers(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve(environ=MEASURED | NARROW)
    await service.until("{ network { blockHeight } }", lambda data: data["network"])
    for _ in range(3):
        await service.query("{ events(first: 1) { edges { cursor } } }")
    # Of one snapshot, though a new one may come in between.
    for _ in range(5):
        await service.client.get("/graphql", params={"query": "{ network { netType } }"})
        await service.ask("{ network { netType } }")

    assert (await service.ask(DEAR))["data"]
    assert (await service.ask(DEAR))["errors"]
    stream = {"accept": "text/event-stream"}
    answer = await service.client.post("/graphql", json={"query": "{ meta { version } }"}, headers=stream)
    assert answer.status_code == 429
    await closed(service, b"GET / HTTP/1.1\r\n\r\n")
    await closed(service, b"GET / HTTP/1.1\r\n")
    while (await service.client.get(f"/registrations/{'0' * 64}")).status_code != 429:
        continue

    samples = await scraped(service)

    def values(name: str, label: str) -> dict[str, float]:
        return {
            dict(labels)[label]: value for (told, labels), value in samples.items() if told == f"sent_graphql_{name}"
        }

    answers = values("answers_total", "origin")
    assert answers["unshared"] >= 3
    assert answers["made"] >= 1
    assert answers["kept"] >= 1
    assert answers["replayed"] >= 1
    refused = values("refused_total", "reason")
    once = {"rate_limit_cost", "rate_limit_dear", "live_connections", "connection_bad_head"}
    assert {reason for reason, count in refused.items() if count} == once
    assert all(refused[reason] == 1 for reason in once)
    assert set(refused) - once == {
        *("overload_no_place", "overload_no_turn", "overload_late", "overload_bodies"),
        *("connection_no_room", "connection_unread"),
        *("proofs", "workers", "signatures"),
    }
    assert values("http_connections_cut_total", "reason") == {
        "slow_head": 1,
        "slow_reader": 0,
        "unread": 0,
        "unfinished": 0,
    }
    assert values("database_seconds_count", "kind")["read"] >= 3
    assert values("database_seconds_count", "kind")["write"] >= 1
    assert values("database_errors_total", "kind") == {"read": 0, "write": 0}


async def test_metrics_are_told_on_their_own_port_or_nowhere(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await service.until("{ network { blockHeight } }", lambda data: data["network"])

    assert (await service.client.get("/metrics")).status_code == 404
    assert await service.stop() == 0
    assert TOLD.search("".join(service.log)) is None
