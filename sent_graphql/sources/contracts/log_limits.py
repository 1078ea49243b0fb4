"""How many logs to ask for at once: learned from what the provider refuses, since no two of them say it alike."""

from typing import Final

from sent_graphql.sources.contracts.errors import RpcRefusedError
from sent_graphql.sources.contracts.logs import ADDRESSES_PER_QUERY, LogQuery
from sent_graphql.sources.errors import SourceError

STEPS_BEFORE_GROWTH: Final = 8
"""Ranges to be granted after a refusal before a larger one is tried again."""


class RangeStuckError(SourceError):
    """The provider refuses the logs of a single block of a single contract."""


class LogLimits:
    """Blocks and contracts of one query: half as many after a refusal, twice as many blocks after enough successes."""

    def __init__(self, blocks: int, most: int, *, patience: int = STEPS_BEFORE_GROWTH) -> None:
        """Begin with `blocks`, and never ask for more than `most`."""
        self.blocks = min(blocks, most)
        self.addresses = ADDRESSES_PER_QUERY
        self._most = most
        self._patience = patience
        self._waiting = 0

    def granted(self) -> None:
        """The provider gave what was asked for."""
        if self._waiting > 0:
            self._waiting -= 1
        else:
            self.blocks = min(self.blocks * 2, self._most)

    def refused(self, query: LogQuery, error: RpcRefusedError) -> None:
        """The provider did not give the logs of `query`; raises RangeStuckError if no less could be asked for."""
        blocks, addresses = query.last - query.first + 1, len(query.addresses)
        if addresses > 1 and (blocks == 1 or error.too_many_addresses):
            self.addresses = addresses // 2
        elif blocks > 1:
            self.halve(blocks)
        else:
            raise RangeStuckError(f"past events are not read: the endpoint refuses those of a single block ({error})")

    def halve(self, blocks: int) -> None:
        """As many as `blocks` at once were too much."""
        self.narrow(max(1, blocks // 2))

    def narrow(self, blocks: int) -> None:
        """Ask for as many as `blocks` at once for a while."""
        self.blocks = blocks
        self._waiting = self._patience
