"""`eth_getLogs`: what to ask, and which answers to believe."""

import re
from collections.abc import Sequence
from typing import Final

import structlog
from msgspec import Struct

from sent_graphql.models.keys import InvalidKeyError, eth_address
from sent_graphql.sources.contracts.blocks import quantity
from sent_graphql.sources.contracts.decoding import TIME_BITS
from sent_graphql.sources.contracts.errors import RpcMalformedReplyError, RpcRefusedError
from sent_graphql.sources.contracts.transports import Request

ADDRESSES_PER_QUERY: Final = 500
"""Addresses in one `eth_getLogs`: providers take some thousand at most."""

PLACE_BITS: Final = (62, 31)
"""What a log's block number and its index may hold: the database and the events' ids have room for no more."""

_HASH: Final = re.compile(r"0x[0-9a-f]{64}")


class Log(Struct, frozen=True, gc=False):
    """One log; `address` canonical, topics, hashes and transaction lower-case hex with 0x."""

    address: str
    topics: tuple[str, ...]
    data: bytes
    block: int
    block_hash: str
    transaction: str
    index: int
    timestamp: int | None = None
    """Of the block in unix seconds, where the provider tells it along."""


class LogQuery(Struct, frozen=True):
    """The logs of blocks `first` to `last`, of these contracts and first topics (of all where empty)."""

    first: int
    last: int
    addresses: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()

    def request(self) -> Request:
        """The JSON-RPC request."""
        wanted: dict[str, object] = {"fromBlock": hex(self.first), "toBlock": hex(self.last)}
        if self.addresses:
            wanted["address"] = list(self.addresses)
        if self.topics:
            wanted["topics"] = [list(self.topics)]
        return "eth_getLogs", [wanted]

    def parse(self, reply: object) -> list[Log]:
        """The logs of an answer, in their order on the chain; raises the refusal if it is one.

        A removed log is no data (block hashes decide what is on the chain), and neither is one that was not asked for.
        """
        if isinstance(reply, RpcRefusedError):
            raise reply
        if not isinstance(reply, list):
            raise RpcMalformedReplyError("eth_getLogs: the result is no list")
        logs = [_log(item) for item in reply if not (isinstance(item, dict) and item.get("removed") is True)]
        wanted = [log for log in logs if self._asked_for(log)]
        if len(wanted) < len(logs):
            structlog.get_logger(__name__).warning(
                "logs dropped that were not asked for",
                count=len(logs) - len(wanted),
                from_block=self.first,
                to_block=self.last,
            )
        return sorted(wanted, key=lambda log: (log.block, log.index))

    def _asked_for(self, log: Log) -> bool:
        return (
            self.first <= log.block <= self.last
            and (not self.addresses or log.address in self.addresses)
            and (not self.topics or (bool(log.topics) and log.topics[0] in self.topics))
        )


def contract_queries(
    first: int, last: int, addresses: Sequence[str], topics: tuple[str, ...] = (), *, blocks: int, per_query: int
) -> list[LogQuery]:
    """Queries for the logs of these contracts in that range (none if it is empty).

    Each is for at most `blocks` blocks and `per_query` contracts.
    """
    return [
        LogQuery(start, min(start + blocks - 1, last), tuple(addresses[place : place + per_query]), topics)
        for start in range(first, last + 1, blocks)
        for place in range(0, len(addresses), per_query)
    ]


def _log(item: object) -> Log:
    if not isinstance(item, dict):
        raise RpcMalformedReplyError("eth_getLogs: a log is no object")
    try:
        log = Log(
            address=eth_address(item["address"]),
            topics=tuple(str(topic).lower() for topic in item["topics"]),
            data=bytes.fromhex(item["data"].removeprefix("0x")),
            block=quantity(item, "blockNumber"),
            block_hash=item["blockHash"].lower(),
            transaction=item["transactionHash"].lower(),
            index=quantity(item, "logIndex"),
            # Some providers leave it out, some write zero for not known.
            timestamp=(quantity(item, "blockTimestamp") or None) if item.get("blockTimestamp") else None,
        )
    except (KeyError, TypeError, AttributeError, ValueError, InvalidKeyError):
        raise RpcMalformedReplyError("eth_getLogs: a log without address, topics, data, block or transaction") from None
    if not (_HASH.fullmatch(log.block_hash) and _HASH.fullmatch(log.transaction)):
        raise RpcMalformedReplyError("eth_getLogs: a hash is not 0x and 64 hex digits")
    if any(value >> bits for value, bits in zip((log.block, log.index), PLACE_BITS, strict=True)):
        raise RpcMalformedReplyError("eth_getLogs: a log at a place beyond all chains")
    if log.timestamp is not None and log.timestamp >> TIME_BITS:
        raise RpcMalformedReplyError(f"eth_getLogs: a log of the second {log.timestamp}")
    return log
