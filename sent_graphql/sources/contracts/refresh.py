"""One refresh: everything that may have changed since the last view, read at one block.

Round trips: the newest block; parameters, the logs since the last view and the check that its block is still on the
chain; what those name; what that reveals. A quiet refresh is done after two. Now and then all is read anew, whatever
events tell: an endpoint may have left some out.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from typing import Final, TypeVar

import structlog
from msgspec import Struct, structs

from sent_graphql.models.contracts import ContractAddresses, ContractNode, ContractsView
from sent_graphql.models.history import StakingEvent, StakingEventKind
from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.addresses import event_sources
from sent_graphql.sources.contracts.block_batch import DECODED_INLINE, BlockBatch, BlockMovedError, RawSlot
from sent_graphql.sources.contracts.block_times import BlockTimes
from sent_graphql.sources.contracts.blocks import Header, anchors, header_request, parse_header
from sent_graphql.sources.contracts.calls import BlockReader
from sent_graphql.sources.contracts.changes import Changes, read_changes
from sent_graphql.sources.contracts.contribution_reads import ContributionReads
from sent_graphql.sources.contracts.errors import HistoryPrunedError, RpcError, RpcRefusedError
from sent_graphql.sources.contracts.event_log import EventLog, EventRange
from sent_graphql.sources.contracts.facts import seeded_registration
from sent_graphql.sources.contracts.fork import ForkedError, newest_block, take_back
from sent_graphql.sources.contracts.log_limits import LogLimits, RangeStuckError
from sent_graphql.sources.contracts.logs import Log, LogQuery, contract_queries
from sent_graphql.sources.contracts.node_reads import NodeListCap, NodeReads
from sent_graphql.sources.contracts.parameters import Fingerprint, ParameterReads
from sent_graphql.sources.contracts.recipient_reads import RecipientReads
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.staking_events import DecodedLog, decode_logs
from sent_graphql.sources.contracts.view_reads import ViewReads
from sent_graphql.tallies import Tally

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

ATTEMPTS: Final = 4
"""How often a refresh begins anew when the chain moves under it."""

TAIL_CUTS: Final = 4
"""How often it asks for the logs since the last view in smaller pieces, before it does without them."""

TAIL_QUERIES: Final = 64
"""Most pieces that these logs are asked for in: all of them are items of one batch."""

TAIL_PATIENCE: Final = 100
"""Refreshes until larger pieces are tried again."""

EXAMPLES_LOGGED: Final = 5
"""Nodes and wallets that one log line names."""

STAGES: Final = ("open", "changed", "revealed", "wallets")
"""The newest block and what every refresh reads; what has changed; what that reveals; the wallets that are left."""


class TailCutError(RpcError):
    """The provider does not give the logs since the last view at once, but may do so in smaller pieces."""


class TailRefusedError(RpcError):
    """The provider does not give the logs since the last view."""


class Basis(Struct, frozen=True):
    """What a refresh builds upon: the last view where it still holds, and the first block whose logs are wanted."""

    view: ContractsView | None
    tail_from: int | None


class Refreshed(Struct, frozen=True):
    """What a refresh brought: the view, and the events since the last one, as far as they were to be had."""

    view: ContractsView
    tail: EventRange


class Opening(Struct, frozen=True):
    """What the first batch brought; `first`: the block that the changes begin with, `whole` as in EventRange."""

    head: Header
    parameters: ParameterReads
    first: int
    whole: bool
    changes: Changes


class Refresh:
    """Makes a view out of the last one. What it learns from events goes into the event log."""

    def __init__(
        self,
        *,
        chain_id: int,
        addresses: ContractAddresses,
        settings: ContractsSettings,
        rpc: JsonRpc,
        reader: BlockReader,
        events: EventLog,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stages: Final = {stage: Tally() for stage in STAGES}
        """How often each stage was gone through, and how long it took."""
        self._chain_id = chain_id
        self._addresses = addresses
        self._rewards = addresses.service_node_rewards
        self._settings = settings
        self._rpc = rpc
        self._reader = reader
        self._events = events
        self._cap = NodeListCap()
        self._limits = LogLimits(settings.scan_range_max, settings.scan_range_max, patience=TAIL_PATIENCE)
        self._unreadable: set[str] = set()
        self._clock = clock
        self._read_anew_at = clock()
        self._fingerprint: tuple[str, Fingerprint] | None = None
        self._log = structlog.get_logger(__name__)

    async def run(self, previous: ContractsView | None, wallets: Collection[str]) -> Refreshed:
        """The view at the newest block, and the events that it rests on; parts as in `previous` are the same objects.

        Raises a SourceError where the chain does not tell, or moves on every attempt.
        """
        if previous is not None and (previous.chain_id, previous.addresses) != (self._chain_id, self._addresses):
            previous = None
        basis = self._basis(previous)
        if self._clock() >= self._read_anew_at + self._settings.reread_interval:
            basis = Basis(None, basis.tail_from)
        failure: RpcError = BlockMovedError("the chain was not asked")
        cuts = 0
        for _ in range(ATTEMPTS + TAIL_CUTS):
            try:
                made = await self._attempt(basis, previous, wallets)
                if previous is None:
                    return made
                return Refreshed(await asyncio.to_thread(shared, previous, made.view), made.tail)
            except BlockMovedError as error:
                failure = error
            except TailCutError as error:
                cuts += 1
                failure = error
                if cuts > TAIL_CUTS:
                    basis = Basis(None, None)
            except TailRefusedError as error:
                self._log.warning("logs since the last refresh refused, reading all anew", error=str(error))
                basis, failure = Basis(None, None), error
            except ForkedError as error:
                await take_back(self._rpc, self._events)
                basis, failure = self._basis(None), error
        raise failure

    def _basis(self, view: ContractsView | None) -> Basis:
        """Without a view all is read anew, and the logs are wanted from where the events known end."""
        if view is not None:
            return Basis(view, view.block_number + 1)
        known_to = self._events.target
        return Basis(None, None if known_to is None else known_to + 1)

    async def _attempt(self, basis: Basis, previous: ContractsView | None, wallets: Collection[str]) -> Refreshed:
        rollbacks = self._events.rollbacks
        with self.stages["open"].measured():
            opening = await self._open(basis)
        view, head, changes = basis.view, opening.head, opening.changes
        fingerprint = opening.parameters.fingerprint
        created = {**self._events.contracts, **changes.created}
        nodes = NodeReads(
            self._rewards,
            self._cap,
            known=None if view is None else view.nodes,
            before=self._fingerprint_of(view),
            now=fingerprint,
        )
        contracts = ContributionReads({} if view is None else view.contribution_contracts, self._unreadable)
        recipients = RecipientReads(self._rewards, {} if view is None else view.recipients)
        times = BlockTimes([head])
        known_wallets = {*wallets, *self._events.wallets, *changes.wallets}
        if view is None and previous is not None:
            known_wallets.update(previous.recipients)
        reads = ViewReads(nodes, contracts, recipients)

        batch = self._batch(head)
        await reads.begin(
            batch,
            nodes=changes.node_ids,
            exited={*self._events.exits, *changes.exited_ids},
            created=created,
            contracts=changes.contracts,
            known_wallets=known_wallets,
            wallets=changes.wallets,
        )
        told_by_new = self._ask(batch, self._queries_of_new(changes, head.number))
        times.ask(batch, changes.decoded)
        with self.stages["changed"].measured():
            await batch.run()
            decoded = [*changes.decoded, *await self._decoded_of_new(told_by_new)]
            await nodes.walk(lambda: self._batch(head), self._settings.node_list_chunk)

        batch = self._batch(head)
        await reads.go_on(batch)
        times.ask(batch, decoded)
        with self.stages["revealed"].measured():
            await batch.run()

        batch = self._batch(head)
        held = await reads.end(batch)
        with self.stages["wallets"].measured():
            await batch.run()

        if self._events.rollbacks != rollbacks:
            raise BlockMovedError("the chain was reorganised while it was read")
        if view is None:
            self._read_anew_at = self._clock()
        tail = self._take_in(opening, times.events(decoded), held)
        self._events.check(fingerprint.next_id, held)
        self._fingerprint = (head.hash, fingerprint)
        made = ContractsView(
            chain_id=self._chain_id,
            block_number=head.number,
            block_hash=head.hash,
            block_timestamp=head.timestamp,
            addresses=self._addresses,
            parameters=opening.parameters.parameters,
            nodes=held,
            contribution_contracts=contracts.contracts(self._events.contracts),
            registrations=self._events.registrations,
            exits=self._events.exits,
            recipients=recipients.recipients(),
            scan=self._events.progress,
        )
        if view is None and previous is not None and basis.tail_from == previous.block_number + 1:
            self._tell_untold(changes.untold(previous, made))
        return Refreshed(made, tail)

    def _tell_untold(self, untold: list[str]) -> None:
        if untold:
            self._log.warning("changes that no event told", count=len(untold), examples=untold[:EXAMPLES_LOGGED])

    async def _open(self, basis: Basis) -> Opening:
        """Take the newest block, and read there what every refresh reads."""
        head = await newest_block(self._rpc)
        seen = self._seen(basis)
        for number, block_hash in seen.items():
            if number > head.number or (number == head.number and block_hash != head.hash):
                raise ForkedError(f"block {number} is no longer on the chain")
        first = head.number + 1 if basis.tail_from is None else basis.tail_from
        if head.number - first >= self._settings.scan_range_max:
            raise TailRefusedError(f"{head.number - first + 1} blocks since the last refresh")

        whole = self._events.knows_up_to(first - 1)
        batch = self._batch(head)
        parameters = ParameterReads(batch, self._addresses)
        checks = {number: batch.request(header_request(number)) for number in seen if number < head.number}
        tail = self._ask(batch, self._tail_queries(first, head.number))
        marks = [] if basis.tail_from is not None else list(anchors(head.number, self._settings.reorg_depth))
        anchored = [batch.request(header_request(number)) for number in marks]
        await batch.run()
        for number, slot in checks.items():
            header = parse_header(slot.reply)
            if header is None or header.hash != seen[number]:
                raise ForkedError(f"block {number} is no longer on the chain")
        changes = await off_the_loop(tail, lambda: self._changes(head, tail))
        if tail:
            self._limits.granted()
        for slot in anchored:
            header = parse_header(slot.reply)
            if header is not None:
                self._events.blocks.add(header.number, header.hash)
        return Opening(head, parameters, first, whole, changes)

    def _take_in(self, opening: Opening, events: list[StakingEvent], held: dict[int, ContractNode]) -> EventRange:
        """The tail goes into the event log; what the contract holds of new seeded nodes is kept with it."""
        head = opening.head
        seeds = [
            seeded_registration(event, held[event.contract_id])
            for event in events
            if event.kind is StakingEventKind.SEEDED_SERVICE_NODE and event.contract_id in held
        ]
        tail = EventRange(
            first=opening.first,
            last=head.number,
            hashes={head.number: head.hash},
            events=events,
            seeds=seeds,
            whole=opening.whole,
        )
        return self._events.apply_tail(tail)

    def _seen(self, basis: Basis) -> dict[int, str]:
        """Blocks that must still be there: the last view's, and the newest that events rest on."""
        seen = {} if basis.view is None else {basis.view.block_number: basis.view.block_hash}
        newest = self._events.blocks.newest()
        block_hash = None if newest is None else self._events.blocks.get(newest)
        if newest is not None and block_hash is not None:
            seen.setdefault(newest, block_hash)
        return seen

    def _watched(self) -> list[str]:
        return [*event_sources(self._addresses), *self._events.contracts]

    def _tail_queries(self, first: int, last: int) -> list[LogQuery]:
        limits = self._limits
        queries = contract_queries(first, last, self._watched(), blocks=limits.blocks, per_query=limits.addresses)
        if len(queries) > TAIL_QUERIES:
            raise TailRefusedError(f"{last - first + 1} blocks since the last refresh, {limits.blocks} given at once")
        return queries

    def _changes(self, head: Header, tail: list[tuple[LogQuery, RawSlot]]) -> Changes:
        logs = [log for query, slot in tail for log in self._tail_logs(query, slot.reply)]
        if any(log.block == head.number and log.block_hash != head.hash for log in logs):
            raise BlockMovedError(f"the logs of block {head.number} are of another block")
        return read_changes(logs, self._addresses)

    def _tail_logs(self, query: LogQuery, reply: object) -> list[Log]:
        try:
            return query.parse(reply)
        except HistoryPrunedError:
            raise
        except RpcRefusedError as error:
            try:
                self._limits.refused(query, error)
            except RangeStuckError:
                raise TailRefusedError(str(error)) from error
            raise TailCutError(str(error)) from error

    def _queries_of_new(self, changes: Changes, last: int) -> list[LogQuery]:
        """Queries for what contracts told that nobody knew of when the logs since the last view were asked for."""
        new = [address for address in changes.created if address not in self._events.contracts]
        if not new:
            return []
        first = min(changes.created[address] for address in new)
        limits = self._limits
        return contract_queries(first, last, new, blocks=limits.blocks, per_query=limits.addresses)

    async def _decoded_of_new(self, asked: list[tuple[LogQuery, RawSlot]]) -> list[DecodedLog]:
        def decoded() -> list[DecodedLog]:
            logs = [log for query, slot in asked for log in self._tail_logs(query, slot.reply)]
            return decode_logs(logs, self._addresses)

        return await off_the_loop(asked, decoded)

    def _fingerprint_of(self, view: ContractsView | None) -> Fingerprint | None:
        if view is None or self._fingerprint is None:
            return None
        block_hash, fingerprint = self._fingerprint
        return fingerprint if block_hash == view.block_hash else None

    def _ask(self, batch: BlockBatch, queries: Iterable[LogQuery]) -> list[tuple[LogQuery, RawSlot]]:
        return [(query, batch.request(query.request())) for query in queries]

    def _batch(self, head: Header) -> BlockBatch:
        return BlockBatch(self._rpc, self._reader, head)


