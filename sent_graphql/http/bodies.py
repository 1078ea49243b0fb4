"""Bodies of requests, read within bounds: of each, of the time that it takes, and of all that are awaited at once."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from sent_graphql.cache.answers import IDENTITY
from sent_graphql.http.graphql_request import RequestError
from sent_graphql.http.workload import BODIES, Workload
from sent_graphql.settings import HttpSettings

BODY_DUE: Final = "body_due"
"""Where a request's state tells when an awaited body must be there, in seconds of the loop's clock."""

WHOLE_BODY: Final = "whole_body"
"""Where a request's state has the body, where all of it has come already."""

NOT_CODED: Final[Mapping[str, str]] = {"accept-encoding": IDENTITY}
"""Tells which codings of a body are understood."""


class Bodies:
    """Reads them. `workload` has those counted that are refused because too much is awaited."""

    def __init__(self, settings: HttpSettings, workload: Workload) -> None:
        self._timeout = settings.body_timeout
        self._most_awaited = settings.max_awaited_bytes
        self._workload = workload
        self._awaited = 0

    async def read(self, request: Request, max_bytes: int) -> bytes:
        """The body; RequestError for one that is coded, too large or takes too long to come.

        OverloadError, at once, where parts of too many are held whose rest has yet to come. Of one that is too large as
        much again as is allowed is read and dropped, for a connection that is closed on a client which still sends
        takes the answer with it.
        """
        if request.headers.get("content-encoding", IDENTITY).strip().lower() not in {"", IDENTITY}:
            raise RequestError(415, "The body must come as it is, without a Content-Encoding.", NOT_CODED)
        state = request.scope.get("state", {})
        whole: bytes | None = state.get(WHOLE_BODY)
        if whole is not None and len(whole) <= max_bytes:
            return whole
        body = bytearray()
        length = 0
        due = state.get(BODY_DUE) or asyncio.get_running_loop().time() + self._timeout
        try:
            async with asyncio.timeout_at(due):
                async for chunk in request.stream():
                    length += len(chunk)
                    if length > 2 * max_bytes:
                        break
                    if length > max_bytes:
                        continue
                    if self._awaited + len(chunk) > self._most_awaited:
                        raise self._workload.refusal(BODIES)
                    body += chunk
                    self._awaited += len(chunk)
        except TimeoutError:
            raise RequestError(408, "The body took too long to come.", {"connection": "close"}) from None
        finally:
            self._awaited -= len(body)
        if length > max_bytes:
            raise RequestError(413, f"The body is larger than {max_bytes} bytes.", {"connection": "close"})
        return bytes(body)
