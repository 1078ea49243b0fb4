"""Three servers of the same subscriptions: ours, plain Strawberry's, and sockets that are sent finished bytes.

Each runs in a process of its own and does what it is told on standard input, one JSON document a line.
"""

import asyncio
import gc
import json
import os
import socket
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import orjson
import strawberry
import uvloop
from service import bench_settings
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.schema.config import StrawberryConfig

from live.scenario import Scenario, make_context, questions
from sent_graphql.cache.snapshots import SnapshotCache
from sent_graphql.http.live_connections import LiveConnections
from sent_graphql.http.server import create_app
from sent_graphql.live.hub import LiveQueryHub
from sent_graphql.live.subscriptions import Operation
from sent_graphql.logs import configure_logging
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.resolvers.changes import Changes
from sent_graphql.resolvers.filters import ServiceNodeFilter as WantedNodes
from sent_graphql.resolvers.orders import service_node_order
from sent_graphql.resolvers.service_nodes import list_service_nodes
from sent_graphql.schema import roots
from sent_graphql.schema.build import NODE_TYPES, build_schema
from sent_graphql.schema.changes import ServiceNodeChanges
from sent_graphql.schema.inputs import ServiceNodeFilter, ServiceNodeLookup
from sent_graphql.schema.meta import Meta
from sent_graphql.schema.network import Network
from sent_graphql.schema.query import Query
from sent_graphql.schema.scalars import Address, scalars
from sent_graphql.schema.service_nodes import ServiceNode
from sent_graphql.schema.wallets import Wallet
from sent_graphql.server import serve_http
from sent_graphql.settings import LogSettings, Settings
from sent_graphql.tasks import end

PAGE: Final = os.sysconf("SC_PAGE_SIZE")
Update = Callable[[], Awaitable[None]]


class Contender(Protocol):
    """Who serves the scenario."""

    app: ASGIApp

    async def prepare(self, updates: int) -> Sequence[Update]:
        """The next updates, made so far that they only have to be published."""

    async def run(self) -> None:
        """What goes on beside the application, until cancelled."""

    def state(self) -> dict[str, int]:
        """What it counts of its own."""


class Ours:
    """The service's own application, fed by hand."""

    def __init__(self, settings: Settings) -> None:
        self._scenario = Scenario()
        self._snapshots = SnapshotCache(self._scenario.present())
        schema = build_schema(settings.graphql, settings.network.nettype.value)
        self._connections = LiveConnections(settings.live)
        self._hub = LiveQueryHub(schema, self._snapshots, make_context, settings.live)
        self.app: ASGIApp = create_app(
            settings=settings,
            schema=schema,
            snapshots=self._snapshots,
            make_context=make_context,
            live=self._hub,
            connections=self._connections,
        )

    async def prepare(self, updates: int) -> Sequence[Update]:
        """Snapshots to publish."""
        return [_bound(self._snapshots.publish, self._scenario.next()) for _ in range(updates)]

    async def run(self) -> None:
        """Live queries follow the snapshots."""
        await self._hub.run()

    def state(self) -> dict[str, int]:
        """What the live queries and the transports count."""
        return {
            "connections": len(self._connections),
            "groups": self._hub.groups,
            "members": self._hub.members,
            "sending": self._hub.sending,
        }


class PlainFeed:
    """The newest snapshot, and the next one for whoever waits."""

    def __init__(self, first: Snapshot) -> None:
        self.newest = first
        self._changed = asyncio.Event()

    async def publish(self, snapshot: Snapshot) -> None:
        """Wakes everybody."""
        self.newest = snapshot
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def next(self, seen: Snapshot) -> Snapshot:
        """The newest, as soon as it is another one than `seen`."""
        while self.newest is seen:
            await self._changed.wait()
        return self.newest


class PlainContext:
    """The context of one connection, whose snapshot its subscription moves on."""

    def __init__(self, feed: PlainFeed) -> None:
        self.feed = feed
        self.snapshot = feed.newest

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever resolvers ask of a context
        return getattr(make_context(self.snapshot), name)

    async def snapshots(self) -> AsyncGenerator[Snapshot, None]:
        """The present one, and each that follows."""
        while True:
            yield self.snapshot
            self.snapshot = await self.feed.next(self.snapshot)


PlainInfo = strawberry.Info[Any, None]


