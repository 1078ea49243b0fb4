"""The routes as a whole: refusals in JSON, headers, log lines, origins, faults."""

from collections.abc import Callable

import httpx
import pytest
import structlog

from sent_graphql.models.snapshot import Snapshot

Start = Callable[..., str]
ClientOf = Callable[[str], httpx.AsyncClient]

ELSEWHERE = "https://dashboard.example"


async def test_the_root_leads_to_the_api_also_behind_a_path(client: httpx.AsyncClient) -> None:
    response = await client.get("/")
    assert (response.status_code, response.headers["location"]) == (307, "graphql")


@pytest.mark.parametrize("path", ["/nothing", "/graphql/", "/static/graphiql/nothing.js", "/static/", "/favicon.ico"])
async def test_an_unknown_path_is_404_in_json(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path, headers={"accept": "text/html"})
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/json"
    assert response.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("path", ["/", "/info", "/healthz", "/readyz"])
async def test_another_method_is_405_in_json(client: httpx.AsyncClient, path: str) -> None:
    response = await client.post(path)
    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert response.json()["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize("path", ["/info", "/healthz", "/readyz"])
async def test_head_has_the_headers_alone(client: httpx.AsyncClient, path: str) -> None:
    response = await client.head(path)
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 0


@pytest.mark.parametrize("path", ["/", "/graphql", "/info", "/nothing", "/static/graphiql/init.js"])
async def test_every_answer_has_the_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_requests_have_ids_of_our_own(client: httpx.AsyncClient) -> None:
    ids = {(await client.get("/healthz", headers={"x-request-id": "mine"})).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert "mine" not in ids


async def test_no_page_of_elsewhere_may_ask_by_default(client: httpx.AsyncClient) -> None:
    asked = await client.post("/graphql", json={"query": "{ number }"}, headers={"origin": ELSEWHERE})
    assert "access-control-allow-origin" not in asked.headers
    preflight = await client.options("/graphql", headers={"origin": ELSEWHERE, "access-control-request-method": "POST"})
    assert "access-control-allow-origin" not in preflight.headers


async def test_the_pages_that_the_setting_names_may_ask(start: Start, client_of: ClientOf) -> None:
    client = client_of(start(cors_origins=(ELSEWHERE,)))
    preflight = await client.options(
        "/graphql",
        headers={
            "origin": ELSEWHERE,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ELSEWHERE
    asked = await client.post("/graphql", json={"query": "{ number }"}, headers={"origin": ELSEWHERE})
    assert asked.headers["access-control-allow-origin"] == ELSEWHERE
    assert {name.strip().lower() for name in asked.headers["vary"].split(",")} == {
        "accept",
        "accept-encoding",
        "origin",
    }
    other = await client.post("/graphql", json={"query": "{ number }"}, headers={"origin": "https://other.example"})
    assert "access-control-allow-origin" not in other.headers


async def test_a_star_lets_every_page_ask_and_none_with_credentials(start: Start, client_of: ClientOf) -> None:
    client = client_of(start(cors_origins=("*",)))
    response = await client.get("/info", headers={"origin": ELSEWHERE})
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers


async def test_a_fault_of_ours_is_500_in_json_without_its_reason(start: Start, client_of: ClientOf) -> None:
    def broken(_snapshot: Snapshot) -> object:
        raise RuntimeError("a secret")

    client = client_of(start(make_context=broken))
    with structlog.testing.capture_logs() as lines:
        response = await client.post("/graphql", json={"query": "{ number }"})
    assert [line["event"] for line in lines] == ["request failed", "request"]
    assert response.status_code == 500
    told = {"code": "INTERNAL", "id": lines[0]["id"]}
    assert response.json() == {"errors": [{"message": "Internal error", "extensions": told}]}
    assert response.headers["x-content-type-options"] == "nosniff"
    assert (await client.get("/healthz")).status_code == 200


async def test_a_request_is_one_debug_line_without_its_query_string(client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as lines:
        response = await client.get(
            "/graphql", params={"query": "query Said { text }", "operationName": "Said", "token": "secret"}
        )
    [line] = [line for line in lines if line["event"] == "request"]
    assert line["log_level"] == "debug"
    assert (line["method"], line["path"], line["status"], line["operation"]) == ("GET", "/graphql", 200, "Said")
    assert type(line["status"]) is int
    assert line["bytes"] == len(response.content)
    assert line["duration_ms"] >= 0
    assert "secret" not in repr(lines)


async def test_a_client_cannot_write_into_the_log(client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as lines:
        await client.get("/a%0Ab%1B" + "c" * 1000)
        await client.post("/graphql", json={"query": "{ number }", "operationName": "a\nb"})
    first, second = (line for line in lines if line["event"] == "request")
    assert first["path"].startswith("/a\\nb\\x1bc")
    assert len(first["path"]) < 300
    assert "operation" not in second
