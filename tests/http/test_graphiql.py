"""The GraphiQL page and its files, without a browser (with one: test_graphiql_in_browser.py)."""

import hashlib
import json
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import httpx
import pytest
from graphql import GraphQLSchema, build_schema, parse, validate

from sent_graphql.schema.build import build_schema as served_schema
from sent_graphql.settings import GraphqlSettings

Start = Callable[..., str]
ClientOf = Callable[[str], httpx.AsyncClient]

STATIC = Path(str(files("sent_graphql"))) / "static"
OURS = {"favicon.svg", "init.js", "page.css", "manifest.json"}
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(scope="module")
def sdl() -> GraphQLSchema:
    """The schema that is served, as a client knows it."""
    return build_schema(served_schema(GraphqlSettings(), "mainnet").as_str())


async def test_a_browser_gets_the_page(client: httpx.AsyncClient) -> None:
    response = await client.get("/graphql", headers=BROWSER)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "accept" in response.headers["vary"]
    assert "stagenet" in response.text


async def test_who_asks_something_gets_an_answer_and_no_page(client: httpx.AsyncClient) -> None:
    response = await client.get("/graphql", params={"query": "{ number }"}, headers=BROWSER)
    assert response.json() == {"data": {"number": 0}}
    for accept in ("*/*", "application/json", "application/json, text/html;q=0.5"):
        response = await client.get("/graphql", headers={"accept": accept})
        assert response.status_code == 400


async def test_the_page_can_be_switched_off(start: Start, client_of: ClientOf) -> None:
    client = client_of(start(graphiql=False))
    for path in ("/graphql", "/static/graphiql/init.js"):
        response = await client.get(path, headers=BROWSER)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/json"
    assert (await client.post("/graphql", json={"query": "{ number }"})).status_code == 200


async def test_the_policy_allows_nothing_from_elsewhere_and_nothing_inline(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/graphql", headers=BROWSER)).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "//" not in policy


async def test_all_that_the_page_names_is_here_and_of_the_right_type(client: httpx.AsyncClient) -> None:
    page = (await client.get("/graphql", headers=BROWSER)).text
    assert not re.search(r"https?:|<script>|style=|\bon\w+=", page)
    names = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(names) == 10
    for name in names:
        response = await client.get("/" + name)
        assert response.status_code == 200
        kind = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}[Path(name).suffix]
        assert response.headers["content-type"].split(";")[0] == kind


@pytest.mark.parametrize("path", ["/graphql", "/static/graphiql/graphiql.min.js"])
async def test_a_browser_that_has_it_is_told_so(client: httpx.AsyncClient, path: str) -> None:
    first = await client.get(path, headers=BROWSER)
    assert first.headers["cache-control"] == "no-cache"
    again = await client.get(path, headers={**BROWSER, "if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "no-cache"


async def test_only_the_pages_own_files_are_served(client: httpx.AsyncClient) -> None:
    for path in ("../welcome.graphql", "..%2fwelcome.graphql", "%2e%2e/%2e%2e/settings.py", ""):
        response = await client.get(f"/static/graphiql/{path}")
        assert response.status_code == 404


def test_the_vendored_files_are_those_of_the_manifest() -> None:
    directory = STATIC / "graphiql"
    manifest = json.loads((directory / "manifest.json").read_text())
    listed = {entry["file"]: entry["sha256"] for entry in manifest}
    present = {path.name for path in directory.iterdir()} - OURS
    assert present == set(listed)
    assert {name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in listed} == listed


def test_every_vendored_package_is_named_with_version_and_licence() -> None:
    manifest = json.loads((STATIC / "graphiql" / "manifest.json").read_text())
    versions = {entry["package"]: entry["version"] for entry in manifest}
    assert versions == {
        "graphiql": "3.9.0",
        "@graphiql/plugin-explorer": "3.2.5",
        "graphiql-explorer": "0.9.0",
        "react": "18.3.1",
        "react-dom": "18.3.1",
        "graphql-ws": "5.16.2",
    }
    assert {entry["license"] for entry in manifest} == {"MIT"}


def test_the_welcome_query_fits_the_schema_and_its_comments_fit_the_page(sdl: GraphQLSchema) -> None:
    welcome = (STATIC / "welcome.graphql").read_text()
    assert validate(sdl, parse(welcome)) == []
    assert max(map(len, welcome.splitlines())) <= 48