@strawberry.type
class PlainSubscription:
    """The fields of our own subscriptions, each a generator as Strawberry's documentation has them."""

    @strawberry.subscription
    async def meta(self, info: PlainInfo) -> AsyncGenerator[Meta, None]:
        """The newest snapshot."""
        async for _ in info.context.snapshots():
            yield roots.meta(info)  # type: ignore[misc] # the model that the type shows

    @strawberry.subscription
    async def network(self, info: PlainInfo) -> AsyncGenerator[Network, None]:
        """The network."""
        async for _ in info.context.snapshots():
            yield roots.network(info)  # type: ignore[misc]

    @strawberry.subscription
    async def wallet(self, info: PlainInfo, address: Address) -> AsyncGenerator[Wallet, None]:
        """A wallet."""
        async for _ in info.context.snapshots():
            yield roots.wallet(info, address)  # type: ignore[misc]

    @strawberry.subscription
    async def service_node(self, info: PlainInfo, by: ServiceNodeLookup) -> AsyncGenerator[ServiceNode | None, None]:
        """A node."""
        async for _ in info.context.snapshots():
            yield roots.service_node(info, by)  # type: ignore[misc]

    @strawberry.subscription
    async def service_nodes(
        self,
        info: PlainInfo,
        filter: ServiceNodeFilter,  # noqa: A002
    ) -> AsyncGenerator[ServiceNodeChanges, None]:
        """Nodes: all, then what changed."""
        wanted: WantedNodes = filter.wanted()
        known: dict[str, Any] = {}
        previous: int | None = None
        async for snapshot in info.context.snapshots():
            listed = {node.id: node for node in list_service_nodes(snapshot.state, wanted, service_node_order()).items}
            yield Changes(  # type: ignore[misc]
                version=snapshot.version,
                previous_version=previous,
                upserted=[node for key, node in listed.items() if known.get(key) != node],
                removed=[key for key in known if key not in listed],
            )
            known, previous = listed, snapshot.version


class PlainView(GraphQL[Any, None]):
    """Strawberry's own ASGI view."""

    def __init__(self, schema: strawberry.Schema, feed: PlainFeed) -> None:
        super().__init__(schema)
        self._feed = feed

    async def get_context(self, request: object, response: object) -> PlainContext:
        """One of its own for each connection."""
        return PlainContext(self._feed)


class Strawberry:
    """The same types and data, answered to each subscriber by a generator of its own."""

    def __init__(self, settings: Settings) -> None:
        self._scenario = Scenario()
        self._feed = PlainFeed(self._scenario.present())
        schema = strawberry.Schema(
            Query,
            subscription=PlainSubscription,
            types=NODE_TYPES,
            config=StrawberryConfig(scalar_map=scalars(settings.network.nettype.value)),
        )
        self.app: ASGIApp = PlainView(schema, self._feed)

    async def prepare(self, updates: int) -> Sequence[Update]:
        """Snapshots to publish."""
        return [_bound(self._feed.publish, self._scenario.next()) for _ in range(updates)]

    async def run(self) -> None:
        """Everything is done by the generators."""
        await asyncio.Event().wait()

    def state(self) -> dict[str, int]:
        """Nothing."""
        return {}


class Bare:
    """Sockets that are sent what our own service would send, and nothing else: the least that there can be."""

    def __init__(self, settings: Settings) -> None:
        self.app: ASGIApp = self
        self._script = _Script(settings)
        self._numbers = {_asked(question.query, question.variables): n for n, question in enumerate(questions())}
        self._first: list[str] = []
        self._sockets: list[tuple[int, Send]] = []

    async def prepare(self, updates: int) -> Sequence[Update]:
        """Finished texts to send; who comes later begins with the state after them."""
        script = await self._script.play(updates)
        self._first = script.present
        return [_bound(self._send, texts) for texts in script.updates]

    async def run(self) -> None:
        """Sockets are sent to when there is something to send."""
        await asyncio.Event().wait()

    def state(self) -> dict[str, int]:
        """The sockets."""
        return {"connections": len(self._sockets)}

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one socket."""
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "graphql-transport-ws"})
        await receive()
        await send({"type": "websocket.send", "text": '{"type":"connection_ack"}'})
        payload = orjson.loads((await receive())["text"])["payload"]
        number = self._numbers[_asked(payload["query"], payload["variables"])]
        await send({"type": "websocket.send", "text": self._first[number]})
        self._sockets.append((number, send))
        while (await receive())["type"] != "websocket.disconnect":
            continue

    async def _send(self, texts: Sequence[str]) -> None:
        for number, send in self._sockets:
            await send({"type": "websocket.send", "text": texts[number]})


def _asked(query: str, variables: object) -> str:
    return json.dumps([query, variables])


class _Outlet:
    """Notes what it is sent."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.told = asyncio.Semaphore(0)

    def room(self) -> None:
        """There always is."""

    async def next(self, payload: bytes) -> None:
        """A message, in the frame that our service puts it in."""
        if self.texts:
            self.told.release()
        self.texts.append('{"id":"1","type":"next","payload":' + payload.decode() + "}")

    async def error(self, errors: bytes) -> None:
        """None is expected."""
        raise AssertionError(errors)

    async def complete(self) -> None:
        """Nor that."""

    def cut(self) -> None:
        """Nor that."""


