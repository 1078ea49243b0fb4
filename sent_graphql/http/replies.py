"""JSON answers: how they are encoded, and how a refusal reads."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sent_graphql.http.media_types import JSON
from sent_graphql.incidents import MESSAGE, recorded

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

_MESSAGES: Final[Mapping[int, str]] = {
    404: "Nothing is served here; the API is at /graphql.",
    405: "The method is not served here.",
}
"""In place of Starlette's bare names of the statuses."""


def json_reply(
    body: object, *, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = JSON
) -> Response:
    """`body` as an answer that no cache keeps."""
    return Response(orjson.dumps(body), status, {**NOT_STORED, **(headers or {})}, media_type=media_type)


def refusal(
    status: int,
    message: str,
    headers: Mapping[str, str] | None = None,
    *,
    media_type: str = JSON,
    code: str | None = None,
) -> Response:
    """Why there is no answer, in GraphQL's form on every route: `{"errors": [{"message", "extensions": {"code"}}]}`."""
    code = code or _CODES.get(status, "INTERNAL" if status >= 500 else "BAD_REQUEST")
    errors = [{"message": message, "extensions": {"code": code}}]
    return json_reply({"errors": errors}, status=status, headers=headers, media_type=media_type)


def fault_told(event: str, fault: BaseException) -> Mapping[str, Any]:
    """The error that a client may see of a fault of ours: its id, under which the log has the rest."""
    return {"message": MESSAGE, "extensions": recorded(structlog.get_logger(), event, fault)}


def masked(fault: BaseException) -> bytes:
    """The same as the list of errors that ends an operation."""
    return orjson.dumps([fault_told("operation failed", fault)])


async def on_http_exception(_request: Request, error: Exception) -> Response:
    """Starlette's own refusals (no such route, no such method) as JSON."""
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, _MESSAGES.get(error.status_code, error.detail), error.headers)
