"""Reads that belong to one block: collected, sent together, and believed only if the block is still on the chain."""

import asyncio
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from sent_graphql.sources.contracts.abi import View, call_data
from sent_graphql.sources.contracts.blocks import Header, header_request, parse_header
from sent_graphql.sources.contracts.calls import BlockReader, Call, CallResult, Reverted
from sent_graphql.sources.contracts.errors import RpcError
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.transports import Request

T = TypeVar("T")

CALLS_PER_TRIP: Final = 2_000
"""Calls sent at once. A call inside an aggregate is some 450 bytes of JSON; nodes take bodies of a few megabytes."""

DECODED_INLINE: Final = 50
"""Results up to which decoding is quicker than a thread would be."""


class BlockMovedError(RpcError):
    """The chain was reorganised while a block was read: what was read is worth nothing."""


class ViewRevertedError(RpcError):
    """A view that must not revert did."""


class Slot(Generic[T]):
    """Where the result of one call will be once the batch has run."""

    __slots__ = ("_decode", "_error", "_value", "_view", "filled", "reverted")

    def __init__(self, view: View, decode: Callable[[bytes], T]) -> None:
        self._view = view
        self._decode = decode
        self._value: T | None = None
        self._error: RpcError | None = None
        self.reverted = False
        """Whether the contract ended the call itself."""
        self.filled = False
        """Whether the batch has run."""

    def fill(self, result: CallResult) -> None:
        """Take the call's result; a fault shows when the value is asked for."""
        self.filled = True
        if isinstance(result, Reverted):
            self.reverted = True
            self._error = ViewRevertedError(f"{self._view.value} failed: {result.reason}")
            return
        try:
            self._value = self._decode(result)
            self._error = None
        except RpcError as error:
            self._error = error

    @property
    def value(self) -> T:
        """The decoded result; raises RpcMalformedReplyError or ViewRevertedError if there is none."""
        if not self.filled:
            raise RpcError(f"{self._view.value} has not been read")
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # T may itself be optional

    def value_unless_reverted(self) -> T | None:
        """The decoded result, None where the contract reverted."""
        return None if self.reverted else self.value


class RawSlot:
    """Where the answer to one raw request will be: its result, or the RpcRefusedError."""

    def __init__(self) -> None:
        self.reply: object = None


class BlockBatch:
    """Calls and requests for one block, sent in one round trip where the provider allows."""

    def __init__(self, rpc: JsonRpc, reader: BlockReader, head: Header) -> None:
        self.head = head
        self._rpc = rpc
        self._reader = reader
        self._calls: list[Call] = []
        self._slots: list[Slot[object]] = []
        self._requests: list[Request] = []
        self._raw_slots: list[RawSlot] = []

    def call(self, to: str, view: View, decode: Callable[[bytes], T], *arguments: int | str) -> Slot[T]:
        """Add a call of a contract's view at the block."""
        slot = Slot(view, decode)
        self._calls.append(Call(to, call_data(view, *arguments)))
        self._slots.append(slot)  # type: ignore[arg-type]  # filled through the type it was made with
        return slot

    def request(self, request: Request) -> RawSlot:
        """Add a raw request."""
        slot = RawSlot()
        self._requests.append(request)
        self._raw_slots.append(slot)
        return slot

    async def run(self) -> None:
        """Send it all, if there is anything; raises BlockMovedError if the block is no longer the chain's."""
        if not self._calls and not self._requests:
            return
        results: list[CallResult] = []
        replies: list[object] = []
        check = header_request(self.head.number)
        for start in range(0, max(len(self._calls), 1), CALLS_PER_TRIP):
            extra = [check] if start else [*self._requests, check]
            calls = self._calls[start : start + CALLS_PER_TRIP]
            trips = self._rpc.round_trips
            read = await self._reader.call_many(calls, self.head.number, extra=extra)
            results += read.results
            replies += read.extra[:-1]
            seen = read.extra[-1]
        if self._rpc.round_trips - trips > 1:
            # The last piece took several trips, and the check went with the first of them.
            (seen,) = await self._rpc.batch([check])
        header = parse_header(seen)
        if header is None or header.hash != self.head.hash:
            raise BlockMovedError(f"the chain was reorganised while block {self.head.number} was read")
        for raw, reply in zip(self._raw_slots, replies, strict=True):
            raw.reply = reply
        if len(results) > DECODED_INLINE:
            await asyncio.to_thread(self._fill, results)
        else:
            self._fill(results)

    def _fill(self, results: list[CallResult]) -> None:
        for slot, result in zip(self._slots, results, strict=True):
            slot.fill(result)
