"""Answers that are made once for all who ask the same of one snapshot.

Which those are, the schema tells: queries whose fields are made of the snapshot alone, by the marks of each field.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
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
from sent_graphql.http.workload import Workload
from sent_graphql.models.parts import Part
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.schema.build import ServedSchema
from sent_graphql.schema.documents import MAX_LENGTH
from sent_graphql.schema.price import Price
from sent_graphql.schema.readings import parts_read_by

VARY: Final[Mapping[str, str]] = {"vary": "accept, accept-encoding"}
"""What answers of one address differ by."""

UNSHARED: Final[Mapping[str, str]] = {**VARY, **NOT_STORED}
"""Headers of what is for one client alone, and of answers to POST."""

SETTLED: Final = "settled"
"""Where a request's state tells, as a Settled, that the answer is a cached one."""

HASHED_AT_ONCE: Final = 2**22
"""Bytes of the largest body whose ETag is made on the event loop, at a millisecond for each MB; others are hashed in a
thread."""

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
    """Gives answers from `store`, and puts there what is new; `counts` tells which.

    Whoever makes one has room in the workload until its bytes are ready to be sent: what is done outside would pile up.
    """

    def __init__(
        self,
        schema: ServedSchema,
        *,
        snapshots: SnapshotReader,
        store: Answers,
        counts: AnswerCounts,
        freshness: Freshness,
        workload: Workload,
    ) -> None:
        self._documents = schema.documents
        self._schema: GraphQLSchema = schema._schema  # noqa: SLF001 - Strawberry has no other way to graphql-core's
        self._snapshots = snapshots
        self._store = store
        self._counts = counts
        self._freshness = freshness
        self._workload = workload
        self._flights: Flights[Answer | None] = Flights()

    async def respond(
        self, request: Request, parameters: Parameters, media_type: str, price: Price, make: Make
    ) -> Response:
        """The response to a request of that price, made by `make` unless that has been done.

        Raises OverloadError where there is too much to do.
        """
        snapshot = self._snapshots.newest
        key = self._key(snapshot, parameters, media_type)
        if key is None:
            self._counts.unshared += 1
            return await self._unshared(snapshot, media_type, price, make)
        coding = preferred_coding(", ".join(request.headers.getlist("accept-encoding")))
        question = _Question(snapshot, price, make, coding, has_etag=request.method == "GET")
        answer = await (self._whole(key, question) if coding == IDENTITY else self._compressed(key, question))
        if answer is None or question.made is not None:
            self._counts.made += 1
        else:
            self._counts.kept += 1
        if answer is not None:
            return await self._response(request, answer, snapshot)
        if question.made is not None:
            return _for_one(question.made, media_type)
        return await self._unshared(snapshot, media_type, price, make)

    async def _unshared(self, snapshot: Snapshot, media_type: str, price: Price, make: Make) -> Response:
        async with self._workload.share(price):
            return _for_one(await make(snapshot), media_type)

    async def _whole(self, key: AnswerKey, question: "_Question") -> Answer | None:
        """The answer as it is; null where it cannot be shared."""

        async def make() -> Answer | None:
            async with self._workload.share(question.price):
                question.made = made = await question.make(question.snapshot)
                if not made.is_good:
                    return None
                answer = Answer(key, made.body)
                if question.has_etag:
                    await _hash(answer)
                await self._store.set(key, answer)
                if question.coding != IDENTITY and len(made.body) >= LEAST_COMPRESSED:
                    question.coded = await self._coded(answer)
                return answer

        return await self._store.get(key) or await self._flights.once(key, make)

    async def _compressed(self, key: AnswerKey, question: "_Question") -> Answer | None:
        """The same in gzip, where that is worth its while."""
        key_of_compressed = key._replace(coding=GZIP)

        async def make() -> Answer | None:
            whole = await self._whole(key, question)
            if whole is None or question.coded is not None or len(whole.body) < LEAST_COMPRESSED:
                return question.coded or whole
            async with self._workload.share(question.price):
                return await self._coded(whole)

        return await self._store.get(key_of_compressed) or await self._flights.once(key_of_compressed, make)

    async def _coded(self, whole: Answer) -> Answer:
        await _hash(whole)
        coded = Answer(whole.key._replace(coding=GZIP), await compressed(whole.body), whole.etag)
        await self._store.set(coded.key, coded)
        return coded

    async def _response(self, request: Request, answer: Answer, snapshot: Snapshot) -> Response:
        """The answer, or 304 for who has it. Only what is asked for by GET can be kept elsewhere."""
        is_public = request.method == "GET"
        request.scope["state"][SETTLED] = Settled(answer.key, snapshot, is_public)
        headers = dict(UNSHARED)
        if is_public:
            await _hash(answer)
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


@dataclass(slots=True)
class _Question:
    """One request for an answer, and what has been made for it."""

    snapshot: Snapshot
    price: Price
    make: Make
    coding: str
    has_etag: bool
    made: Made | None = None
    coded: Answer | None = None


async def _hash(answer: Answer) -> None:
    """Makes the ETag, which is kept with the answer; off the event loop where it takes long."""
    if len(answer.body) > HASHED_AT_ONCE:
        await asyncio.to_thread(getattr, answer, "etag")


def _for_one(made: Made, media_type: str) -> Response:
    return Response(made.body, made.status, UNSHARED, media_type=media_type)
