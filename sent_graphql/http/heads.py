"""Heads of requests that are not to be answered, and the answers that they get ahead of the application."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import orjson

from sent_graphql.http.replies import SECURITY_HEADERS
from sent_graphql.settings import HttpSettings

MAX_HEADERS: Final = 128
"""Headers of one request: short ones cost some thirty times the memory of their bytes."""

HOST: Final = re.compile(rb"(?:\[[\w.~!$&'()*+,;=:%-]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?")
"""What a host may look like, with its port: RFC 9110, 7.2."""


def refusal_bytes(status: int, headers: Mapping[str, str], errors: Sequence[Mapping[str, Any]]) -> bytes:
    """A whole answer that refuses a request ahead of the application, in the form of all others, and ends it all."""
    body = orjson.dumps({"errors": errors})
    lines = {
        **SECURITY_HEADERS,
        **headers,
        "content-type": "application/json",
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "connection": "close",
    }
    head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in lines.items())]
    return "\r\n".join([*head, "", ""]).encode() + body


class RefusedHeadError(Exception):
    """A request's head, though HTTP by its form, is not to be answered; `refusal` is the whole answer to it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal_bytes(status, {}, [{"message": message, "extensions": {"code": code}}])


class Head(NamedTuple):
    """A request's, as it was parsed; the names of headers in lower case."""

    method: bytes
    url: bytes
    version: str
    headers: Sequence[tuple[bytes, bytes]]
    asks_first: bool
    """Its client waits for a word before it sends the body."""

    @property
    def size(self) -> int:
        """Bytes, about."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)


def check_head(head: Head, settings: HttpSettings, *, received: int) -> None:
    """RefusedHeadError for what the parser lets through and RFC 9112, or a bound of ours, does not.

    `received`: bytes that have come since it began, which only a few heads are nearly as long as.
    """
    if len(head.headers) > MAX_HEADERS or (
        received > settings.max_header_bytes and head.size > settings.max_header_bytes
    ):
        raise too_large(settings)
    if head.version not in {"1.0", "1.1"}:
        raise RefusedHeadError(505, "VERSION_NOT_SUPPORTED", "HTTP/1.1 is spoken here.")
    if head.method == b"CONNECT":
        raise RefusedHeadError(501, "NOT_IMPLEMENTED", "This is no proxy.")
    hosts = 0
    for name, value in head.headers:
        if name == b"host":
            hosts += 1
            if not HOST.fullmatch(value):
                raise RefusedHeadError(
                    400, "BAD_REQUEST", "`Host` must be the name or address of a host, with a port or without."
                )
        elif name == b"transfer-encoding" and value.lower() != b"chunked":
            raise RefusedHeadError(501, "NOT_IMPLEMENTED", "No transfer coding but chunked is understood.")
        elif name == b"content-length" and head.asks_first and int(value) > settings.max_body_bytes:
            raise RefusedHeadError(413, "BAD_REQUEST", f"The body is larger than {settings.max_body_bytes} bytes.")
    if hosts > 1 or (not hosts and head.version != "1.0"):
        raise RefusedHeadError(400, "BAD_REQUEST", "A request names its host, once.")


def too_large(settings: HttpSettings) -> RefusedHeadError:
    """The refusal of a head that is too long, whole or not."""
    most = settings.max_header_bytes
    return RefusedHeadError(
        431, "HEADERS_TOO_LARGE", f"The head of a request has at most {most} bytes and {MAX_HEADERS} headers."
    )
