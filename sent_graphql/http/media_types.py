"""Which media type answers, by the request's Accept header."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
GRAPHQL_RESPONSE: Final = "application/graphql-response+json"
HTML: Final = "text/html"
EVENT_STREAM: Final = "text/event-stream"

MAX_RANGES: Final = 64
"""Media ranges of one header that are looked at; the rest is ignored."""


class Accept:
    """A parsed Accept header. Malformed ranges are ignored; an absent or empty header accepts anything."""

    def __init__(self, header: str) -> None:
        ranges = [parsed for part in header.split(",", MAX_RANGES)[:MAX_RANGES] if (parsed := _media_range(part))]
        self._quality = dict(reversed(ranges)) if header.strip() else {"*/*": 1.0}

    def quality(self, media_type: str) -> float:
        """How welcome a media type is, 0 to 1, by the most specific range that matches it."""
        family = media_type.partition("/")[0] + "/*"
        for name in (media_type, family, "*/*"):
            if name in self._quality:
                return self._quality[name]
        return 0.0

    def names(self, media_type: str) -> bool:
        """Whether the media type is asked for by its own name."""
        return self._quality.get(media_type, 0.0) > 0

    def response_type(self) -> str | None:
        """What a GraphQL response is sent as; null when the client takes neither form.

        Who does not name `application/graphql-response+json` may be older than it and gets `application/json`.
        """
        by_choice: Sequence[str] = (JSON,)
        if self.names(GRAPHQL_RESPONSE):
            by_choice = (GRAPHQL_RESPONSE, JSON)
        best = max(by_choice, key=self.quality)
        return best if self.quality(best) > 0 else None


@lru_cache(maxsize=64)
def accepted(header: str) -> Accept:
    """What a header says. Clients send few different ones, each again and again."""
    return Accept(header)


def _media_range(text: str) -> tuple[str, float] | None:
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    if "/" not in name:
        return None
    quality = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return None
    return (name, quality) if 0 <= quality <= 1 else None
