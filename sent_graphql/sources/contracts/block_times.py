"""When the blocks were made that events lie in: some providers tell it with each log, the others are asked."""

from collections.abc import Iterable, Sequence

from sent_graphql.models.history import StakingEvent
from sent_graphql.sources.contracts.block_batch import BlockBatch, BlockMovedError, RawSlot
from sent_graphql.sources.contracts.blocks import Header, header_request, parse_header
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.staking_events import DecodedLog


class BlockTimes:
    """The times of one range of blocks."""

    def __init__(self, headers: Iterable[Header] = ()) -> None:
        """`headers`: blocks that are known already."""
        self._times = {header.number: header.timestamp for header in headers}
        self._asked: dict[int, tuple[str, RawSlot]] = {}

    def ask(self, batch: BlockBatch, logs: Sequence[DecodedLog]) -> None:
        """Have the batch bring the times of these logs' blocks that nothing has told yet."""
        for number, block_hash in self._unknown(logs).items():
            if number not in self._asked:
                self._asked[number] = (block_hash, batch.request(header_request(number)))

    async def fetch(self, rpc: JsonRpc, logs: Sequence[DecodedLog], most: int) -> None:
        """Ask for the times of these logs' blocks that nothing has told yet, `most` at once."""
        unknown = list(self._unknown(logs).items())
        for start in range(0, len(unknown), most):
            piece = unknown[start : start + most]
            replies = await rpc.batch([header_request(number) for number, _ in piece])
            for (number, block_hash), reply in zip(piece, replies, strict=True):
                self._take(number, block_hash, reply)

    def events(self, logs: Sequence[DecodedLog]) -> list[StakingEvent]:
        """The logs as events, in the order of the chain.

        Raises BlockMovedError where a block that was asked for is not the one that the log lies in.
        """
        for number, (block_hash, slot) in self._asked.items():
            self._take(number, block_hash, slot.reply)
        self._asked.clear()
        self._learn(logs)
        return [
            log.event(self._times[log.log.block])
            for log in sorted(logs, key=lambda log: (log.log.block, log.log.index))
        ]

    def _unknown(self, logs: Sequence[DecodedLog]) -> dict[int, str]:
        """Hashes of the blocks whose time is not known, by number."""
        self._learn(logs)
        return {log.log.block: log.log.block_hash for log in logs if log.log.block not in self._times}

    def _learn(self, logs: Sequence[DecodedLog]) -> None:
        self._times.update((log.log.block, log.log.timestamp) for log in logs if log.log.timestamp is not None)

    def _take(self, number: int, block_hash: str, reply: object) -> None:
        header = parse_header(reply)
        if header is None or header.hash != block_hash:
            raise BlockMovedError(f"the chain was reorganised while block {number} was read")
        self._times[number] = header.timestamp
