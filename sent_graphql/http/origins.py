"""Whose pages may ask: browsers tell where a page is from, and let any page send; it is ours to refuse."""

from collections.abc import Iterable

from starlette.datastructures import Headers


class Origins:
    """`allowed`: whose pages may ask besides our own; "*" is everybody's."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(allowed)

    def welcome(self, headers: Headers) -> bool:
        """Whether a request comes from such a page, or from no page at all."""
        origin = headers.get("origin")
        if origin is None or "*" in self._allowed or origin in self._allowed:
            return True
        host = origin.partition("://")[2]
        return bool(host) and host == headers.get("host")
