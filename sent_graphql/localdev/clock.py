"""The chain's clock: the real one, moved by what tests and the filling of a network ask for."""

import time


class ChainClock:
    """Says which second the next block bears.

    `offset`: seconds that the chain is ahead of the real clock; negative: behind.
    """

    def __init__(self, *, offset: int = 0) -> None:
        self.offset = offset
        self._next: int | None = None

    def now(self) -> int:
        """The chain's present second."""
        return int(time.time()) + self.offset

    def next_timestamp(self, parent: int) -> int:
        """The next block's second: never before its `parent`'s."""
        return max(parent, self.now() if self._next is None else self._next)

    def block_mined(self) -> None:
        """A block has taken the second that was set for it."""
        self._next = None

    def advance(self, seconds: int) -> None:
        """Moves the clock ahead."""
        self.offset += seconds

    def set_next(self, timestamp: int) -> None:
        """The next block bears `timestamp`, and the clock goes on from there."""
        self._next = timestamp
        self.offset = timestamp - int(time.time())
