"""Live queries over snapshots made by hand, and readers as fast or as slow as a test wants them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import pytest_asyncio

from sent_graphql.cache.snapshots import SnapshotCache
from sent_graphql.live.hub import LiveQueryHub
from sent_graphql.live.subscriptions import Operation, Subscription
from sent_graphql.models.snapshot import NetworkState, Snapshot
from sent_graphql.resolvers.changes import Event
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.resolvers.services import Services
from sent_graphql.schema.build import ServedSchema, build_schema
from sent_graphql.settings import GraphqlSettings, LiveSettings
from sent_graphql.tasks import end

PATIENCE = 20


class Reader:
    """An outlet that notes what it is told. While it is held, each `next` waits; while it is full, `room` does."""

    def __init__(self, *, held: bool = False) -> None:
        self.cuts = 0
        self.payloads: list[bytes] = []
        self.errors: list[Any] = []
        self.completed = 0
        self.cancelled = 0
        self._free = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._told = asyncio.Condition()
        if not held:
            self._free.set()

    @property
    def answers(self) -> list[Any]:
        """The `data` of all messages."""
        return [orjson.loads(payload)["data"] for payload in self.payloads]

    @property
    def is_held(self) -> bool:
        return not self._free.is_set()

    def hold(self) -> None:
        self._free.clear()

    def release(self) -> None:
        self._free.set()
        self._room.set()

    def fill(self) -> None:
        """Has no room from now on."""
        self._room.clear()

    def room(self) -> Coroutine[Any, Any, None] | None:
        return None if self._room.is_set() else self._wait_for_room()

    def cut(self) -> None:
        self.cuts += 1

    async def next(self, payload: bytes) -> None:
        self.payloads.append(payload)
        await self._note()
        try:
            await self._free.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def error(self, errors: bytes) -> None:
        self.errors += orjson.loads(errors)
        await self._note()

    async def complete(self) -> None:
        self.completed += 1
        await self._note()

    async def until(self, holds: Callable[["Reader"], bool]) -> None:
        """Waits until what it was told is such."""
        async with asyncio.timeout(PATIENCE), self._told:
            await self._told.wait_for(lambda: holds(self))

    async def _wait_for_room(self) -> None:
        try:
            await self._room.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def _note(self) -> None:
        async with self._told:
            self._told.notify_all()


class FollowedCache(SnapshotCache):
    """Knows how far the one who follows it has come: who asks for the next one has done with the last."""

    def __init__(self, first: Snapshot) -> None:
        super().__init__(first)
        self._done: Snapshot | None = None
        self._asked = asyncio.Condition()

    async def next(self, seen: Snapshot) -> Snapshot:
        self._done = seen
        async with self._asked:
            self._asked.notify_all()
        return await super().next(seen)

    async def followed(self) -> None:
        """Waits until the newest snapshot has gone to every group."""
        newest = await self.current()
        async with asyncio.timeout(PATIENCE), self._asked:
            await self._asked.wait_for(lambda: self._done is newest)


class Live:
    """A hub that follows what a test publishes."""

    def __init__(self, schema: ServedSchema, make: Any, services: Services, **settings: Any) -> None:
        self._make = make
        self._schema = schema
        self._services = services
        self._version = 0
        self.snapshots = FollowedCache(make.snapshot(None))
        self.hub = LiveQueryHub(schema, self.snapshots, self._context, LiveSettings(**settings))

    def _context(self, snapshot: Any) -> RequestContext:
        return RequestContext(snapshot, ResolverOptions("mainnet", 100, 2500), self._services)

    async def publish(self, state: NetworkState | None, **fields: Any) -> int:
        """Publishes a snapshot, and returns its version when all who read have been sent what it changed."""
        self._version += 1
        version = self._version if state is not None else 0
        await self.snapshots.publish(self._make.snapshot(state, version=version, **fields))
        await self.snapshots.followed()
        return version

    async def idle(self) -> None:
        """Waits until nothing is being sent."""
        async with asyncio.timeout(PATIENCE):
            while self.hub.sending:
                await self.hub._tasks.finished()

    async def watch(self, query: str, reader: Reader | None = None, **variables: Any) -> tuple[Reader, Subscription]:
        """A subscription, and who reads it."""
        reader = reader or Reader()
        return reader, await self.hub.subscribe(Operation(query=query, variables=variables), reader)

    async def fresh(self, query: str, **variables: Any) -> Any:
        """What the subscription would be answered if it began now."""
        result = await self._schema.execute(
            query,
            variable_values=variables,
            context_value=self._context(await self.snapshots.current()),
            root_value=Event(),
        )
        assert result.errors is None, result.errors
        return result.data


@pytest.fixture(scope="session")
def schema() -> ServedSchema:
    """The schema as the default settings make it."""
    return build_schema(GraphqlSettings(), "mainnet")


@asynccontextmanager
async def lived(
    schema: ServedSchema, make: Any, services: Services | None = None, **settings: Any
) -> AsyncIterator[Live]:
    """A hub at work."""
    live = Live(schema, make, services or Services(), **settings)
    following = asyncio.create_task(live.hub.run())
    try:
        yield live
        if following.done():
            following.result()
    finally:
        await end([following])
        assert live.hub.sending == 0


@pytest.fixture(scope="session")
def hub_with(schema: ServedSchema, make: Any) -> Callable[..., Any]:
    """A hub at work, with a schema, services and settings of one's own."""
    return lambda own=schema, services=None, **settings: lived(own, make, services, **settings)


@pytest_asyncio.fixture
async def live(schema: ServedSchema, make: Any) -> AsyncIterator[Live]:
    """A hub at work."""
    async with lived(schema, make) as live:
        yield live


@pytest.fixture(scope="session")
def reader() -> type[Reader]:
    """Who reads."""
    return Reader
