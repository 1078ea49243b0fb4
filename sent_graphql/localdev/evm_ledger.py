"""What the EVM has mined: blocks, transactions and logs, each found without walking the chain."""

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from eth.abc import BlockHeaderAPI, SignedTransactionAPI


class UnknownBlockError(LookupError):
    """No block of the present branch has that number or hash."""


class Log(NamedTuple):
    """One event as it was emitted, and where it stands."""

    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    transaction_index: int
    log_index: int
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


class LogFilter(NamedTuple):
    """Which logs are wanted; an empty `addresses`, and an empty set in a topic's place, allow all."""

    addresses: frozenset[bytes]
    topics: tuple[frozenset[bytes], ...]

    def matches(self, log: Log) -> bool:
        """Whether `log` is wanted. A filter for more topics than the log has wants another one."""
        if self.addresses and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        return all(not wanted or topic in wanted for wanted, topic in zip(self.topics, log.topics, strict=False))


class MinedTransaction(NamedTuple):
    """A transaction in its block, with what came of it."""

    transaction: SignedTransactionAPI
    position: int
    succeeded: bool
    gas_used: int
    cumulative_gas_used: int
    bloom: int
    created: bytes | None
    logs: tuple[Log, ...]


class MinedBlock(NamedTuple):
    """A block and what its transactions did."""

    header: BlockHeaderAPI
    transactions: tuple[MinedTransaction, ...]

    @property
    def number(self) -> int:
        """Its height."""
        return self.header.block_number

    @property
    def hash(self) -> bytes:
        """Its hash."""
        return self.header.hash

    @property
    def logs(self) -> Iterable[Log]:
        """All its logs, in order."""
        return itertools.chain.from_iterable(mined.logs for mined in self.transactions)


class Ledger:
    """The present branch, from genesis to head. It grows for as long as the process lives."""

    def __init__(self, genesis: MinedBlock) -> None:
        self._blocks = [genesis]
        self._numbers = {genesis.hash: genesis.number}
        self._transactions: dict[bytes, tuple[int, int]] = {}
        self._logs: list[Log] = []

    @property
    def head(self) -> MinedBlock:
        """The newest block."""
        return self._blocks[-1]

    def block(self, number: int) -> MinedBlock:
        """The block at height `number`."""
        if not 0 <= number < len(self._blocks):
            raise UnknownBlockError(f"no block {number}")
        return self._blocks[number]

    def block_by_hash(self, block_hash: bytes) -> MinedBlock:
        """The block of that hash, if it is on this branch."""
        number = self._numbers.get(block_hash)
        if number is None:
            raise UnknownBlockError("unknown block")
        return self._blocks[number]

    def transaction(self, transaction_hash: bytes) -> tuple[MinedBlock, MinedTransaction] | None:
        """The transaction of that hash with its block; None when it is not on this branch."""
        place = self._transactions.get(transaction_hash)
        if place is None:
            return None
        block = self._blocks[place[0]]
        return block, block.transactions[place[1]]

    def logs(self, wanted: LogFilter, from_block: int, to_block: int, *, limit: int) -> list[Log]:
        """The wanted logs of a range of blocks, both ends included, in order; no more than `limit`."""
        start = bisect_left(self._logs, from_block, key=_block_number)
        end = bisect_right(self._logs, to_block, key=_block_number)
        found = (log for log in itertools.islice(self._logs, start, end) if wanted.matches(log))
        return list(itertools.islice(found, limit))

    def append(self, block: MinedBlock) -> None:
        """Makes `block`, a child of the head, the head."""
        self._blocks.append(block)
        self._numbers[block.hash] = block.number
        for mined in block.transactions:
            self._transactions[mined.transaction.hash] = (block.number, mined.position)
        self._logs.extend(block.logs)

    def drop_head(self) -> None:
        """Forgets the newest block with all that was in it."""
        block = self._blocks.pop()
        del self._numbers[block.hash]
        for mined in block.transactions:
            del self._transactions[mined.transaction.hash]
        del self._logs[bisect_left(self._logs, block.number, key=_block_number) :]


def _block_number(log: Log) -> int:
    return log.block_number
