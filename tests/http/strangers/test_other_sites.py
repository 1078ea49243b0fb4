"""Pages of other sites in a user's browser: what they send without asking changes nothing and tells them nothing."""

from typing import Any

import pytest

OTHER = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
CLAIM = 'mutation { requestRewardsClaim(address: "0x0000000000000000000000000000000000000001") { errors { code } } }'
SIMPLE_TYPES = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=a",
    "text/plain",
    "text/plain;charset=utf-8",
]


@pytest.mark.parametrize("content_type", [*SIMPLE_TYPES, "", "application/graphql", "text/json", "application/jsonp"])
async def test_a_form_or_text_is_no_question(host: Any, content_type: str) -> None:
    here = await host()
    body = b'{"query":"mutation { __typename }"}'
    for more in ({}, {"accept": "text/event-stream"}):
        response = await here.client.post(
            "/graphql", content=body, headers={**OTHER, **more, "content-type": content_type}
        )
        assert response.status_code == 415
        assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_get_never_runs_a_mutation(host: Any, method: str) -> None:
    here = await host()
    for accept in ("application/json", "text/event-stream"):
        response = await here.client.request(method, "/graphql", params={"query": CLAIM}, headers={"accept": accept})
        assert response.status_code == 405


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
async def test_no_other_method_is_served(host: Any, method: str) -> None:
    here = await host()
    for path in ("/graphql", "/info", "/healthz", f"/store/{'0' * 64}"):
        response = await here.client.request(method, path, json={"query": CLAIM})
        assert response.status_code == 405


async def test_preflights_of_other_origins_are_refused_by_default(host: Any) -> None:
    here = await host()
    asked = {**OTHER, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    for path in ("/graphql", "/store/a"):
        response = await here.client.options(path, headers=asked)
        assert not [name for name in response.headers if name.startswith("access-control")]


async def test_answers_are_kept_from_other_origins_by_default(host: Any) -> None:
    here = await host()
    response = await here.client.post("/graphql", json={"query": "{ meta { version } }"}, headers=OTHER)
    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["cross-origin-resource-policy"] == "same-origin"


async def test_only_origins_that_are_named_are_let_in_and_without_credentials(host: Any) -> None:
    here = await host(http={"cors_origins": ("https://app.example",)})
    for origin, allowed in (("https://app.example", "https://app.example"), ("https://app.example.evil.example", None)):
        response = await here.client.post("/graphql", json={"query": "{ meta { id } }"}, headers={"origin": origin})
        assert response.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in response.headers
        assert "ratelimit" in response.headers.get("access-control-expose-headers", "ratelimit")


async def test_websockets_of_other_origins_are_refused(host: Any) -> None:
    here = await host()
    strange = ("null", "http://[", "http://", "\xff", f"127.0.0.1:{here.port}")
    for origin in ("https://evil.example", f"http://127.0.0.1:{here.port}.evil.example", *strange):
        with pytest.raises(Exception, match="403"):
            await here.websocket(origin=origin)
    await here.websocket(origin=f"http://127.0.0.1:{here.port}")


async def test_refused_handshakes_have_the_headers_of_all_answers_and_an_id(host: Any) -> None:
    here = await host(rate_limit={"cost_burst": 100, "cost_per_second": 0.001})
    asked = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    key = {"sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    ids = set()
    for status, path, more in (
        (403, "/graphql", {**key, **OTHER}),
        (404, "/elsewhere", key),
        (400, "/graphql", {"sec-websocket-key": "short"}),
        *[(status, "/graphql", {**key, **OTHER}) for status in (403, 403, 403, 429)],
    ):
        response = await here.client.get(path, headers={**asked, **more})
        assert response.status_code == status
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        if status != 400:  # no request for the application yet
            ids.add(response.headers["x-request-id"])
    assert len(ids) == 6


@pytest.mark.parametrize(
    "path", ["/graphql", "/info", "/healthz", "/readyz", "/store/a", "/nowhere", "/", "/registrations/a"]
)
async def test_every_answer_has_the_headers_that_protect_it(host: Any, path: str) -> None:
    here = await host()
    for accept in ("text/html", "application/json"):
        headers = (await here.client.get(path, headers={"accept": accept})).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "server" not in headers