async def off_the_loop(asked: list[tuple[LogQuery, RawSlot]], read: Callable[[], T]) -> T:
    """What `read` makes of these answers: in a thread where they are long."""
    logs = sum(len(slot.reply) for _, slot in asked if isinstance(slot.reply, list))
    return await asyncio.to_thread(read) if logs > DECODED_INLINE else read()


def shared(old: ContractsView, new: ContractsView) -> ContractsView:
    """`new`, with every part of `old` that is equal in its place; `old` itself if nothing differs."""
    view = structs.replace(
        new,
        parameters=old.parameters if old.parameters == new.parameters else new.parameters,
        nodes=shared_items(old.nodes, new.nodes),
        contribution_contracts=shared_items(old.contribution_contracts, new.contribution_contracts),
        registrations=shared_items(old.registrations, new.registrations),
        exits=shared_items(old.exits, new.exits),
        recipients=shared_items(old.recipients, new.recipients),
    )
    return old if view == old else view


def shared_items(old: dict[K, V], new: dict[K, V]) -> dict[K, V]:
    """`new` with equal values taken from `old`; `old` itself if all are equal and in the same order."""
    if old is new:
        return old
    merged: dict[K, V] = {}
    for key, value in new.items():
        known = old.get(key)
        merged[key] = known if known is not None and known == value else value
    same = len(old) == len(merged) and all(a == b and old[a] is merged[b] for a, b in zip(old, merged, strict=True))
    return old if same else merged
