"""GraphiQL in a real browser subscribes over our WebSocket, under our policy."""

import asyncio
from typing import Any

SUBSCRIPTION = "subscription Height { network { blockHeight } }"
EDITOR = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror"


def _shown(text: str) -> str:
    return f"document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue().includes({text!r})"


async def test_graphiql_shows_what_a_subscription_sends(page: Any, network: Any, make: Any) -> None:
    await asyncio.to_thread(_subscribe, page, network.stage.url)
    await asyncio.to_thread(page.until, _shown('"blockHeight": 5313'))
    await network.publish(make.state(make.node(1), block_height=5314))
    await asyncio.to_thread(page.until, _shown('"blockHeight": 5314'))
    complaints = [entry["message"] for entry in await asyncio.to_thread(page.log, "browser")]
    assert not complaints


def _subscribe(page: Any, url: str) -> None:
    page.call("url", url=url)
    page.until(f"!!{EDITOR}")
    page.call("execute/sync", script=f"{EDITOR}.setValue({SUBSCRIPTION!r})", args=[])
    page.until(f"{EDITOR}.operationName === 'Height'")
    page.click(".graphiql-execute-button")
