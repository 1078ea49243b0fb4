"""The same request on the same snapshot, answered ahead of everything else.

A request whose every byte that matters is that of an earlier one gets the status, headers and body that the earlier
one got from the whole application on this snapshot. So it cannot differ in anything that the application sees to.
"""

import asyncio
import os
import time
from collections.abc import Hashable
from typing import Any, Final, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sent_graphql.cache.answers import AnswerKey, MemoryAnswers
from sent_graphql.cache.bounded import BoundedMap
from sent_graphql.http.bodies import BODY_DUE, WHOLE_BODY
from sent_graphql.http.cached_answers import SETTLED, Settled
from sent_graphql.http.freshness import Freshness
from sent_graphql.http.middleware import REQUEST_ID, RequestLine
from sent_graphql.http.replies import NOT_STORED
from sent_graphql.http.snapshots import SnapshotReader
from sent_graphql.models.snapshot import Snapshot

PATH: Final = "/graphql"

DECISIVE: Final = frozenset(
    {b"accept", b"accept-encoding", b"content-encoding", b"content-type", b"if-none-match", b"origin"}
)
"""Headers of a request that have a say in its answer."""

OWN: Final = frozenset({REQUEST_ID, b"cache-control"})
"""Headers of an answer that are not those of an earlier one."""

REMEMBERED_BYTES: Final = 8 * 1024 * 1024
"""Requests remembered, in bytes; they are forgotten with their snapshot."""

LARGEST_SHARE: Final = 256

NOT_KEPT: Final = NOT_STORED["cache-control"].encode()


class Replay(NamedTuple):
    """An earlier answer: what its body is kept as, null where it had none, and its headers."""

    status: int
    key: AnswerKey
    headers: list[tuple[bytes, bytes]]
    is_public: bool
    operation: object


class Replays:
    """Answers from `store` what the application has answered before, and passes the rest on.

    What stands between it and the application must give equal requests equal headers. `body_timeout`: seconds that a
    client may take to send a body.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        snapshots: SnapshotReader,
        store: MemoryAnswers,
        freshness: Freshness,
        body_timeout: float,
    ) -> None:
        self._app = app
        self._snapshots = snapshots
        self._store = store
        self._freshness = freshness
        self._body_timeout = body_timeout
        self._snapshot: Snapshot | None = None
        self._replays: BoundedMap[Hashable, Replay] = BoundedMap(REMEMBERED_BYTES, largest_share=LARGEST_SHARE)
        self._line = RequestLine()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or passes on."""
        if scope["type"] != "http" or scope["path"] != scope.get("root_path", "") + PATH:
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        asked: bytes = scope["query_string"]
        if method == "POST":
            message = _arrived(receive) or await self._arriving(scope, receive)
            if message is not None:
                receive = _again(message, receive)
            if message is None or message["type"] != "http.request" or message.get("more_body"):
                await self._app(scope, receive, send)
                return
            body = message.get("body", b"")
            scope.setdefault("state", {})[WHOLE_BODY] = body
            asked += b"\n" + body
        elif method not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        self._renew()
        request = (method, asked, *[(name, value) for name, value in scope["headers"] if name in DECISIVE])
        replay = self._replays.get(request)
        kept = None if replay is None else self._body(replay)
        if replay is None or kept is None:
            await self._app(scope, receive, self._watching(request, scope, send))
        else:
            await self._send(replay, kept, scope, send)

    def _renew(self) -> None:
        """Forgets everything that was answered from another snapshot."""
        newest = self._snapshots.newest
        if newest is not self._snapshot:
            self._snapshot = newest
            self._replays.clear()
            self._store.renew(newest)

    def _body(self, replay: Replay) -> bytes | None:
        answer = self._store.peek(replay.key)
        return None if answer is None else answer.body

    async def _send(self, replay: Replay, body: bytes, scope: Scope, send: Send) -> None:
        assert self._snapshot is not None, "replays are of a snapshot"
        self._store.counts.replayed += 1
        began = time.perf_counter()
        request_id = os.urandom(8).hex()
        kept = self._freshness.cache_control(self._snapshot).encode() if replay.is_public else NOT_KEPT
        headers = [*replay.headers, (b"cache-control", kept), (REQUEST_ID, request_id.encode())]
        if replay.status == 304:
            body = b""
        await send({"type": "http.response.start", "status": replay.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._line.write(scope, replay.status, len(body), began, operation=replay.operation, request_id=request_id)

    def _watching(self, request: tuple[Any, ...], scope: Scope, send: Send) -> Send:
        state = scope.setdefault("state", {})

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                settled = state.get(SETTLED)
                if settled is not None and settled.snapshot is self._snapshot:
                    self._remember(request, settled, message, state.get("operation"))
            await send(message)

        return watched

    def _remember(self, request: tuple[Any, ...], settled: Settled, message: Message, operation: object) -> None:
        headers = [(name.lower(), value) for name, value in message["headers"]]
        replay = Replay(
            message["status"],
            settled.key,
            [header for header in headers if header[0] not in OWN],
            settled.is_public,
            operation,
        )
        size = sum(len(name) + len(value) for name, value in (*replay.headers, *request[2:]))
        self._replays.set(request, replay, size + len(request[1]))

    async def _arriving(self, scope: Scope, receive: Receive) -> Message | None:
        """The first part of a body; null where it does not come in time, which the application tells the client."""
        due = asyncio.get_running_loop().time() + self._body_timeout
        scope.setdefault("state", {})[BODY_DUE] = due
        try:
            async with asyncio.timeout_at(due):
                return await receive()
        except TimeoutError:
            return None


def _arrived(receive: Receive) -> Message | None:
    """What has come with the head of the request, without the timer that waiting takes; null where nothing has."""
    receiving: Any = receive()
    try:
        receiving.send(None)
    except StopIteration as arrived:
        message: Message = arrived.value
        return message
    receiving.close()
    return None


def _again(message: Message, receive: Receive) -> Receive:
    """A `receive` that gives `message` first."""
    ahead = [message]

    async def received() -> Message:
        return ahead.pop() if ahead else await receive()

    return received
