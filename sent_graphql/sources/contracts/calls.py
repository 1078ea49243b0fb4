"""Reading many contracts at one block in as few round trips as the provider allows.

Where the chain has Multicall3, calls travel inside `aggregate3` calls; elsewhere as a JSON-RPC batch of `eth_call`.
Either way one reverting call does not harm its neighbours.
"""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

import structlog
from msgspec import Struct

from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.errors import (
    CallRevertedError,
    GasCapError,
    RpcMalformedReplyError,
    RpcRefusedError,
)
from sent_graphql.sources.contracts.multicall import aggregate3_data, aggregate3_results
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.transports import Request

T = TypeVar("T")


class Call(Struct, frozen=True, gc=False):
    """A view to call: the contract's address, and selector and arguments."""

    to: str
    data: bytes


class Reverted(Struct, frozen=True):
    """A call that the contract ended itself, or that passes the provider's gas cap. `data`: the revert's bytes."""

    data: bytes
    reason: str


CallResult = bytes | Reverted
"""The bytes that the call returned; none at all where there is no contract."""


class ReadResult(Struct, frozen=True):
    """What `call_many` brought, each list in the order it was asked for."""

    results: list[CallResult]
    extra: list[object | RpcRefusedError]


class BlockReader:
    """Reads views at a given block.

    Round trips of one `call_many`: one with Multicall3, as long as calls and extras need no more than `batch_size`
    JSON-RPC items; without it one for each `batch_size` calls. Further ones only for aggregates that passed a cap of
    the provider, which are halved, and for calls that failed without a word inside an aggregate, since only a call of
    their own tells a revert from gas that ran out. What the provider's caps turn out to be is remembered.
    """

    def __init__(self, rpc: JsonRpc, settings: ContractsSettings) -> None:
        self._rpc = rpc
        self._multicall = settings.multicall
        self._multicall_found: bool | None = None
        self._batch_size = settings.batch_size
        self._aggregate_size = settings.batch_size
        self._log = structlog.get_logger(__name__)

    async def call_many(
        self,
        calls: Sequence[Call],
        block: int,
        *,
        deadline: float | None = None,
        extra: Sequence[Request] = (),
    ) -> ReadResult:
        """Call every one of `calls` at `block`; `extra` are raw JSON-RPC requests that travel along.

        A refused extra is its error in its place. Raises as `JsonRpc.batch` does, and RpcRefusedError where the
        provider refuses a call for a reason that is not the contract's (such as a block it does not hold).
        """
        results: dict[int, CallResult] = {}
        starved: set[int] = set()
        if calls and await self._has_multicall(deadline):
            aggregates = _pieces(range(len(calls)), self._aggregate_size)
        else:
            aggregates = [range(place, place + 1) for place in range(len(calls))]
        extras: list[object | RpcRefusedError] = []
        pending_extra = list(extra)
        while aggregates or pending_extra:
            requests = [*pending_extra, *(self._request(calls, places, block) for places in aggregates)]
            outcomes = await self._send(requests, deadline)
            extras.extend(outcomes[: len(pending_extra)])
            unread: list[Sequence[int]] = []
            for places, outcome in zip(aggregates, outcomes[len(pending_extra) :], strict=True):
                unread.extend(self._take(places, outcome, results, starved))
                if len(places) > 1:
                    # An aggregate takes some milliseconds, and there may be many.
                    await asyncio.sleep(0)
            aggregates, pending_extra = unread, []
        if any(isinstance(results[place], bytes) for place in starved):
            self._learn_aggregate_size((self._aggregate_size + 1) // 2, "calls ran out of gas inside an aggregate")
        return ReadResult([results[place] for place in range(len(calls))], extras)

    async def _has_multicall(self, deadline: float | None) -> bool:
        """Whether Multicall3 has code on this chain; asked once."""
        if self._multicall is None:
            return False
        if self._multicall_found is None:
            try:
                code = await self._rpc.request("eth_getCode", [self._multicall, "latest"], deadline=deadline)
            except RpcRefusedError as error:
                self._log.warning("multicall not looked for", error=str(error))
                code = "0x"
            self._multicall_found = isinstance(code, str) and len(code) > len("0x")
            self._log.info("multicall looked for", address=self._multicall, found=self._multicall_found)
        return self._multicall_found

    def _request(self, calls: Sequence[Call], places: Sequence[int], block: int) -> Request:
        """One `eth_call`: the call itself where it is alone, an aggregate of all of them elsewhere."""
        if len(places) == 1:
            call = calls[places[0]]
            to, data = call.to, call.data
        else:
            assert self._multicall is not None
            to, data = self._multicall, aggregate3_data([(calls[i].to, calls[i].data) for i in places])
        return ("eth_call", [{"to": to, "data": "0x" + data.hex()}, hex(block)])

    async def _send(self, requests: Sequence[Request], deadline: float | None) -> list[object | RpcRefusedError]:
        outcomes: list[object | RpcRefusedError] = []
        for piece in _pieces(requests, self._batch_size):
            outcomes.extend(await self._rpc.batch(piece, deadline=deadline))
        return outcomes

    def _take(
        self,
        places: Sequence[int],
        outcome: object | RpcRefusedError,
        results: dict[int, CallResult],
        starved: set[int],
    ) -> list[Sequence[int]]:
        """Keep what an `eth_call` brought; returns the calls to send again, in smaller aggregates.

        `starved` gathers the calls that failed without a word inside an aggregate.
        """
        if len(places) == 1:
            results[places[0]] = _call_result(outcome)
            return []
        if isinstance(outcome, CallRevertedError | GasCapError):
            half = (len(places) + 1) // 2
            self._learn_aggregate_size(half, str(outcome))
            return [places[:half], places[half:]]
        if isinstance(outcome, RpcRefusedError):
            raise outcome
        data = _bytes(outcome)
        if not data:
            # Multicall3 was not there yet at that block.
            return [[place] for place in places]
        again: list[Sequence[int]] = []
        for place, inner in zip(places, aggregate3_results(data, len(places)), strict=True):
            if inner.success:
                results[place] = inner.data
            elif inner.data:
                results[place] = Reverted(inner.data, "reverted")
            else:
                starved.add(place)
                again.append([place])
        return again

    def _learn_aggregate_size(self, size: int, why: str) -> None:
        if size < self._aggregate_size:
            self._aggregate_size = size
            self._log.info("aggregates made smaller", size=size, why=why)


def _call_result(outcome: object | RpcRefusedError) -> CallResult:
    if isinstance(outcome, CallRevertedError | GasCapError):
        return Reverted(outcome.data, str(outcome))
    if isinstance(outcome, RpcRefusedError):
        raise outcome
    return _bytes(outcome)


def _bytes(result: object) -> bytes:
    if not isinstance(result, str) or not result.startswith("0x"):
        raise RpcMalformedReplyError("eth_call: hex with 0x is wanted as the result")
    try:
        return bytes.fromhex(result[2:])
    except ValueError:
        raise RpcMalformedReplyError("eth_call: the result is not hex") from None


def _pieces(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
