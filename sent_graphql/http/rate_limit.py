"""How much each client may ask for: token buckets, counted in the cost of what is asked.

A bucket holds as much as may be asked at once, and fills steadily. What costs more than it holds is let through when
it is full, and leaves a debt. There are two: one for cost, and a small one for what asks oxend or computes pairings.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Final

from sent_graphql.http.not_now import RateLimitedError
from sent_graphql.schema.price import Price
from sent_graphql.settings import RateLimitSettings

REQUEST: Final = Price(cost=20)
"""What any request costs beside what it asks."""

COST: Final = "cost"
DEAR: Final = "dear"
"""The names of the buckets."""


@dataclass(slots=True)
class _Account:
    """One client's buckets at `at`, in seconds of the clock."""

    cost: float
    dear: float
    at: float


class RateLimit:
    """The buckets of all clients. `clock` gives seconds."""

    def __init__(self, settings: RateLimitSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self.refused = {COST: 0, DEAR: 0}
        """How often a bucket did not hold what was asked."""
        self._policy = ", ".join(
            f'"{name}";q={round(burst)};w={ceil(burst / per_second)}'
            for name, burst, per_second in (
                (COST, settings.cost_burst, settings.cost_per_second),
                (DEAR, settings.dear_burst, settings.dear_per_second),
            )
        ).encode()

    def __len__(self) -> int:
        """How many clients are remembered."""
        return len(self._accounts)

    def charge(self, client: str, price: Price) -> None:
        """Takes `price` from the client's buckets; RateLimitedError where they do not hold it, and nothing is taken."""
        if not self._settings.enabled:
            return
        settings, account = self._settings, self._account(client)
        cost, dear = min(price.cost, settings.cost_burst), min(price.dear, settings.dear_burst)
        if cost > account.cost or dear > account.dear:
            raise self._refusal(account, price, cost - account.cost, dear - account.dear)
        account.cost -= price.cost
        account.dear -= price.dear

    def _refusal(self, account: _Account, price: Price, cost: float, dear: float) -> RateLimitedError:
        """Tells when buckets that lack so much will hold it."""
        wait = ceil(max(cost / self._settings.cost_per_second, dear / self._settings.dear_per_second))
        empty, what = (DEAR, "signatures and proofs") if account.dear < price.dear else (COST, "this")
        self.refused[empty] += 1
        return RateLimitedError(f"Your address has asked for too much: ask for {what} again in {wait} s.", wait)

    def headers(self, client: str) -> Sequence[tuple[bytes, bytes]]:
        """What the client's answers tell of its buckets, as draft-ietf-httpapi-ratelimit-headers has it."""
        if not self._settings.enabled:
            return ()
        settings, account = self._settings, self._account(client)
        cost = _told(account.cost, settings.cost_burst, settings.cost_per_second)
        dear = _told(account.dear, settings.dear_burst, settings.dear_per_second)
        left = f'"{COST}";{cost}, "{DEAR}";{dear}'
        return (b"ratelimit-policy", self._policy), (b"ratelimit", left.encode())

    def _account(self, client: str) -> _Account:
        """The client's buckets as they are now; who is not remembered has full ones."""
        settings, now = self._settings, self._clock()
        account = self._accounts.get(client)
        if account is None:
            account = self._accounts[client] = _Account(settings.cost_burst, settings.dear_burst, now)
            if len(self._accounts) > settings.max_clients:
                self._accounts.popitem(last=False)
            return account
        self._accounts.move_to_end(client)
        if (passed := now - account.at) > 0:
            cost = account.cost + passed * settings.cost_per_second
            dear = account.dear + passed * settings.dear_per_second
            account.cost = min(settings.cost_burst, cost)
            account.dear = min(settings.dear_burst, dear)
        account.at = now
        return account


def _told(tokens: float, burst: float, per_second: float) -> str:
    """What is left in a bucket, and the seconds until it is full."""
    return f"r={floor(tokens) if tokens > 0 else 0};t={ceil((burst - tokens) / per_second)}"
