"""How long one request holds the event loop, whatever it asks: the longest stretch in which nobody else is served.

The server is a process of its own that watches its event loop. Each question is asked alone, several times; the longest
stretch while it is answered is told, and of those of all times the middle one and the least: what else the machine does
makes them longer, and never shorter.
"""

import argparse
import asyncio
import json
import socket
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, TypeAlias

import httpx
import uvloop
from execution import CHANGES, LIST, SMALL, STAKES, Bench
from graphql import get_introspection_query
from live.scenario import make_context
from service import bench_settings, guarded, live_application
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from sent_graphql import interpreter
from sent_graphql.cache.snapshots import SnapshotCache
from sent_graphql.garbage import Collector, keep_for_ever
from sent_graphql.logs import configure_logging
from sent_graphql.settings import LogSettings

NODES: Final = 2_000
TICK: Final = 0.001
QUIET: Final = 0.05
"""Seconds that nothing is asked ahead of each question, for what the last one has left to be done."""

PAGE: Final = f"serviceNodes(first: {NODES})"
LIST_OF_ALL: Final = f"{{ {PAGE} {{ nodes {{ {LIST} }} }} }}"
WATCHED_LIST: Final = f"subscription {{ serviceNodes {{ version previousVersion removed upserted {{ id {LIST} }} }} }}"
INTROSPECTION: Final = get_introspection_query()

TIMES: Final = 5


class Watch:
    """The longest stretch without a turn of the event loop."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._due = 0.0

    def start(self) -> None:
        """Looks on from now on."""
        self._due = perf_counter() + TICK
        asyncio.get_running_loop().call_later(TICK, self._look)

    def longest(self) -> float:
        """Seconds; from now on they are counted anew."""
        longest, self._longest = self._longest, 0.0
        self._due = perf_counter() + TICK
        return longest

    def _look(self) -> None:
        self._longest = max(self._longest, perf_counter() - self._due)
        self.start()


class Watched:
    """The service, and beside it what the benchmark wants: `/holds` tells them, `/next` publishes a new snapshot."""

    def __init__(self, app: ASGIApp, bench: Bench, snapshots: SnapshotCache, watch: Watch) -> None:
        self._app = app
        self._bench = bench
        self._snapshots = snapshots
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers."""
        match scope["path"]:
            case "/holds":
                await _say(str(self._watch.longest()), send)
            case "/next":
                snapshot = self._bench.snapshot()
                self._watch.longest()
                await self._snapshots.publish(snapshot)
                await _say("published", send)
            case _:
                await self._app(scope, receive, send)


async def _say(text: str, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text.encode()})


async def serve() -> None:
    """The service with its default bounds, over a network whose snapshots follow one another when they are wanted."""
    interpreter.settle()
    configure_logging(LogSettings(level="error"))
    settings = bench_settings({})
    bench = Bench(NODES, changes=CHANGES)
    snapshots = SnapshotCache(bench.snapshot())
    app, live = live_application(settings, snapshots, make_context)
    bound = socket.create_server(("127.0.0.1", 0))
    print(bound.getsockname()[1], flush=True)
    keep_for_ever()
    watch = Watch()
    watch.start()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Collector(lambda: False).run())
        tasks.create_task(live.run())
        await guarded(Watched(app, bench, snapshots, watch), bound, settings)


