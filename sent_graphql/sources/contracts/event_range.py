"""One range of past blocks: what all of our contracts told in it."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

import structlog

from sent_graphql.models.contracts import ContractAddresses, NodeRegistration
from sent_graphql.models.history import StakingEvent, StakingEventKind
from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts import decoding
from sent_graphql.sources.contracts.abi import View, call_data
from sent_graphql.sources.contracts.addresses import event_sources
from sent_graphql.sources.contracts.block_times import BlockTimes
from sent_graphql.sources.contracts.blocks import Header, anchors, header_request, parse_header
from sent_graphql.sources.contracts.calls import BlockReader, Call
from sent_graphql.sources.contracts.errors import (
    HistoryPrunedError,
    RangeTooLargeError,
    RpcMalformedReplyError,
    RpcRefusedError,
)
from sent_graphql.sources.contracts.event_log import EventLog, EventRange
from sent_graphql.sources.contracts.facts import seeded_registration
from sent_graphql.sources.contracts.fork import ForkedError
from sent_graphql.sources.contracts.log_limits import LogLimits, RangeStuckError
from sent_graphql.sources.contracts.logs import LogQuery, contract_queries
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.staking_events import DecodedLog, decode_logs

EVENTS_PER_STEP: Final = 2_000
"""Events of one range, and so of one transaction; a range of several blocks with more is asked for in smaller ones."""


class _LessError(Exception):
    """The range, or the addresses asked for in it, must be fewer."""


class RangeReader:
    """Reads ranges that are as large as the provider gives.

    Round trips of one: the hashes of its ends; the logs of rewards contract, factory and pool; those of the
    contribution contracts that exist by then; and what the logs do not tell (times of blocks, seeded nodes).
    """

    def __init__(
        self,
        *,
        addresses: ContractAddresses,
        settings: ContractsSettings,
        rpc: JsonRpc,
        reader: BlockReader,
        events: EventLog,
    ) -> None:
        self._addresses = addresses
        self._sources = tuple(event_sources(addresses))
        self._settings = settings
        self._rpc = rpc
        self._reader = reader
        self._events = events
        self._limits = LogLimits(settings.scan_range, settings.scan_range_max)
        self._log = structlog.get_logger(__name__)

    @property
    def blocks(self) -> int:
        """How many blocks to ask for now."""
        return self._limits.blocks

    def halve(self, blocks: int) -> None:
        """As many as `blocks` at once were too much."""
        self._limits.halve(blocks)

    async def read(self, first: int, last: int, *, closing: bool) -> EventRange | None:
        """The events of these blocks; None where less must be asked for.

        `closing`: the range ends with the newest view; more of its hashes are kept then. Raises ForkedError where
        the block before the range is no longer the one that was read, RangeStuckError where the provider refuses
        even the logs of one block.
        """
        blocks = await self._stand(first, last, closing=closing)
        try:
            told = await self._logs(first, last, self._sources)
            if first == last or len(told) <= EVENTS_PER_STEP:
                told += await self._logs(first, last, self._contracts(told, last))
        except _LessError:
            return None
        if len(told) > EVENTS_PER_STEP and first < last:
            self._limits.narrow(max(1, (last - first + 1) * EVENTS_PER_STEP // (2 * len(told))))
            return None
        if 2 * len(told) <= EVENTS_PER_STEP:
            self._limits.granted()
        times = BlockTimes(blocks)
        await times.fetch(self._rpc, told, self._settings.batch_size)
        events = await asyncio.to_thread(times.events, told)
        seeds = await self._seeds(events)
        hashes = {header.number: header.hash for header in blocks}
        return EventRange(first=first, last=last, hashes=hashes, events=events, seeds=seeds)

    async def _stand(self, first: int, last: int, *, closing: bool) -> list[Header]:
        """Headers of the range's last block and, at the head, of some before it.

        They are asked for before anything else: should the chain be reorganised under what follows, the next step
        finds another hash, and what was read is taken back.
        """
        marks = [last, *(mark for mark in anchors(last, self._settings.reorg_depth) if mark >= first and closing)]
        expected = self._events.blocks.get(first - 1)
        before = [] if expected is None else [first - 1]
        replies = await self._rpc.batch([header_request(number) for number in (*before, *marks)])
        headers = [parse_header(reply) for reply in replies]
        if expected is not None:
            ground = headers.pop(0)
            if ground is None or ground.hash != expected:
                raise ForkedError(f"block {first - 1} is no longer on the chain")
        if any(header is None for header in headers):
            raise RpcMalformedReplyError("the endpoint lacks a block below its newest")
        return [header for header in headers if header is not None]

    def _contracts(self, told: Iterable[DecodedLog], last: int) -> tuple[str, ...]:
        """The contribution contracts that exist at the end of the range."""
        known = {address: None for address, block in self._events.contracts.items() if block <= last}
        known.update((log.contribution_contract, None) for log in told if log.contribution_contract is not None)
        return tuple(known)

    async def _logs(self, first: int, last: int, addresses: Sequence[str]) -> list[DecodedLog]:
        """What these contracts told; raises _LessError where the provider demands that less is asked for."""
        queries = contract_queries(first, last, addresses, blocks=last - first + 1, per_query=self._limits.addresses)
        found: list[DecodedLog] = []
        for start in range(0, len(queries), self._settings.batch_size):
            piece = queries[start : start + self._settings.batch_size]
            replies = await self._rpc.batch([query.request() for query in piece])
            for query, reply in zip(piece, replies, strict=True):
                if isinstance(reply, RpcRefusedError):
                    self._ask_for_less(query, reply)
                    raise _LessError
            found += await asyncio.to_thread(self._decoded, list(zip(piece, replies, strict=True)))
        return found

    def _decoded(self, answers: Iterable[tuple[LogQuery, object]]) -> list[DecodedLog]:
        return decode_logs((log for query, reply in answers for log in query.parse(reply)), self._addresses)

    def _ask_for_less(self, query: LogQuery, error: RpcRefusedError) -> None:
        """Learn from a refusal, whatever its words; raises it where waiting may help more, or nothing does."""
        if isinstance(error, HistoryPrunedError):
            raise error
        self._log.info("fewer events at once", blocks=query.last - query.first + 1, error=str(error))
        try:
            self._limits.refused(query, error)
        except RangeStuckError:
            if isinstance(error, RangeTooLargeError):
                raise
            raise error from None

    async def _seeds(self, events: Iterable[StakingEvent]) -> list[NodeRegistration]:
        """What the contract held of seeded nodes, which their events do not tell."""
        by_block: dict[int, list[StakingEvent]] = {}
        for event in events:
            if event.kind is StakingEventKind.SEEDED_SERVICE_NODE:
                by_block.setdefault(event.block_number, []).append(event)
        seeds: list[NodeRegistration] = []
        for block, seeded in by_block.items():
            seeds += await self._seeds_of(block, seeded)
        return seeds

    async def _seeds_of(self, block: int, seeded: Sequence[StakingEvent]) -> list[NodeRegistration]:
        """As of their block; where the provider has forgotten its state, as of the newest view, while they are held."""
        calls = [
            Call(self._addresses.service_node_rewards, call_data(View.SERVICE_NODES, event.contract_id or 0))
            for event in seeded
        ]
        try:
            read = await self._reader.call_many(calls, block)
        except RpcRefusedError as error:
            newest = self._events.target
            self._log.info("seeded nodes read as they are now", block=block, error=str(error))
            if newest is None or newest == block:
                raise
            read = await self._reader.call_many(calls, newest)
        nodes = (
            decoding.node(result, event.contract_id or 0) if isinstance(result, bytes) else None
            for event, result in zip(seeded, read.results, strict=True)
        )
        return [
            seeded_registration(event, node)
            for event, node in zip(seeded, nodes, strict=True)
            if node is not None and node.pubkey == event.pubkey
        ]
