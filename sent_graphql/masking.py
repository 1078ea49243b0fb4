"""Keeps secrets out of what people read: a URL may carry a password before its host or a key after it."""

import re
from typing import Final

HIDDEN: Final = "…"

_URL = re.compile(
    r"""\b(https?|wss?|postgres(?:ql)?(?:\+[a-z0-9]+)?)://
    (?:[^\s/?\#"'<>]*@)?                                # who asks
    (\[[0-9a-f:.]+\](?::[0-9]+)?|[^\s/?\#"'<>,;()\[\]{}]+)  # host and port
    ([/?\#][^\s"'<>]*)?                                 # what is asked for
    """,
    re.IGNORECASE | re.VERBOSE,
)


def mask_urls(text: str) -> str:
    """`text` with every http(s), ws(s) and postgresql URL cut down to its scheme and host: `https://rpc.example/…`."""
    return _URL.sub(_cut, text) if "://" in text else text


def _cut(match: re.Match[str]) -> str:
    scheme, host, rest = match.groups(default="")
    if "@" in rest:  # a password with a slash in it: what looked like the host is its beginning
        return f"{scheme}://{HIDDEN}"
    return f"{scheme}://{host}" + (rest if rest in ("", "/") else f"/{HIDDEN}")
