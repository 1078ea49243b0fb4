"""GraphiQL in a real browser, which can reach nothing but our server: it renders, asks, explains, and complains of
nothing. Driven over the WebDriver protocol; skipped where Chromium and its driver are not installed.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sent_graphql.models.snapshot import Snapshot
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema.build import build_schema
from sent_graphql.settings import GraphqlSettings

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
PATIENCE_MS = 30_000

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver (Debian: apt install chromium chromium-driver)"
)

WAIT = """
const [done, deadline] = [arguments[0], performance.now() + 30000];
const look = () => {
  const found = (() => { %s })();
  if (found || performance.now() > deadline) done(found || null); else setTimeout(look, 50);
};
look();
"""


class Page:
    """One tab."""

    def __init__(self, driver: httpx.Client, session: str) -> None:
        self._driver = driver
        self._session = session

    def call(self, command: str, **body: Any) -> Any:
        """A command of the protocol."""
        response = self._driver.post(f"/session/{self._session}/{command}", json=body)
        value = response.json()["value"]
        assert response.status_code == 200, value
        return value

    def close(self) -> None:
        """Ends the browser."""
        assert self._driver.delete(f"/session/{self._session}").status_code == 200

    def until(self, expression: str) -> Any:
        """The value of a JavaScript expression once it is true."""
        value = self.call("execute/async", script=WAIT % f"return {expression};", args=[])
        assert value, f"never came true: {expression}"
        return value

    def click(self, selector: str) -> None:
        """Clicks an element once it is there."""
        self.until(f"document.querySelector({selector!r})")
        self.call("execute/sync", script=f"document.querySelector({selector!r}).click()", args=[])

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What the browser noted since it was last asked: `browser` its console, `performance` its requests."""
        entries: list[dict[str, Any]] = self.call("se/log", type=kind)
        return entries

    def requests(self) -> list[str]:
        """The addresses that were asked over a network."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        opened = [m["params"]["url"] for m in messages if m["method"] == "Network.webSocketCreated"]
        return [*(url for params in sent if (url := params["request"]["url"]).startswith("http")), *opened]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A fresh browser."""
    assert DRIVER
    with subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            said = next(line for line in process.stdout if "started successfully on port" in line)
            port = said.rstrip().rstrip(".").split()[-1]
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=2 * PATIENCE_MS / 1000) as driver:
                page = open_page(driver, tmp_path)
                yield page
                page.close()
        finally:
            process.terminate()


def open_page(driver: httpx.Client, profile: Path) -> Page:
    """A session of the driver, with an empty profile."""
    wanted = {
        "browserName": "chrome",
        "goog:chromeOptions": {"binary": CHROMIUM, "args": [*ARGUMENTS, f"--user-data-dir={profile}"]},
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        "timeouts": {"script": PATIENCE_MS + 5_000, "pageLoad": PATIENCE_MS},
    }
    response = driver.post("/session", json={"capabilities": {"alwaysMatch": wanted}})
    assert response.status_code == 200, response.text
    return Page(driver, response.json()["value"]["sessionId"])


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


def test_graphiql_works_without_any_other_origin(page: Page, address: str) -> None:
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
