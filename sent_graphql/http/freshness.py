"""How long answers may be kept by others, and whether a client has one already."""

import math
from collections.abc import Callable
from typing import Final

from sent_graphql.models.snapshot import Snapshot

LEAST_SECONDS: Final = 1
"""For which an answer may be kept that is older than `max_age`: the next snapshot is due."""


class Freshness:
    """`max_age`: seconds after a snapshot's making for which caches may keep answers from it. `clock`: unix seconds."""

    def __init__(self, max_age: int, *, clock: Callable[[], float]) -> None:
        self._max_age = max_age
        self._clock = clock

    def cache_control(self, snapshot: Snapshot) -> str:
        """The header for an answer that anybody may keep."""
        age = 0.0 if snapshot.created_at is None else self._clock() - snapshot.created_at.timestamp()
        left = max(LEAST_SECONDS, math.ceil(self._max_age - max(0.0, age)))
        return f"public, max-age={min(left, self._max_age)}"


def has_already(if_none_match: str, etag: str) -> bool:
    """Whether the client has what `etag` names; compared weakly, as If-None-Match is."""
    opaque = etag.removeprefix("W/")
    return any(part.strip() == "*" or part.strip().removeprefix("W/") == opaque for part in if_none_match.split(","))
