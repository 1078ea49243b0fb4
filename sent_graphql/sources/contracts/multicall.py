"""The bytes of Multicall3's `aggregate3((address target, bool allowFailure, bytes callData)[])` and of its answer.

Written by hand, since the general ABI coder takes longer over a few thousand calls than the network does.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from sent_graphql.sources.contracts.abi import selector
from sent_graphql.sources.contracts.errors import RpcMalformedReplyError
from sent_graphql.sources.contracts.words import Words

AGGREGATE3: Final = selector("aggregate3((address,bool,bytes)[])")


class InnerResult(Struct, frozen=True):
    """What one inner call came to; `data` is the revert's where it failed."""

    success: bool
    data: bytes


def aggregate3_data(calls: Sequence[tuple[str, bytes]]) -> bytes:
    """Call data that makes all `calls` (address, data), each allowed to fail."""
    tails: list[bytes] = []
    offsets: list[bytes] = []
    offset = 32 * len(calls)
    for to, data in calls:
        padded = data + bytes(-len(data) % 32)
        tail = bytes(12) + bytes.fromhex(to[2:]) + _word(1) + _word(96) + _word(len(data)) + padded
        offsets.append(_word(offset))
        offset += len(tail)
        tails.append(tail)
    return b"".join([AGGREGATE3, _word(32), _word(len(calls)), *offsets, *tails])


def aggregate3_results(data: bytes, count: int) -> list[InnerResult]:
    """The `count` results of `(bool success, bytes returnData)[]`; RpcMalformedReplyError if they are not that."""
    items, found = Words(data, "aggregate3").array(0, item_words=1)
    if found != count:
        raise RpcMalformedReplyError(f"aggregate3: {found} results for {count} calls")
    return [_inner(items.struct(index)) for index in range(count)]


def _inner(item: Words) -> InnerResult:
    return InnerResult(item.boolean(0), item.data(1))


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
