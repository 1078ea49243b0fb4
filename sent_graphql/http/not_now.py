"""Requests that are refused now and may be made again later: the client has asked for too much, or everybody has."""

from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.responses import Response

from sent_graphql.http.media_types import JSON
from sent_graphql.http.replies import json_reply


class NotNowError(Exception):
    """Its text is for the client. `retry_after`: seconds until it is worth another try."""

    status: ClassVar[int]
    code: ClassVar[str]

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def formatted(self) -> dict[str, Any]:
        """As GraphQL writes errors."""
        return {"message": str(self), "extensions": {"code": self.code, "retryAfter": self.retry_after}}

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the HTTP answer."""
        return {"retry-after": str(self.retry_after)}

    def response(self, headers: Mapping[str, str] | None = None, *, media_type: str = JSON) -> Response:
        """The HTTP answer."""
        return json_reply(
            {"errors": [self.formatted()]},
            status=self.status,
            headers={**(headers or {}), **self.headers},
            media_type=media_type,
        )


class RateLimitedError(NotNowError):
    """This client has asked for too much."""

    status = 429
    code = "RATE_LIMITED"


class OverloadError(NotNowError):
    """There is more to do than can be done."""

    status = 503
    code = "OVERLOADED"
