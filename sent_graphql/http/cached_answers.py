"""Answers that are made once for all who ask the same of one snapshot.

Which those are, the schema tells: queries whose fields are made of the snapshot alone, by the marks of each field.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

import msgspec
from graphql import GraphQLSchema, OperationType
from starlette.requests import Request
from starlette.responses import Response

from sent_graphql.cache.answers import IDENTITY, Answer, AnswerCounts, AnswerKey, Answers
from sent_graphql.cache.flights import Flights
from sent_graphql.http.codings import GZIP, LEAST_COMPRESSED, compressed, preferred_coding
from sent_graphql.http.freshness import Freshness, has_already
from sent_graphql.http.graphql_request import Parameters
from sent_graphql.http.replies import NOT_STORED
from sent_graphql.http.snapshots import SnapshotReader
from sent_graphql.models.parts import Part
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.schema.build import ServedSchema
from sent_graphql.schema.documents import MAX_LENGTH
from sent_graphql.schema.readings import parts_read_by

VARY: Final[Mapping[str, str]] = {"vary": "accept, accept-encoding"}
"""What answers of one address differ by."""

UNSHARED: Final[Mapping[str, str]] = {**VARY, **NOT_STORED}
"""Headers of what is for one client alone, and of answers to POST."""

SETTLED: Final = "settled"
"""Where a request's state tells, as a Settled, that the answer is a cached one."""

HASHED_AT_ONCE: Final = 262_144
"""Bytes of the largest body whose ETag is made on the event loop; others are hashed in a thread."""

Make: TypeAlias = Callable[[Snapshot], Awaitable["Made"]]
"""Executes a question on a snapshot."""


class Made(NamedTuple):
    """An answer just made, with its HTTP status; `is_good` when it is the whole answer, without errors."""

    body: bytes
    status: int
    is_good: bool


class Settled(NamedTuple):
    """That a request was answered by what is kept under `key`, and from which snapshot. `is_public`: also elsewhere."""

    key: AnswerKey
    snapshot: Snapshot
    is_public: bool


class CachedAnswers:
    """Gives answers from `store`, and puts there what is new; `counts` tells which."""

    def __init__(
        self,
        schema: ServedSchema,
        *,
        snapshots: SnapshotReader,
        store: Answers,
        counts: AnswerCounts,
        freshness: Freshness,
    ) -> None:
        self._documents = schema.documents
        self._schema: GraphQLSchema = schema._schema  # noqa: SLF001 - Strawberry has no other way to graphql-core's
        self._snapshots = snapshots
        self._store = store
        self._counts = counts
        self._freshness = freshness
        self._flights: Flights[Answer | None] = Flights()

    async def respond(self, request: Request, parameters: Parameters, media_type: str, make: Make) -> Response:
        """The response to a request, made by `make` unless that has been done."""
        snapshot = self._snapshots.newest
        key = self._key(snapshot, parameters, media_type)
        if key is None:
            self._counts.unshared += 1
            return _unshared(await make(snapshot), media_type)
        own: Made | None = None

        async def whole() -> Answer | None:
            nonlocal own
            own = await make(snapshot)
            if not own.is_good:
                return None
            answer = Answer(key, own.body)
            if len(answer.body) > HASHED_AT_ONCE:
                await asyncio.to_thread(getattr, answer, "etag")  # it is kept with the answer
            await self._store.set(key, answer)
            return answer

        coding = preferred_coding(", ".join(request.headers.getlist("accept-encoding")))
        answer = await (self._whole(key, whole) if coding == IDENTITY else self._compressed(key, whole))
        if answer is None or own is not None:
            self._counts.made += 1
        else:
            self._counts.kept += 1
        if answer is not None:
            return self._response(request, answer, snapshot)
        return _unshared(own or await make(snapshot), media_type)

    async def _whole(self, key: AnswerKey, make: Callable[[], Awaitable[Answer | None]]) -> Answer | None:
        """Null where the answer cannot be shared."""
        return await self._store.get(key) or await self._flights.once(key, make)

    async def _compressed(self, key: AnswerKey, make: Callable[[], Awaitable[Answer | None]]) -> Answer | None:
        """The same in gzip, where that is worth its while."""
        key_of_compressed = key._replace(coding=GZIP)

        async def compress() -> Answer | None:
            whole = await self._whole(key, make)
            if whole is None or len(whole.body) < LEAST_COMPRESSED:
                return whole
            answer = Answer(key_of_compressed, await compressed(whole.body), whole.etag)
            await self._store.set(key_of_compressed, answer)
            return answer

        return await self._store.get(key_of_compressed) or await self._flights.once(key_of_compressed, compress)

    def _response(self, request: Request, answer: Answer, snapshot: Snapshot) -> Response:
        """The answer, or 304 for who has it. Only what is asked for by GET can be kept elsewhere."""
        is_public = request.method == "GET"
        request.scope["state"][SETTLED] = Settled(answer.key, snapshot, is_public)
        headers = dict(UNSHARED)
        if is_public:
            headers |= {"etag": answer.etag, "cache-control": self._freshness.cache_control(snapshot)}
            if has_already(request.headers.get("if-none-match", ""), answer.etag):
                return Response(status_code=304, headers=headers)
        if answer.key.coding != IDENTITY:
            headers["content-encoding"] = answer.key.coding
        return Response(answer.body, headers=headers, media_type=answer.key.media_type)

    def _key(self, snapshot: Snapshot, parameters: Parameters, media_type: str) -> AnswerKey | None:
        """What is asked; null where the snapshot alone does not answer it."""
        document, name = parameters.query, parameters.operation_name or None
        if snapshot.state is None or document is None or not self._is_of_snapshot(document, name):
            return None
        try:
            variables = msgspec.json.encode(parameters.variables or {}, order="deterministic")
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
            return None
        return AnswerKey(snapshot.version, document, name, variables, media_type)

    def _is_of_snapshot(self, text: str, name: str | None) -> bool:
        document = self._documents.read(text) if len(text) <= MAX_LENGTH else None
        if document is None:
            return False
        reads = parts_read_by(self._schema, document, name)
        asked = document.operation(name)
        return (
            reads is not None
            and asked is not None
            and asked.definition.operation is OperationType.QUERY
            and Part.OUTSIDE not in reads
        )


def _unshared(made: Made, media_type: str) -> Response:
    return Response(made.body, made.status, UNSHARED, media_type=media_type)