class Played:
    """Texts by number of their question: of each update, and of the full answer after all of them."""

    def __init__(self, updates: list[list[str]], present: list[str]) -> None:
        self.updates = updates
        self.present = present


class _Script:
    """What live queries say to the twenty questions, got from them within this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._scenario = Scenario()

    async def play(self, updates: int) -> Played:
        """The next updates."""
        snapshots = SnapshotCache(self._scenario.present())
        schema = build_schema(self._settings.graphql, self._settings.network.nettype.value)
        hub = LiveQueryHub(schema, snapshots, make_context, self._settings.live)
        running = asyncio.create_task(hub.run())
        outlets = await _watch(hub)
        for _ in range(updates):
            await snapshots.publish(self._scenario.next())
            for outlet in outlets:
                await outlet.told.acquire()
        present = await _watch(hub)
        await end([running])
        messages = [list(texts) for texts in zip(*(outlet.texts[1:] for outlet in outlets), strict=True)]
        return Played(messages, [outlet.texts[0] for outlet in present])


async def _watch(hub: LiveQueryHub) -> list[_Outlet]:
    outlets = []
    for question in questions():
        outlets.append(_Outlet())
        await hub.subscribe(Operation(query=question.query, variables=question.variables), outlets[-1])
    return outlets


CONTENDERS: Final[dict[str, Callable[[Settings], Contender]]] = {"ours": Ours, "strawberry": Strawberry, "bare": Bare}


async def serve(name: str, live: Mapping[str, float]) -> None:
    """Serves and obeys until standard input ends."""
    configure_logging(LogSettings(level="warning"))
    settings = bench_settings(live)
    contender = CONTENDERS[name](settings)
    bound = socket.create_server(("127.0.0.1", 0), backlog=2048)
    bound.setblocking(False)
    gc.collect()
    gc.freeze()  # as the service does

    async def farewell() -> None:
        """Clients are gone by then."""

    tasks = [
        asyncio.create_task(contender.run()),
        asyncio.create_task(
            serve_http(
                contender.app, bound, settings.http, settings.live, announce=lambda _url: None, farewell=farewell
            )
        ),
    ]
    _say(bound.getsockname()[1])
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    updates: Sequence[Update] = ()
    while line := await commands.readline():
        match json.loads(line):
            case ["memory"]:
                _say(_resident())
            case ["prepare", int(count)]:
                updates = await contender.prepare(count)
                _say(len(updates))
            case ["run", float(interval)]:
                _say(await _publish(updates, interval))
            case ["move", float(interval)]:
                tasks.append(asyncio.create_task(_move(contender, interval)))
                _say("moving")
            case ["state"]:
                _say(contender.state() | {"tasks": len(asyncio.all_tasks())} | _held())
    await end(tasks)


async def _publish(updates: Sequence[Update], interval: float) -> dict[str, object]:
    """Publishes one update after the other; when each was, and what processor time passed until all were through."""
    moments = []
    loop = asyncio.get_running_loop()
    began, due = time.process_time(), loop.time()
    for update in updates:
        moments.append(time.monotonic())
        await update()
        due += interval
        await asyncio.sleep(max(0.0, due - loop.time()))
    return {"moments": moments, "cpu": time.process_time() - began}


async def _move(contender: Contender, interval: float) -> None:
    """Publishes updates for ever."""
    while True:
        (update,) = await contender.prepare(1)
        await update()
        await asyncio.sleep(interval)


def _held() -> dict[str, int]:
    """What this process holds; after a collection, so that only what is reachable counts."""
    gc.collect()
    return {
        "sockets": sum(path.is_socket() for path in Path("/proc/self/fd").iterdir()),
        "objects": len(gc.get_objects()),
        "resident": _resident(),
    }


def _bound(publish: Callable[[Any], Awaitable[None]], update: object) -> Update:
    return lambda: publish(update)


def _resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def _say(value: object) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], json.loads(sys.argv[2])))
