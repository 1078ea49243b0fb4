"""Connections that stay open: how many there may be, in all and from one address, and their end with the service."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import structlog

from sent_graphql.settings import LiveSettings

FAREWELLS_AT_ONCE: Final = 500
"""Connections that are told at once that the service goes down."""


class LiveConnection(Protocol):
    """One that stays open until either side ends it."""

    async def leave(self) -> None:
        """Tells the client that the service goes down, and ends the connection."""


class TooManyConnectionsError(Exception):
    """There is no room. `status`: what HTTP says of it; 429 when this client has too many, 503 when all have."""

    def __init__(self, status: int, message: str, *, code: str = "TOO_MANY_CONNECTIONS") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class LiveConnections:
    """The open ones."""

    def __init__(self, settings: LiveSettings) -> None:
        self._settings = settings
        self._open: set[LiveConnection] = set()
        self._by_address: Counter[str] = Counter()
        self._leaving = False
        self.refused = 0
        """How many were."""
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._log = structlog.get_logger()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._open)

    @contextmanager
    def admitted(self, connection: LiveConnection, address: str) -> Iterator[None]:
        """Counts `connection` while it lives; TooManyConnectionsError where there is no room for it."""
        refusal = self._refusal(address)
        if refusal is not None:
            self.refused += 1
            raise refusal
        self._open.add(connection)
        self._emptied.clear()
        self._by_address[address] += 1
        try:
            yield
        finally:
            self._open.remove(connection)
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
            if not self._open:
                self._emptied.set()

    def _refusal(self, address: str) -> TooManyConnectionsError | None:
        """Why there is no room for one more; null where there is."""
        if self._leaving:
            return TooManyConnectionsError(503, "The service goes down.", code="SHUTTING_DOWN")
        if len(self._open) >= self._settings.max_connections:
            return TooManyConnectionsError(503, "There are too many open connections.")
        if self._by_address[address] >= self._settings.max_connections_per_address:
            return TooManyConnectionsError(
                429, f"There are already {self._by_address[address]} open connections from your address."
            )
        return None

    async def emptied(self) -> None:
        """Waits until there is none."""
        await self._emptied.wait()

    async def leave(self, grace: float) -> None:
        """Ends all of them within `grace` seconds, and admits no more."""
        self._leaving = True
        try:
            async with asyncio.timeout(grace):
                open_now = list(self._open)
                for start in range(0, len(open_now), FAREWELLS_AT_ONCE):
                    some = open_now[start : start + FAREWELLS_AT_ONCE]
                    await asyncio.gather(*(connection.leave() for connection in some), return_exceptions=True)
        except TimeoutError:
            self._log.warning("connections cut without a farewell", count=len(self._open))
