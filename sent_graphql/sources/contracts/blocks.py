"""L2 blocks as JSON-RPC tells them, and the hashes kept to see that the chain has been reorganised."""

from collections.abc import Collection, Iterator
from typing import Final

from msgspec import Struct

from sent_graphql.sources.contracts.decoding import TIME_BITS
from sent_graphql.sources.contracts.errors import HistoryPrunedError, RpcMalformedReplyError, RpcRefusedError
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.transports import Request

FORK_CHUNK: Final = 128
"""Kept blocks asked for in one round trip while a fork point is looked for."""


class Header(Struct, frozen=True):
    """A block's number, hash (0x and 64 digits) and unix time."""

    number: int
    hash: str
    timestamp: int


def header_request(number: int | None) -> Request:
    """Asks for block `number`; None is the newest."""
    return "eth_getBlockByNumber", ["latest" if number is None else hex(number), False]


def parse_header(reply: object) -> Header | None:
    """The header in an answer to `header_request`; None where the chain has no such block."""
    if reply is None or isinstance(reply, HistoryPrunedError):
        return None
    if isinstance(reply, RpcRefusedError):
        raise reply
    if not isinstance(reply, dict):
        raise RpcMalformedReplyError("a block is not an object")
    block_hash = reply.get("hash")
    if not isinstance(block_hash, str):
        raise RpcMalformedReplyError("a block without hash")
    timestamp = quantity(reply, "timestamp")
    if timestamp >> TIME_BITS:
        raise RpcMalformedReplyError(f"a block of the second {timestamp}")
    return Header(quantity(reply, "number"), block_hash.lower(), timestamp)


def quantity(fields: dict[str, object], name: str) -> int:
    """The number that JSON-RPC writes as 0x… under `name`."""
    value = fields.get(name)
    if not isinstance(value, str) or not value.startswith("0x"):
        raise RpcMalformedReplyError(f"`{name}` is not a number in hex")
    try:
        return int(value, 16)
    except ValueError:
        raise RpcMalformedReplyError(f"`{name}` is not a number in hex") from None


def anchors(top: int, depth: int) -> Iterator[int]:
    """Block numbers below `top`, ever wider apart, down to `depth` behind it.

    Their hashes bound how far a fork point that lies between two of them is missed: to twice its true depth.
    """
    distance = 1
    while distance <= depth and distance <= top:
        yield top - distance
        distance *= 2


class KnownBlocks:
    """Hashes of blocks that have been seen, within `depth` of the highest; a few are kept for longer."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._hashes: dict[int, str] = {}

    def add(self, number: int, block_hash: str) -> None:
        """Remember a block; the highest one decides which others are old."""
        self._hashes[number] = block_hash

    def prune(self, keep: Collection[int | None]) -> None:
        """Forget old blocks, except those in `keep`."""
        oldest = max(self._hashes, default=0) - self._depth
        self._hashes = {
            number: block_hash for number, block_hash in self._hashes.items() if number >= oldest or number in keep
        }

    def get(self, number: int) -> str | None:
        """The hash that block `number` had when it was seen."""
        return self._hashes.get(number)

    def newest(self) -> int | None:
        """The highest block seen."""
        return max(self._hashes, default=None)

    def descending(self, top: int) -> list[tuple[int, str]]:
        """Blocks up to `top`, highest first."""
        return sorted(((number, text) for number, text in self._hashes.items() if number <= top), reverse=True)

    def rollback(self, fork: int) -> None:
        """Forget the blocks above `fork`."""
        self._hashes = {number: block_hash for number, block_hash in self._hashes.items() if number <= fork}

    def items(self) -> Iterator[tuple[int, str]]:
        """Every block kept."""
        return iter(self._hashes.items())

    async def find_fork(self, rpc: JsonRpc, top: int) -> int | None:
        """The highest kept block up to `top` that the chain still has; None when it has none of them."""
        known = self.descending(top)
        for start in range(0, len(known), FORK_CHUNK):
            chunk = known[start : start + FORK_CHUNK]
            replies = await rpc.batch([header_request(number) for number, _ in chunk])
            for (number, block_hash), reply in zip(chunk, replies, strict=True):
                header = parse_header(reply)
                if header is not None and header.hash == block_hash:
                    return number
        return None
