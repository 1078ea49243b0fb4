"""The simulated oxend's chain: its last states, what the next block takes up, and reorganisations.

No clock, no socket and no chance in it: the same events and verdicts give the same states.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from sent_graphql.localdev.constants import RECENT_BLOCKS, Timing
from sent_graphql.localdev.ledger_events import L2Event, Verdict
from sent_graphql.localdev.ledger_state import LedgerState
from sent_graphql.localdev.state_draft import StateDraft

KEPT_STATES: Final = 64
"""One more than the blocks that can be taken back."""


class Ledger:
    """The states of the last blocks, and the events that the next block will take up."""

    def __init__(self, genesis: LedgerState, timing: Timing) -> None:
        self._states: deque[LedgerState] = deque([genesis], maxlen=KEPT_STATES)
        self._queue: list[L2Event] = []
        self._branch = 0
        self.timing = timing

    @property
    def top(self) -> LedgerState:
        """The state at the top block."""
        return self._states[-1]

    def state_at(self, height: int) -> LedgerState | None:
        """The state at one of the last five blocks; None for any other height."""
        behind = self.top.height - height
        if not 0 <= behind < min(RECENT_BLOCKS, len(self._states)):
            return None
        return self._states[-1 - behind]

    def observe(self, events: Iterable[L2Event]) -> None:
        """Takes events of the L2 up; they come into the next block."""
        self._queue.extend(events)

    def advance(self, timestamp: int, l2_height: int, verdicts: Iterable[Verdict] = ()) -> LedgerState:
        """Adds one block and gives its state. `timestamp` in unix seconds."""
        draft = StateDraft(self.top, self.timing, timestamp)
        draft.end_unlocks()
        draft.pass_verdicts(verdicts)
        draft.vote()
        draft.take_up(tuple(self._queue))
        self._queue.clear()
        draft.release_stakes()
        draft.pay_rewards()
        draft.receive_proofs()
        state = draft.seal(l2_height, self._branch)
        self._states.append(state)
        return state

    def reorganise(self, depth: int) -> list[LedgerState]:
        """Replaces the last `depth` blocks by as many others and one more; gives the new states, lowest first.

        What the old ones had read of the L2 is read again; their verdicts never happened. Raises ValueError when
        there are not that many blocks to replace.
        """
        if not 0 < depth < len(self._states):
            raise ValueError(f"a reorganisation can replace up to {len(self._states) - 1} blocks now, not {depth}")
        popped = [self._states.pop() for _ in range(depth)][::-1]
        self._branch += 1
        moments = [(state.block.timestamp, state.block.l2_height, state.read) for state in popped]
        last_time, last_l2_height, _ = moments[-1]
        unread = tuple(self._queue)
        self._queue.clear()
        moments.append((last_time + self.timing.block_seconds, last_l2_height, unread))
        return [self._replay(*moment) for moment in moments]

    def _replay(self, timestamp: int, l2_height: int, events: tuple[L2Event, ...]) -> LedgerState:
        self.observe(events)
        return self.advance(timestamp, l2_height)