class Client:
    """Asks the server at `port`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60)
        self._number = 0

    async def held(self) -> float:
        """Longest stretch since it was asked last, in seconds."""
        return float((await self._http.get("/holds")).text)

    async def renew(self) -> None:
        """Has a new snapshot published."""
        await self._http.get("/next")

    def body(self, query: str) -> dict[str, Any]:
        """A question that nobody has asked, but for its document."""
        self._number += 1
        return {"query": query, "variables": {"number": self._number}}

    async def post(self, query: str, coding: str = "identity") -> int:
        """Asks by POST; bytes of the answer, as they are on the way."""
        headers = {"accept-encoding": coding, "accept": "application/json"}
        body = self.body(query)
        async with self._http.stream("POST", "/graphql", json=body, headers=headers) as response:
            return sum([len(part) async for part in response.aiter_raw()])

    async def get(self, query: str) -> int:
        """Asks by GET."""
        body = self.body(query)
        parameters = {"query": query, "variables": json.dumps(body["variables"])}
        response = await self._http.get("/graphql", params=parameters, headers={"accept-encoding": "identity"})
        assert "etag" in response.headers, response.text
        return len(response.content)

    async def events(self, query: str) -> int:
        """Asks for a stream of events, and reads until its answer has come."""
        headers = {"accept": "text/event-stream"}
        async with self._http.stream("POST", "/graphql", json=self.body(query), headers=headers) as response:
            return sum([len(part) async for part in response.aiter_raw()])

    @asynccontextmanager
    async def socket(self) -> AsyncIterator["Socket"]:
        """A WebSocket."""
        async with connect(
            f"ws://127.0.0.1:{self.port}/graphql",
            subprotocols=[Subprotocol("graphql-transport-ws")],
            max_size=None,
            compression=None,
        ) as opened:
            await opened.send('{"type":"connection_init"}')
            await opened.recv()
            yield Socket(opened, self)


class Socket:
    """A WebSocket on which is asked."""

    def __init__(self, opened: ClientConnection, client: Client) -> None:
        self._opened = opened
        self._client = client

    async def ask(self, query: str, operation: str = "1") -> None:
        """Begins an operation."""
        body = self._client.body(query)
        await self._opened.send(json.dumps({"id": operation, "type": "subscribe", "payload": body}))

    async def result(self) -> int:
        """Bytes of the next result."""
        while True:
            message = await self._opened.recv()
            if '"next"' in message[:100]:
                return len(message)
            assert '"complete"' in message[:100], message[:300]


Ask: TypeAlias = Callable[[Client], Awaitable[int]]


@dataclass(frozen=True)
class Held:
    """How long the loop was held each time, in seconds, and bytes of the answer."""

    times: list[float]
    size: int


async def measured(client: Client, ask: Ask) -> Held:
    """Asked some times, each about a new snapshot; of what is asked for the first time only the answer counts."""
    times, size = [], 0
    for _ in range(TIMES):
        await client.renew()
        await asyncio.sleep(QUIET)
        await client.held()
        size = await ask(client)
        times.append(await client.held())
    return Held(times, size)


async def updated(client: Client) -> Held:
    """What a new snapshot costs where a list is watched."""
    times, size = [], 0
    async with client.socket() as socket:
        await socket.ask(WATCHED_LIST)
        await socket.result()
        for _ in range(TIMES):
            await asyncio.sleep(QUIET)
            await client.renew()
            size = await socket.result()
            times.append(await client.held())
    return Held(times, size)


def posted(query: str, coding: str = "identity") -> Ask:
    """Asks by POST."""
    return lambda client: client.post(query, coding)


async def by_socket(client: Client, query: str = LIST_OF_ALL) -> int:
    """Asks, or begins to watch, over a WebSocket."""
    async with client.socket() as socket:
        await client.held()
        await socket.ask(query)
        return await socket.result()


async def many_by_socket(client: Client) -> int:
    """Asks small questions, as many as a connection may at once."""
    async with client.socket() as socket:
        await client.held()
        for number in range(100):
            await socket.ask(SMALL["page of 10"].replace("10", str(number + 1)), str(number))
        return sum([await socket.result() for _ in range(100)])


def questions() -> dict[str, Ask]:
    """What is asked; all of it is within the default bounds, or refused for being beyond."""
    lists = " ".join(f"a{number}: {PAGE} {{ nodes {{ {LIST} }} }}" for number in range(4))
    aliases = " ".join(f"a{number}: {PAGE} {{ nodes {{ id }} }}" for number in range(100))
    one_by_one = " ".join(f"a{number}: {SMALL['one node'][1:-1]}" for number in range(100))
    unknown = " ".join(f"field{number}" for number in range(2_000))
    return {
        "the list, POST": posted(LIST_OF_ALL),
        "the list, POST, gzip": posted(LIST_OF_ALL, coding="gzip"),
        "the list, GET, with its ETag": lambda client: client.get(LIST_OF_ALL),
        "the list, as an event": lambda client: client.events(LIST_OF_ALL),
        "the list, WebSocket": by_socket,
        "the list, watched": lambda client: by_socket(client, WATCHED_LIST),
        "the list in edges": posted(f"{{ {PAGE} {{ edges {{ cursor node {{ {LIST} }} }} }} }}"),
        "wallets of contributors": posted(
            f"{{ {PAGE} {{ nodes {{ contributors {{ wallet {{ totalStaked }} }} }} }} }}"
        ),
        "stakes of 20 nodes' wallets": posted(
            f"{{ serviceNodes(first: 20) {{ nodes {{ contributors {{ wallet {{ {STAKES} }} }} }} }} }}"
        ),
        "4 lists in one": posted(f"{{ {lists} }}"),
        "100 aliases of a list": posted(f"{{ {aliases} }}"),
        "100 aliases of one node": posted(f"{{ {one_by_one} }}"),
        "2,000 unknown fields": posted(f"{{ {unknown} }}"),
        "introspection": posted(INTROSPECTION),
        "no GraphQL, 4,000 braces": posted("{ a " * 4_000),
        "100 questions on one socket": many_by_socket,
    }


async def compare(only: str) -> None:
    """Prints the table."""
    process = await asyncio.create_subprocess_exec(sys.executable, __file__, "--serve", stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        client = Client(int(await process.stdout.readline()))
        print(f"{'question':36}{'least/ms':>10}{'median/ms':>11}{'most/ms':>10}{'kB':>9}", file=sys.stderr)
        for name, ask in questions().items():
            if only in name:
                _show(name, await measured(client, ask))
        if only in UPDATE:
            _show(UPDATE, await updated(client))
    finally:
        process.kill()
        await process.wait()


UPDATE: Final = f"{CHANGES} nodes changed of a watched list"


def _show(name: str, held: Held) -> None:
    least, middle, most = (1_000 * what(held.times) for what in (min, statistics.median, max))
    print(f"{name:36}{least:10.1f}{middle:11.1f}{most:10.1f}{held.size / 1_000:9.1f}", flush=True)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", help="part of the names of what is to be asked")
    options = parser.parse_args()
    uvloop.run(serve() if options.serve else compare(options.only))


if __name__ == "__main__":
    main()
