"""Requests that have waited too long already: refused at once, so that those behind them do not wait as well.

Under more load than can be served, what is accepted is answered within a bound, and the rest is told to come again.
"""

from time import monotonic

from starlette.types import ASGIApp, Receive, Scope, Send

from sent_graphql.http.not_now import Refusing
from sent_graphql.http.quotas import FREE
from sent_graphql.http.turns import Turns
from sent_graphql.http.waits import ARRIVED
from sent_graphql.http.workload import LATE, Workload


class Shedding:
    """Passes on requests when there is time for them, within `max_delay` seconds; `refusing` answers the others.

    `workload` has them counted. `turns` are those of all that begins.
    """

    def __init__(self, app: ASGIApp, max_delay: float, turns: Turns, refusing: Refusing, workload: Workload) -> None:
        self._app = app
        self._workload = workload
        self._refusing = refusing
        self._max_delay = max_delay
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers it with 503. Health is told to whoever asks."""
        arrived = scope.get("state", {}).get(ARRIVED)
        if arrived is None or scope["path"] in FREE or await self._is_in_time(arrived):
            await self._app(scope, receive, send)
        else:
            await self._refusing(self._workload.refusal(LATE), scope, receive, send)

    async def _is_in_time(self, arrived: float) -> bool:
        left = self._max_delay - (monotonic() - arrived)
        return left >= 0 and await self._turns.room(left)
