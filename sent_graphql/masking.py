"""Keeps secrets out of what people read: a URL may carry a password before its host or a key after it."""

import re
from typing import Final

HIDDEN: Final = "…"

_URL = re.compile(r"\b(https?|wss?)://(?:[^\s/?#@\"'<>]*@)?([^\s/?#\"'<>,;)\]}]+)([/?#][^\s\"'<>]*)?", re.IGNORECASE)


def mask_urls(text: str) -> str:
    """`text` with every http(s) and ws(s) URL cut down to its scheme and host: `https://rpc.example/…`."""
    return _URL.sub(_cut, text) if "://" in text else text


def _cut(match: re.Match[str]) -> str:
    scheme, host, rest = match.groups()
    return f"{scheme}://{host}" + (f"/{HIDDEN}" if rest not in (None, "/") else rest or "")
