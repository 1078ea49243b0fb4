"""GraphiQL in a real browser, which can reach nothing but our server: it renders, asks, explains, and complains of
nothing. Driven over the WebDriver protocol; skipped where Chromium and its driver are not installed.
"""

from collections.abc import Callable
from typing import Any

import pytest

from sent_graphql.models.snapshot import Snapshot
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema.build import build_schema
from sent_graphql.settings import GraphqlSettings


@pytest.fixture
def address(start: Callable[..., str], snapshots: object) -> str:
    """A server with the schema that is really served."""
    options = ResolverOptions(nettype="stagenet", default_page_size=100, max_page_size=2_500)

    def make_context(snapshot: Snapshot) -> RequestContext:
        return RequestContext(snapshot=snapshot, options=options)

    return start(schema=build_schema(GraphqlSettings(), "stagenet"), make_context=make_context)


def answer(text: str) -> str:
    """Whether the answer's pane shows `text`."""
    return f"document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue().includes({text!r})"


def test_graphiql_works_without_any_other_origin(page: Any, address: str) -> None:
    page.call("url", url=f"{address}/graphql")

    page.click(".graphiql-execute-button")
    page.until(answer('"blockHeight": 836'))
    page.until(answer('"isOperator": true'))

    query = "query Addresses { serviceNodes(first: 1) { totalCount nodes { publicIp } } }"
    page.call(
        "execute/sync",
        script=f"document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.setValue({query!r})",
        args=[],
    )
    page.until("document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.operationName === 'Addresses'")
    page.click(".graphiql-execute-button")
    page.until(answer('"publicIp": "192.0.2.7"'))

    panel = "document.querySelector('.graphiql-plugin')?.textContent"
    page.click('[aria-label="Show Documentation Explorer"]')
    page.until(f"{panel}?.includes('ServiceNode')")
    page.click('[aria-label="Show History"]')
    page.until(f"{panel}?.includes('Overview')")
    page.click('[aria-label="Show GraphiQL Explorer"]')
    page.until(f"{panel}?.includes('contributionContracts')")

    assert page.log("browser") == []
    asked = page.requests()
    assert f"{address}/static/graphiql/favicon.svg" in asked
    assert [url for url in asked if not url.startswith(f"{address}/")] == []
