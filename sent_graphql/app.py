"""The service as the list of its parts: everything is built once, here, and passed down."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
from starlette.types import ASGIApp

from sent_graphql import interpreter
from sent_graphql.cache.answers import MemoryAnswers
from sent_graphql.cache.snapshots import SnapshotCache
from sent_graphql.errors import UnavailableError
from sent_graphql.garbage import Collector, keep_for_ever
from sent_graphql.http.guard import Guard
from sent_graphql.http.live_connections import LiveConnections
from sent_graphql.http.rate_limit import RateLimit
from sent_graphql.http.server import create_app
from sent_graphql.http.workload import Workload
from sent_graphql.live.hub import LiveQueryHub
from sent_graphql.metrics.metrics import Metrics
from sent_graphql.metrics.parts import ServiceParts
from sent_graphql.metrics.server import listening_for_scrapes
from sent_graphql.models.contracts import ContractsView
from sent_graphql.models.keys import eth_address
from sent_graphql.models.network import ServiceNodeState, SourceName
from sent_graphql.models.oxend import OxendView
from sent_graphql.models.signatures import SignerSet, signer_set
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.pollers.keep import SnapshotKeep
from sent_graphql.pollers.life_keep import LifeKeep
from sent_graphql.pollers.poller import Poller
from sent_graphql.pollers.publisher import SnapshotPublisher
from sent_graphql.registrations.desk import RegistrationDesk
from sent_graphql.registrations.proofs import ProofChecker
from sent_graphql.registrations.validation import RegistrationValidator
from sent_graphql.registrations.verdicts import RememberedVerdicts
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.resolvers.services import Services
from sent_graphql.schema.build import build_schema
from sent_graphql.server import listen, serve_http
from sent_graphql.settings import Settings
from sent_graphql.signatures.claims import Top
from sent_graphql.signatures.service import SignatureService
from sent_graphql.signatures.verification import Domain
from sent_graphql.sources.contracts.calls import BlockReader
from sent_graphql.sources.contracts.endpoints import push_urls
from sent_graphql.sources.contracts.proof_judge import ContractProofJudge
from sent_graphql.sources.contracts.push import HeadPush
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.signer_reads import SignerReads
from sent_graphql.sources.contracts.source import ContractsSource
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.sources.database.events import EventStore
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.database.lives import LifeStore
from sent_graphql.sources.database.location import database_url
from sent_graphql.sources.database.registrations import RegistrationStore
from sent_graphql.sources.errors import SourceMisconfiguredError
from sent_graphql.sources.oxend.calls import OxendRpc
from sent_graphql.sources.oxend.source import OxendSource
from sent_graphql.sources.oxend.transport import make_transport
from sent_graphql.tasks import end
from sent_graphql.tracing.configuration import start_tracing
from sent_graphql.workers.pool import WorkerPool

NOTHING_YET = Snapshot(version=0, created_at=None, stale=True, sources=(), state=None)


async def serve(settings: Settings, root: Path, *, announce: Callable[[str], None]) -> None:
    """Serves until cancelled. `announce` is told the address once it answers.

    Raises UnavailableError where this machine lacks something, SourceMisconfiguredError where oxend, the L2 or the
    database is definitely not the one of the settings.
    """
    interpreter.settle()
    try:
        with contextlib.closing(listen(settings.http)) as bound, listening_for_scrapes(settings.metrics) as scrapes:
            async with _network(settings, root) as settings:
                service = Service(settings, root, scrapes)
                await service.run(
                    lambda app: serve_http(
                        app,
                        bound,
                        settings.http,
                        settings.live,
                        announce=announce,
                        farewell=service.take_leave,
                        guard=service.guard,
                    )
                )
    except BaseExceptionGroup as faults:
        # Not `except*`: before 3.11.4, what is raised in its body comes out as a group.
        raise _mendable(faults) from None


class Service:
    """Sources, pollers, snapshot, schema and HTTP application of one network."""

    def __init__(self, settings: Settings, root: Path, scrapes: socket.socket | None = None) -> None:
        """`scrapes`: the bound socket that metrics are asked for on; nothing is measured without."""
        rewards = settings.contracts.service_node_rewards
        assert rewards is not None, "loading the settings demands it"
        self._settings = settings
        self._random = random.Random()  # noqa: S311 - jitter, not a secret
        self._log = structlog.get_logger()
        self._metrics = None if scrapes is None else Metrics(settings.metrics, scrapes)
        self._tracing = tracing = start_tracing(settings.tracing)
        state_directory = root / settings.cache.state_directory
        self.snapshots = SnapshotCache(NOTHING_YET)
        self._keep = SnapshotKeep(state_directory, settings.network.name, settings.network.chain_id, rewards)

        database = tracing.database if tracing else Database
        self._database = database(
            database_url(settings, root),
            settings.database,
            Identity(settings.network.chain_id, eth_address(rewards)),
            on_change=self._polled,
        )
        events = EventStore(self._database, settings.contracts.reorg_depth)
        transport = make_transport(settings.oxend)
        if tracing:
            transport = tracing.transport(transport)
        self._oxend_source = OxendSource(settings.oxend, settings.network, transport)
        rpc = tracing.rpc if tracing else JsonRpc
        self._rpc = rpc(settings.contracts, chain_id=settings.network.chain_id, random=self._random)
        reader = BlockReader(self._rpc, settings.contracts)
        self._contracts_source = ContractsSource(settings.contracts, settings.network, self._rpc, reader, events)
        self._oxend: Poller[OxendView] = Poller(
            SourceName.OXEND, self._oxend_source.fetch, settings.poll_oxend, self._polled
        )
        self._contracts: Poller[ContractsView] = Poller(
            SourceName.CONTRACTS, self._fetch_contracts, settings.poll_contracts, self._polled
        )
        self._oxend_source.on_block(lambda _height, _hash: self._oxend.trigger())
        self._oxend_source.on_interruption(self._oxend.trigger)
        self._publisher = SnapshotPublisher(
            self._oxend,
            self._contracts,
            settings.network,
            lambda: self._contracts_source.progress,
            self.snapshots.publish,
            database=lambda: self._database.health,
        )
        self._life_keep = LifeKeep(LifeStore(self._database), self._publisher)
        self._workers = WorkerPool(settings.proofs)
        self._signatures = SignatureService(
            settings.signatures,
            Domain(settings.network.chain_id, rewards),
            rpc=OxendRpc(transport),
            top=self._top,
            known_signers=self._known_signers,
            latest_signers=SignerReads(self._rpc, reader, rewards).read,
            workers=self._workers,
        )
        registrations = RegistrationStore(self._database, settings.registrations, self._is_registered)
        self._proofs = ProofChecker(
            chain_id=settings.network.chain_id,
            rewards_contract=rewards,
            workers=self._workers,
            contract=ContractProofJudge(self._rpc, rewards, timeout=settings.proofs.contract_timeout),
            max_under_way=settings.proofs.workers + settings.proofs.max_waiting,
        )
        verdicts = RememberedVerdicts(self._proofs)
        services = Services(
            history=events,
            registrations=registrations,
            registration_desk=RegistrationDesk(verdicts, registrations, clock=lambda: datetime.now(UTC)),
            registration_validator=RegistrationValidator(verdicts),
            signatures=self._signatures,
        )
        options = ResolverOptions(
            nettype=settings.network.nettype.value,
            default_page_size=settings.graphql.default_page_size,
            max_page_size=settings.graphql.max_page_size,
        )
        watchers = [part for part in (self._metrics, tracing) if part is not None]
        schema = build_schema(
            settings.graphql,
            settings.network.nettype.value,
            watchers=[watcher.extension for watcher in watchers],
            objects_bytes=settings.cache.objects_bytes,
        )
        self.snapshots.follow(schema.objects.renew)

        def make_context(snapshot: Snapshot, *, encodes: bool = False) -> RequestContext:
            return RequestContext(snapshot, options, services, encodes)

        self.live = LiveQueryHub(schema, self.snapshots, make_context, settings.live)
        self.guard = Guard(settings.http, settings.live.max_connections_per_address)
        self._connections = LiveConnections(settings.live)
        limit, workload = RateLimit(settings.rate_limit), Workload(settings.graphql)
        self._collector = Collector(lambda: not (workload.under_way or schema.reading.waiting))
        answers = MemoryAnswers(settings.cache.answers_bytes)
        self.snapshots.follow(answers.renew)
        self.app: ASGIApp = create_app(
            settings=settings,
            schema=schema,
            snapshots=self.snapshots,
            make_context=partial(make_context, encodes=True),
            live=self.live,
            connections=self._connections,
            services=services,
            answers=answers,
            limit=limit,
            workload=workload,
        )
        for watcher in watchers:
            self.app = watcher.watching(self.app)
        if self._metrics is not None:
            self._metrics.tell(
                ServiceParts(
                    snapshots=self.snapshots,
                    pollers=(self._oxend, self._contracts),
                    publisher=self._publisher,
                    contracts=self._contracts_source,
                    rpc=self._rpc,
                    database=self._database,
                    live=self.live,
                    guard=self.guard,
                    connections=self._connections,
                    limit=limit,
                    workload=workload,
                    answers=answers,
                    objects=schema.objects,
                    workers=self._workers,
                    proofs=self._proofs,
                    signatures=self._signatures,
                )
            )

    @property
    def round_trips(self) -> int:
        """JSON-RPC round trips made so far."""
        return self._rpc.round_trips

    def refresh_contracts(self) -> None:
        """Has the contracts read again as soon as their minimum interval allows."""
        self._contracts.trigger()

    async def take_leave(self) -> None:
        """Completes all subscriptions and ends the connections that carry them, within the grace period."""
        grace = self._settings.http.shutdown_grace
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.live.close()
        await self._connections.leave(grace)

    async def run(self, serve_app: Callable[[ASGIApp], Awaitable[None]]) -> None:
        """Feeds the snapshots while `serve_app` answers from them; ends when it does."""
        try:
            async with AsyncExitStack() as sources:
                sources.push_async_callback(self._database.close)
                await self._open_database()
                await self._life_keep.restore()
                await self._restore()
                keep_for_ever()
                for source in (self._rpc, self._contracts_source, self._oxend_source):
                    await source.start()
                    sources.push_async_callback(source.close)
                for part in (self._workers, self._signatures, self._proofs):
                    sources.push_async_callback(part.close)
                await self._feed_while(serve_app(self.app))
        finally:
            await self._keep_newest()
            if self._tracing is not None:
                await asyncio.to_thread(self._tracing.close)

    async def _feed_while(self, serving: Awaitable[None]) -> None:
        async with asyncio.TaskGroup() as tasks:
            feeds = [
                tasks.create_task(feed)
                for feed in (
                    self._database.run(),
                    self._oxend.run(),
                    self._contracts.run(),
                    self._contracts_source.scan(self._scanned),
                    self._publisher.run(),
                    self.live.run(),
                    self._keep_now_and_then(),
                    self._keep_who_has_left(),
                    self._collector.run(),
                    *(push.run() for push in self._pushes()),
                    *((self._metrics.watch_loop(), self._metrics.serve()) if self._metrics else ()),
                )
            ]
            try:
                await serving
            finally:
                await end(feeds)

    async def _open_database(self) -> None:
        """What the last run kept is then there from the start; a database that is away is tried again later."""
        try:
            await self._database.open()
        except DatabaseUnavailableError as error:
            self._log.warning("starting without the database", error=str(error))

    def _pushes(self) -> list[HeadPush]:
        """A subscription to new L2 blocks at every RPC URL that is a WebSocket, so that one may fall silent."""
        contracts = self._settings.contracts
        return [
            HeadPush(
                url,
                lambda _number: self._contracts.trigger(),
                contracts,
                chain_id=self._settings.network.chain_id,
                random=self._random,
            )
            for url in push_urls(contracts)
        ]

    def _top(self) -> Top | None:
        """oxend's newest block as far as it has been read."""
        view = self._oxend.view
        return None if view is None else Top(view.block_height, view.block_hash)

    def _known_signers(self) -> SignerSet | None:
        """Whose signatures the contract counts, as far as it has been read."""
        view = self._contracts.view
        return None if view is None else signer_set(view)

    async def _fetch_contracts(self, previous: ContractsView | None) -> ContractsView:
        """The contracts' next view, with the rewards of every wallet that oxend names."""
        accrued = self._oxend.view.accrued if self._oxend.view is not None else {}
        return await self._contracts_source.fetch(previous, [wallet for wallet in accrued if wallet.startswith("0x")])

    def _polled(self) -> None:
        self._publisher.changed()

    def _is_registered(self, pubkey: str) -> bool:
        """Whether the rewards contract holds a node with this Ed25519 key."""
        state = self._publisher.state
        node = None if state is None else state.node_by_pubkey.get(pubkey)
        return node is not None and node.contract_id is not None and node.state is not ServiceNodeState.EXITED

    def _scanned(self) -> None:
        """What past events told is in the next view."""
        self._contracts.trigger()
        self._publisher.changed()

    async def _restore(self) -> None:
        """Begins with the snapshot of the last run, which is stale until both sides have spoken."""
        kept = await self._keep.load()
        if kept is None:
            return
        self._oxend.restore(kept.oxend, datetime.fromtimestamp(kept.oxend_at, UTC))
        self._contracts.restore(kept.contracts, datetime.fromtimestamp(kept.contracts_at, UTC))
        self._publisher.restore(kept.version, kept.lives, kept.seen)
        await self._publisher.publish()
        self._log.info("answering from the kept snapshot", oxend_height=kept.oxend.block_height)

    async def _keep_now_and_then(self) -> None:
        seen = await self.snapshots.current()
        while True:
            seen = await self.snapshots.next(seen)
            await self._keep_newest()
            await asyncio.sleep(self._settings.cache.keep_interval)

    async def _keep_who_has_left(self) -> None:
        seen = await self.snapshots.current()
        while True:
            await self._life_keep.save()
            seen = await self.snapshots.next(seen)

    async def _keep_newest(self) -> None:
        kept = self._publisher.kept(self._life_keep.unsaved())
        if kept is not None:
            await self._keep.save(kept)


@asynccontextmanager
async def _network(settings: Settings, root: Path) -> AsyncIterator[Settings]:
    """The settings to serve by; with the embedded local network they name what it has just started."""
    if not settings.local.embedded:
        yield settings
        return
    from sent_graphql.localdev.embedding import embedded  # noqa: PLC0415 - its EVM is an extra of the package

    async with embedded(settings, root) as settings:
        yield settings


def _mendable(faults: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first of `faults` that a user can mend; all of them where there is none."""
    wanted = faults.subgroup((UnavailableError, SourceMisconfiguredError))
    error: BaseException = faults if wanted is None else wanted
    while wanted is not None and isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
