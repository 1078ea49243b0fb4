"""JSON answers: how they are encoded, and how a refusal reads."""

from collections.abc import Mapping
from typing import Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sent_graphql.http.media_types import JSON

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Headers of every answer that does not bring its own."""

NOT_STORED: Final[Mapping[str, str]] = {"cache-control": "no-store"}
"""Headers of every answer that is made of living data."""

_CODES: Final[Mapping[int, str]] = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 503: "NOT_READY"}


def json_reply(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`body` as an answer that no cache keeps."""
    return Response(orjson.dumps(body), status, {**NOT_STORED, **(headers or {})}, media_type=JSON)


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Why a plain route does not answer: `{"error": {"code", "message"}}`."""
    code = _CODES.get(status, "INTERNAL" if status >= 500 else "BAD_REQUEST")
    return json_reply({"error": {"code": code, "message": message}}, status=status, headers=headers)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Starlette's own refusals (no such route, no such method) as JSON."""
    assert isinstance(error, HTTPException)
    messages = {
        404: "Nothing is served here; the API is at /graphql.",
        405: f"{request.method} is not served here.",
    }
    return refusal(error.status_code, messages.get(error.status_code, error.detail), error.headers)


async def on_fault(_request: Request, _error: Exception) -> Response:
    """What a client sees of a fault of ours. It is made outside the middleware, hence the headers."""
    return refusal(500, "Internal error", SECURITY_HEADERS)
