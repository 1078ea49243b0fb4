"""The parts of a service whose counts are told, and what is told of each."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from prometheus_client import Metric
from prometheus_client.registry import Collector

from sent_graphql import __version__
from sent_graphql.cache.answers import MemoryAnswers
from sent_graphql.cache.snapshots import SnapshotCache
from sent_graphql.execution.encoded_objects import Room
from sent_graphql.http.guard import Guard
from sent_graphql.http.live_connections import LiveConnections
from sent_graphql.http.rate_limit import RateLimit
from sent_graphql.http.workload import Workload
from sent_graphql.live.hub import LiveQueryHub
from sent_graphql.metrics.families import counter, counters, durations, durations_by, gauge, gauges
from sent_graphql.pollers.poller import Poller
from sent_graphql.pollers.publisher import SnapshotPublisher
from sent_graphql.registrations.proofs import ProofChecker
from sent_graphql.signatures.service import SignatureService
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.source import ContractsSource
from sent_graphql.sources.database.database import Database
from sent_graphql.workers.pool import WorkerPool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceParts:
    """What is read."""

    snapshots: SnapshotCache
    pollers: tuple[Poller[Any], ...]
    publisher: SnapshotPublisher
    contracts: ContractsSource
    rpc: JsonRpc
    database: Database
    live: LiveQueryHub
    guard: Guard
    connections: LiveConnections
    limit: RateLimit
    workload: Workload
    answers: MemoryAnswers
    objects: Room
    workers: WorkerPool
    proofs: ProofChecker
    signatures: SignatureService


class PartsCollector(Collector):
    """Tells the counts of all parts as they are at the moment of asking."""

    def __init__(self, parts: ServiceParts, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives unix seconds."""
        self._parts = parts
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield gauges("info", "The running version, as a label.", "version", {__version__: 1})
        yield from self._snapshot()
        yield from self._sources()
        yield from self._refresh()
        yield from self._database()
        yield from self._answers()
        yield from self._refusals()
        yield from self._live()
        yield from self._helpers()

    def _snapshot(self) -> Iterator[Metric]:
        snapshot = self._parts.snapshots.newest
        made = None if snapshot.created_at is None else snapshot.created_at.timestamp()
        yield gauge("snapshot_version", "Version of the snapshot that answers.", snapshot.version)
        yield gauge("snapshot_age_seconds", "Age of that snapshot.", None if made is None else self._clock() - made)
        yield gauge("snapshot_stale", "1 while a source has been silent for too long.", snapshot.stale)
        yield gauge("ready", "1 once there is a snapshot to answer from.", snapshot.state is not None)
        counts = None if snapshot.state is None else snapshot.state.network.node_counts
        yield gauges(
            "service_nodes",
            "Service nodes by state, as the snapshot has them.",
            "state",
            {}
            if counts is None
            else {
                "registering": counts.registering,
                "running": counts.running,
                "decommissioned": counts.decommissioned,
                "awaiting_exit": counts.awaiting_exit,
                "deregistered": counts.deregistered,
            },
        )

    def _sources(self) -> Iterator[Metric]:
        """oxend, the contracts and the database, as `meta.sources` shows them, and how they are polled."""
        sources = {source.name.value.lower(): source for source in self._parts.snapshots.newest.sources}
        spoke = {name: source.last_success_at for name, source in sources.items()}
        yield gauges(
            "source_healthy",
            "1 where the last that was asked of a source was answered.",
            "source",
            {name: source.healthy for name, source in sources.items()},
        )
        yield gauges(
            "source_last_success_timestamp_seconds",
            "When a source was last read in full, in unix seconds.",
            "source",
            {name: None if at is None else at.timestamp() for name, at in spoke.items()},
        )
        yield gauges(
            "source_height",
            "Height of a source: oxend's block, the L2's block, the last block whose events the database has.",
            "source",
            {name: source.height for name, source in sources.items()},
        )
        polls = {poller.name.value.lower(): poller.tally for poller in self._parts.pollers}
        yield durations_by("poll_seconds", "Polls of a source, and the time they took.", "source", polls)
        yield counters(
            "poll_errors",
            "Polls of a source that failed or brought nothing of use.",
            "source",
            {name: tally.failures for name, tally in polls.items()},
        )

    def _refresh(self) -> Iterator[Metric]:
        parts = self._parts
        yield counter("rpc_round_trips", "Round trips to the L2's RPC.", parts.rpc.round_trips)
        yield durations_by(
            "refresh_stage_seconds",
            "Stages of the contracts' refreshes, and the time they took.",
            "stage",
            parts.contracts.stages,
        )
        yield durations("join_seconds", "Times that both sides were joined into a snapshot.", parts.publisher.joining)
        scan = parts.contracts.progress
        yield gauge("scan_complete", "1 once all past events have been read.", scan.complete)
        yield gauge("scan_block", "Block up to which past events have been read.", scan.scanned_to)

    def _database(self) -> Iterator[Metric]:
        """Failures are told also while the database is not even tried."""
        tallies = {"read": self._parts.database.reads, "write": self._parts.database.writes}
        yield durations_by(
            "database_seconds", "Transactions and their time, the wait for the database included.", "kind", tallies
        )
        yield counters(
            "database_errors",
            "Transactions that were not done.",
            "kind",
            {kind: tally.failures for kind, tally in tallies.items()},
        )

    def _answers(self) -> Iterator[Metric]:
        answers = self._parts.answers
        yield gauge("answer_cache_bytes", "Bytes of the answers that are kept.", answers.bytes)
        yield gauge("object_cache_bytes", "Bytes of the objects kept in JSON for answers.", self._parts.objects.taken)
        yield counters(
            "answers",
            "Questions by GET and POST that were answered: replayed and kept ones from the cache, made ones for it, "
            "unshared ones beside it.",
            "origin",
            asdict(answers.counts),
        )

    def _refusals(self) -> Iterator[Metric]:
        """Who is let in, who has to wait, and who is turned away."""
        parts = self._parts
        yield gauge("http_connections", "Open connections, those of WebSockets left out.", len(parts.guard))
        yield gauge(
            "http_unread_bytes", "Bytes held for clients that have not read them yet.", parts.guard.unread.bytes
        )
        yield counters(
            "http_connections_cut",
            "Connections cut for slowness, or because too much was held for their clients.",
            "reason",
            {**parts.guard.cut, "unread": parts.guard.unread.cut, "unfinished": parts.guard.unfinished.cut},
        )
        yield gauge("rate_limit_clients", "Clients whose buckets are remembered.", len(parts.limit))
        yield gauge("workload_cost", "Cost of the operations that are being executed.", parts.workload.under_way)
        yield gauge("workload_waiting", "Operations that wait for room.", parts.workload.waiting)
        yield durations("workload_wait_seconds", "Waits for room, in vain or not.", parts.workload.waits)
        yield counters(
            "refused",
            "Connections, requests and operations that were turned away, and why.",
            "reason",
            {
                **{f"rate_limit_{bucket}": count for bucket, count in parts.limit.refused.items()},
                **{f"overload_{why}": count for why, count in parts.workload.refused.items()},
                **{f"connection_{why}": count for why, count in parts.guard.refused.items()},
                "live_connections": parts.connections.refused,
                "proofs": parts.proofs.refused,
                "workers": parts.workers.refused,
                "signatures": parts.signatures.refused,
            },
        )

    def _live(self) -> Iterator[Metric]:
        live = self._parts.live
        yield gauge("connections", "Open WebSockets and event streams.", len(self._parts.connections))
        yield gauge("subscriptions", "Open subscriptions.", live.members)
        yield gauge("subscription_groups", "Different questions that are watched.", live.groups)
        yield gauge("subscription_tasks", "Readers that are waited for, and questions under way.", live.sending)
        yield counter("subscription_executions", "Executions of subscriptions.", live.executions)
        yield counter("subscription_messages", "Messages sent to subscribers.", live.messages)
        yield counter("subscription_folded", "News that waited for a reader, to be sent with later ones.", live.folded)
        yield durations(
            "subscription_round_seconds", "Rounds through all watched questions, one for each snapshot.", live.rounds
        )

    def _helpers(self) -> Iterator[Metric]:
        workers = self._parts.workers
        yield gauge("workers_busy", "Processes that check signatures now.", workers.busy)
        yield gauge("workers_waiting", "Checks that wait for a process.", workers.waiting)
        yield durations("worker_task_seconds", "Checks of signatures, their wait included.", workers.tally)
        yield counter("worker_task_errors", "Checks that were not done in time or lost.", workers.tally.failures)
        open_now: Mapping[str, float] = {b.name: b.is_open for b in self._parts.signatures.breakers}
        yield gauges(
            "breaker_open", "1 while oxend is not asked for signatures of this kind.", "request", dict(open_now)
        )
