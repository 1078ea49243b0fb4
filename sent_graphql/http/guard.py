"""How many connections are open, and who was turned away or cut."""

from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Final

from sent_graphql.http.clients import party
from sent_graphql.http.heads import refusal_bytes
from sent_graphql.http.holdings import Holdings
from sent_graphql.http.waits import Reads
from sent_graphql.settings import HttpSettings

NO_ROOM: Final = "no_room"
BAD_HEAD: Final = "bad_head"
UNREAD: Final = "unread"
"""Why clients are refused here: too many connections, a head that is not to be answered, or a loop that is too late."""

SLOW_HEAD: Final = "slow_head"
SLOW_READER: Final = "slow_reader"
"""Why connections are cut."""

HERE: Final = ("127.0.0.1", "::1")
"""Where health checks of the same machine come from: they may take what is reserved, as trusted proxies may."""

MOST_HEARD_OUT: Final = 500
"""Connections that are kept for a while although there is no room for them, so that the refusal is read."""

RETRY_SECONDS: Final = 5
"""How long a client is asked to wait for a place."""


class NoRoomError(Exception):
    """There is no room for a connection; `refusal` is the whole answer to whatever it asks."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        error = {"message": message, "extensions": {"code": "TOO_MANY_CONNECTIONS"}}
        self.refusal = refusal_bytes(status, {"retry-after": str(RETRY_SECONDS)}, [error])


class Guard:
    """Counts the open connections, in all and of each address that is not a trusted proxy's, and who was refused.

    Some are reserved for trusted proxies and this machine, so that a flood of others does not keep out those whom the
    proxies let through, nor health checks.

    `live_per_address`: how many of one address may carry subscriptions.
    """

    def __init__(self, settings: HttpSettings, live_per_address: int) -> None:
        self._settings = settings
        self._per_address = settings.max_connections_per_address + live_per_address
        self._proxies = [ip_network(text) for text in settings.trusted_proxies]
        self._open: Counter[str] = Counter()
        self._all = self._heard_out = 0
        self.unread = Holdings(settings.max_unread_bytes)
        """Answers that clients have not read yet."""
        self.unfinished = Holdings(settings.max_awaited_bytes)
        """Messages of WebSockets that have not come whole."""
        self.reads = Reads()
        """When connections are read."""
        self.refused = {NO_ROOM: 0, BAD_HEAD: 0, UNREAD: 0}
        """How often, and why."""
        self.cut = {SLOW_HEAD: 0, SLOW_READER: 0}
        """How many connections were, and why."""

    def __len__(self) -> int:
        """How many connections are open."""
        return self._all

    def enter(self, address: str) -> Callable[[], None]:
        """Lets a connection in, and gives what is to be called at its end; NoRoomError where there is none."""
        client = party(address)
        if self._open.get(client, 0) >= self._per_address and not self._is_proxy(address):
            self.refused[NO_ROOM] += 1
            raise NoRoomError(429, f"There are already {self._per_address} open connections from your address.")
        if self._all >= self._settings.max_connections and not self._may_take_reserved(address):
            self.refused[NO_ROOM] += 1
            raise NoRoomError(503, "There are too many open connections.")
        self._all += 1
        self._open[client] += 1

        def leave() -> None:
            self._all -= 1
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]

        return leave

    def hear_out(self) -> Callable[[], None] | None:
        """Keeps a connection for a while that was not let in, and gives what is to be called at its end.

        Null where there are many of them already.
        """
        if self._heard_out >= MOST_HEARD_OUT:
            return None
        self._heard_out += 1

        def leave() -> None:
            self._heard_out -= 1

        return leave

    def _may_take_reserved(self, address: str) -> bool:
        is_left = self._all < self._settings.max_connections + self._settings.reserved_connections
        return is_left and (address in HERE or self._is_proxy(address))

    def _is_proxy(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)
