"""How much is executed at once, counted in cost: what is beyond waits for a short while, and is refused then."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sent_graphql.http.not_now import OverloadError
from sent_graphql.schema.price import Price
from sent_graphql.settings import GraphqlSettings
from sent_graphql.tallies import Tally

RETRY_SECONDS: Final = 2
"""How long a client is asked to wait that could not be served."""


NO_PLACE: Final = "no_place"
NO_TURN: Final = "no_turn"
LATE: Final = "late"
BODIES: Final = "bodies"
"""Why one is refused: too many wait already, it has waited too long for its turn, or to be looked at, or the parts of
bodies that are held while their rest is awaited are too much."""


def overload() -> OverloadError:
    """The refusal."""
    return OverloadError(f"The service has too much to do: try again in {RETRY_SECONDS} s.", RETRY_SECONDS)


class Workload:
    """The operations under way, and those that wait for room.

    What fits goes ahead of what waits for more room. An operation that asks oxend or checks proofs takes no room: it
    waits for others most of its time, and has bounds of its own there.
    """

    def __init__(self, settings: GraphqlSettings) -> None:
        self._settings = settings
        self._under_way = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self.refused = {NO_PLACE: 0, NO_TURN: 0, LATE: 0, BODIES: 0}
        """How many were, and why."""
        self.waits = Tally()
        """Waits for room; those in vain are failures."""

    @property
    def under_way(self) -> int:
        """Cost of what is being executed."""
        return self._under_way

    @property
    def waiting(self) -> int:
        """Operations that wait."""
        return len(self._waiting)

    def refusal(self, why: str) -> OverloadError:
        """The refusal of one more, which is counted."""
        self.refused[why] += 1
        return overload()

    @asynccontextmanager
    async def share(self, price: Price) -> AsyncIterator[None]:
        """Room for one operation; OverloadError where there is none in time."""
        cost = 0 if price.dear else price.cost
        if not self._take(cost):
            await self._wait(cost)
        try:
            yield
        finally:
            self._under_way -= cost
            self._let_in()

    def _take(self, cost: int) -> bool:
        """One operation that is larger than all room is let in alone."""
        fits = not self._under_way or self._under_way + cost <= self._settings.max_cost_at_once
        if fits:
            self._under_way += cost
        return fits

    async def _wait(self, cost: int) -> None:
        if len(self._waiting) >= self._settings.max_waiting:
            raise self.refusal(NO_PLACE)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((cost, turn))
        try:
            with self.waits.measured():
                async with asyncio.timeout(self._settings.max_wait):
                    await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._under_way -= cost  # let in at the very moment of giving up
                self._let_in()
            else:
                self._waiting.remove((cost, turn))
            if isinstance(error, TimeoutError):
                raise self.refusal(NO_TURN) from None
            raise

    def _let_in(self) -> None:
        for waiting in tuple(self._waiting):
            cost, turn = waiting
            if turn.done():  # given up, and about to leave
                continue
            if not self._take(cost):
                return
            self._waiting.remove(waiting)
            turn.set_result(None)
