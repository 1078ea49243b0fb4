"""`eth_getLogs`: what to ask, which answers to believe, and what a log tells."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import structlog
from msgspec import Struct, field

from sent_graphql.models.contracts import ContractAddresses, NodeRegistration
from sent_graphql.models.keys import InvalidKeyError, eth_address
from sent_graphql.models.units import FEE_BASIS
from sent_graphql.sources.contracts.abi import FACTORY_EVENTS, Event
from sent_graphql.sources.contracts.blocks import quantity
from sent_graphql.sources.contracts.decoding import INT_BITS, stakes
from sent_graphql.sources.contracts.errors import RpcMalformedReplyError, RpcRefusedError
from sent_graphql.sources.contracts.events import (
    ContractCreated,
    Exited,
    Finalized,
    PastEvent,
    Registered,
    WalletCredited,
)
from sent_graphql.sources.contracts.transports import Request
from sent_graphql.sources.contracts.words import Words

HISTORY_TOPICS: Final = tuple(
    event.topic
    for event in (
        Event.NEW_SERVICE_NODE_V2,
        Event.SERVICE_NODE_EXIT,
        Event.REWARDS_BALANCE_UPDATED,
        *FACTORY_EVENTS,
    )
)
"""First topics of what the scan of past events asks for."""

FINALIZED_TOPICS: Final = (Event.FINALIZED.topic, Event.FINALIZED_OLD.topic)

ADDRESSES_PER_QUERY: Final = 500
"""Addresses in one `eth_getLogs`: providers take some thousand at most."""

_FACTORY_TOPICS: Final = frozenset(event.topic for event in FACTORY_EVENTS)


class Log(Struct, frozen=True):
    """One log; `address` canonical, topics, hashes and transaction lower-case hex with 0x."""

    address: str
    topics: tuple[str, ...]
    data: bytes
    block: int
    block_hash: str
    transaction: str
    index: int

    def indexed(self, place: int) -> int:
        """The number in the indexed argument at `place`, counted from 1."""
        if len(self.topics) <= place:
            raise RpcMalformedReplyError(f"a log of block {self.block} lacks its indexed argument {place}")
        return int(self.topics[place], 16)


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


def finalized_queries(blocks: Iterable[int], contracts: Sequence[str], per_query: int) -> list[LogQuery]:
    """Queries for the Finalized events of these contribution contracts in those blocks."""
    return [
        query
        for block in sorted(set(blocks))
        for query in contract_queries(block, block, contracts, FINALIZED_TOPICS, blocks=1, per_query=per_query)
    ]


def unlinked_blocks(events: Iterable[PastEvent], contracts: Collection[str]) -> set[int]:
    """Blocks of registrations whose caller is none of the contribution contracts.

    They are solo ones, or of the older generation, where only a Finalized in the same transaction names the contract.
    """
    return {event.block for event in events if isinstance(event, Registered) and event.initiator not in contracts}


class Changes(Struct):
    """What a range of logs says has changed."""

    events: list[PastEvent] = field(default_factory=list)
    node_ids: set[int] = field(default_factory=set)
    """Nodes that are held and must be read again."""
    wallets: set[str] = field(default_factory=set)
    """Wallets whose `recipients` must be read again."""
    contracts: set[str] = field(default_factory=set)
    """Contribution contracts that must be read again."""


def read_changes(logs: Iterable[Log], addresses: ContractAddresses) -> Changes:
    """What `logs` of the rewards contract, the factory and contribution contracts say has changed."""
    changes = Changes()
    for log in logs:
        event = past_event(log, addresses)
        if event is not None:
            changes.events.append(event)
        name = log.topics[0] if log.topics else None
        if log.address == addresses.service_node_rewards:
            if name == Event.SERVICE_NODE_EXIT_REQUEST.topic:
                changes.node_ids.add(log.indexed(1))
            elif name in (Event.REWARDS_BALANCE_UPDATED.topic, Event.REWARDS_CLAIMED.topic):
                changes.wallets.add(_indexed_address(log, 1))
        elif log.address != addresses.contribution_factory:
            changes.contracts.add(log.address)
    return changes


def past_event(log: Log, addresses: ContractAddresses) -> PastEvent | None:
    """What a log tells that is kept; None for all others."""
    name = log.topics[0] if log.topics else None
    if log.address == addresses.service_node_rewards:
        if name == Event.NEW_SERVICE_NODE_V2.topic:
            return _registered(log)
        if name == Event.SERVICE_NODE_EXIT.topic:
            return Exited(log.block, log.indexed(1))
        if name == Event.REWARDS_BALANCE_UPDATED.topic:
            return WalletCredited(log.block, _indexed_address(log, 1))
        return None
    if log.address == addresses.contribution_factory:
        if name in _FACTORY_TOPICS:
            return ContractCreated(log.block, log.index, _indexed_address(log, 1))
        return None
    if name in FINALIZED_TOPICS:
        return Finalized(log.block, log.address, log.transaction)
    return None


def _registered(log: Log) -> Registered:
    """NewServiceNodeV2: initiator, BLS key (2 words), Ed25519 key, signature (2), fee, offset of the contributors."""
    words = Words(log.data, "NewServiceNodeV2")
    contributors = stakes(words, 7)
    fee = words.uint(6, 16)
    if not contributors:
        raise RpcMalformedReplyError("NewServiceNodeV2: no contributors")
    contract_id = log.indexed(1)
    if contract_id >> INT_BITS:
        raise RpcMalformedReplyError(f"NewServiceNodeV2: the id {contract_id} is more than {INT_BITS} bits hold")
    return Registered(
        registration=NodeRegistration(
            contract_id=contract_id,
            pubkey=words.digits(3),
            pubkey_bls=words.digits(1, 2),
            operator=contributors[0].address,
            # The rewards contract does not check the fee; no more than all of the rewards can be taken.
            fee=min(fee, FEE_BASIS),
            contributors=contributors,
            block_number=log.block,
            contribution_contract=None,
        ),
        initiator=words.address(0),
        transaction=log.transaction,
    )


def _indexed_address(log: Log, place: int) -> str:
    value = log.indexed(place)
    if value >> 160:
        raise RpcMalformedReplyError(f"a log of block {log.block}: indexed argument {place} is no address")
    return eth_address(f"{value:040x}")


def _log(item: object) -> Log:
    if not isinstance(item, dict):
        raise RpcMalformedReplyError("eth_getLogs: a log is no object")
    try:
        return Log(
            address=eth_address(item["address"]),
            topics=tuple(str(topic).lower() for topic in item["topics"]),
            data=bytes.fromhex(item["data"].removeprefix("0x")),
            block=quantity(item, "blockNumber"),
            block_hash=item["blockHash"].lower(),
            transaction=item["transactionHash"].lower(),
            index=quantity(item, "logIndex"),
        )
    except (KeyError, TypeError, AttributeError, ValueError, InvalidKeyError):
        raise RpcMalformedReplyError("eth_getLogs: a log without address, topics, data, block or transaction") from None
