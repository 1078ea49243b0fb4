"""A provider of the L2 that fails, refuses and lies as it is told, and the stage with it in the gate's place."""

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

META = "{ meta { version stale sources { name healthy lastSuccessAt height lastError scan { complete error } } } }"
SHOWN = "{ network { blockHeight l2Height } serviceNodes { totalCount nodes { id state } } }"

MOST_MEMORY = 400 * 1024 * 1024
"""What the service with its small network may ever have held in a test, where it takes some 140 MiB undisturbed."""

Fault = Callable[[Any], web.StreamResponse | Awaitable[web.StreamResponse]]
"""Answers a whole POST, one request or a batch."""

Lie = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any] | None]
"""Gets one request and its true answer, and gives the answer in its place; None lets the true one stand."""


class Provider:
    """JSON-RPC over HTTP in front of the L2. `fault` answers everything, `lie` changes single answers."""

    def __init__(self, target: str, context: ssl.SSLContext | None = None) -> None:
        self.fault: Fault | None = None
        self.lie: Lie | None = None
        self.context = context
        self.posts = 0
        self._target = target
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """Where the service finds it."""
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self._port}"

    async def open(self) -> Self:
        """Begins to answer, on the same port every time."""
        self._session = aiohttp.ClientSession()
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/", self._post)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self.context).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def shut(self) -> None:
        """Cuts every connection and accepts no more."""
        assert self._runner is not None
        assert self._session is not None
        await self._runner.cleanup()
        await self._session.close()

    async def ask(self, method: str, *params: Any) -> Any:
        """The L2's own answer."""
        reply = await self._forward({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        return reply["result"]

    async def _post(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        self.posts += 1
        if self.fault is not None:
            reply = self.fault(body)
            return reply if isinstance(reply, web.StreamResponse) else await reply
        return web.json_response(self._told(body, await self._forward(body)))

    async def _forward(self, body: Any) -> Any:
        assert self._session is not None
        async with self._session.post(self._target, json=body) as response:
            return await response.json()

    def _told(self, body: Any, reply: Any) -> Any:
        if self.lie is None:
            return reply
        if isinstance(body, list):
            by_id = {answer["id"]: answer for answer in reply}
            return [self._told(item, by_id[item["id"]]) for item in body]
        changed = self.lie(body, reply)
        return reply if changed is None else changed


def refused(request: Mapping[str, Any], code: int, message: str) -> dict[str, Any]:
    """The answer of a provider that does not give it."""
    return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message}}


def given(request: Mapping[str, Any], result: Any) -> dict[str, Any]:
    """An answer."""
    return {"jsonrpc": "2.0", "id": request["id"], "result": result}


class Watch:
    """What a service says of itself and shows, over the time of a test."""

    meta, shown, refused, given = META, SHOWN, staticmethod(refused), staticmethod(given)

    def source(self, data: Any, name: str) -> Any:
        """One source's status."""
        return next(source for source in data["meta"]["sources"] if source["name"] == name)

    async def fails(self, service: Any, name: str, words: str = "") -> Any:
        """Waits until the source has failed with these words; gives `meta`."""
        return await service.until(META, lambda data: words in (self.source(data, name)["lastError"] or ""))

    async def well(self, service: Any) -> Any:
        """Waits until nothing is stale and every source is healthy, to `/readyz` too; gives `meta`."""
        data = await service.until(
            META,
            lambda data: not data["meta"]["stale"] and all(source["healthy"] for source in data["meta"]["sources"]),
        )
        ready = await service.client.get("/readyz")
        assert (ready.status_code, ready.json()["stale"]) == (200, False)
        return data

    async def stale(self, service: Any) -> Any:
        """Waits until the data are told to be stale, by `meta` and `/readyz` alike; gives `meta`."""
        data = await service.until(META, lambda data: data["meta"]["stale"])
        ready = await service.client.get("/readyz")
        assert (ready.status_code, ready.json()["stale"]) == (200, True)
        return data

    def memory(self, service: Any, which: str = "VmRSS") -> int:
        """Bytes of memory that the service has (VmRSS) or had at most (VmHWM)."""
        status = Path(f"/proc/{service.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(which))
        return int(line.split()[1]) * 1024

    def unharmed(self, service: Any) -> None:
        """It runs on within its measure, and nothing went wrong that it had not reckoned with."""
        assert service.process.returncode is None
        assert self.memory(service, "VmHWM") < MOST_MEMORY
        log = "".join(service.log)
        assert "Traceback" not in log, log
        assert "unexpectedly" not in log, log


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest_asyncio.fixture
async def provider(evm: Any) -> AsyncIterator[Provider]:
    """One provider of our own EVM."""
    opened = await Provider(evm.url).open()
    yield opened
    await opened.shut()


@pytest.fixture
def make_provider(evm: Any) -> Callable[..., Provider]:
    """Another provider of the same EVM, which is not open yet."""
    return lambda context=None: Provider(evm.url, context)


@pytest.fixture
def l2(evm: Any) -> Any:
    """Our own EVM alone: what differs between nodes is the provider's business here."""
    return evm


@pytest_asyncio.fixture
async def faulty(stage: Any, provider: Provider) -> AsyncIterator[Any]:
    """The stage with the provider in the gate's place, and oxend answering."""
    gate, stage.gate = stage.gate, provider
    await stage.oxend.start()
    yield stage
    stage.gate = gate
