"""Refusals of WebSocket handshakes. They pass no layer, which would cost every open connection its memory; yet they
have the headers that all answers have, and a line in the log.
"""

import os
import time
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sent_graphql.http.middleware import REQUEST_ID, RequestLine
from sent_graphql.http.replies import SECURITY_HEADERS

_LINE: Final = RequestLine()


async def refuse(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers a handshake with `response`."""
    began = time.perf_counter()
    request_id = os.urandom(8).hex()
    response.headers.update({**SECURITY_HEADERS, REQUEST_ID.decode(): request_id})
    await response(scope, receive, send)
    _LINE.write(scope, response.status_code, len(response.body), began, operation=None, request_id=request_id)
