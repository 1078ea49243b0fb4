"""Content codings: which one a client takes, and how an answer gets it."""

import asyncio
import gzip
from functools import lru_cache
from typing import Final

from sent_graphql.cache.answers import IDENTITY
from sent_graphql.http.media_types import MAX_RANGES

GZIP: Final = "gzip"

LEAST_COMPRESSED: Final = 1_024
"""Bytes of the smallest body that is compressed: smaller ones fit into one packet anyway."""

COMPRESSED_AT_ONCE: Final = 65_536
"""Bytes of the largest body that is compressed on the event loop, in about a millisecond; others are in a thread."""

LEVEL: Final = 3
"""zlib's: on lists of nodes, level 6 takes twice the time for a twentieth less."""


@lru_cache(maxsize=64)
def preferred_coding(accept_encoding: str) -> str:
    """`gzip` for who takes it no less gladly than bytes as they are, by the qualities of an Accept-Encoding header."""
    qualities: dict[str, float] = {}
    for part in accept_encoding.split(",", MAX_RANGES)[:MAX_RANGES]:
        name, _, parameter = (piece.strip().lower() for piece in part.partition(";"))
        qualities.setdefault("gzip" if name == "x-gzip" else name, _quality(parameter))
    welcome = qualities.get(GZIP, qualities.get("*", 0.0))
    return GZIP if welcome > 0 and welcome >= qualities.get(IDENTITY, 0.0) else IDENTITY


async def compressed(body: bytes) -> bytes:
    """The body in gzip; the same bytes for the same body."""
    if len(body) <= COMPRESSED_AT_ONCE:
        return gzip.compress(body, LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)


def _quality(parameter: str) -> float:
    """1 where none is given, 0 where it cannot be read."""
    key, _, value = parameter.partition("=")
    if key.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
