"""How many connections are open, and who was turned away or cut."""

from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Final

from sent_graphql.http.clients import party
from sent_graphql.settings import HttpSettings

NO_ROOM: Final = "no_room"
BAD_HEAD: Final = "bad_head"
UNREAD: Final = "unread"
"""Why clients are refused here: too many connections, a head that is not to be answered, or a loop that is too late."""

SLOW_HEAD: Final = "slow_head"
SLOW_READER: Final = "slow_reader"
"""Why connections are cut."""


class Guard:
    """Counts the open connections, in all and of each address that is not a trusted proxy's, and who was refused.

    `live_per_address`: how many of one address may carry subscriptions.
    """

    def __init__(self, settings: HttpSettings, live_per_address: int) -> None:
        self._settings = settings
        self._per_address = settings.max_connections_per_address + live_per_address
        self._proxies = [ip_network(text) for text in settings.trusted_proxies]
        self._open: Counter[str] = Counter()
        self._all = 0
        self.refused = {NO_ROOM: 0, BAD_HEAD: 0, UNREAD: 0}
        """How often, and why."""
        self.cut = {SLOW_HEAD: 0, SLOW_READER: 0}
        """How many connections were, and why."""

    def __len__(self) -> int:
        """How many connections are open."""
        return self._all

    def enter(self, address: str) -> Callable[[], None] | None:
        """Lets a connection in, and gives what is to be called at its end; null where there is no room for it."""
        client = party(address)
        is_full = self._all >= self._settings.max_connections
        if is_full or (self._open[client] >= self._per_address and not self._is_proxy(address)):
            if not self._open[client]:
                del self._open[client]
            self.refused[NO_ROOM] += 1
            return None
        self._all += 1
        self._open[client] += 1

        def leave() -> None:
            self._all -= 1
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]

        return leave

    def _is_proxy(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)
