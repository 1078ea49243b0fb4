"""Answers as finished bytes, each to one question on one snapshot."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, Protocol

from sent_graphql.cache.bounded import BoundedMap
from sent_graphql.models.snapshot import Snapshot

LARGEST_SHARE: Final = 8
"""An answer that would take more than this part of all that is kept is not kept."""

IDENTITY: Final = "identity"
"""The content coding of bytes as they are."""


class AnswerKey(NamedTuple):
    """What an answer is made of: equal keys have equal answers.

    `variables` is their canonical JSON, `coding` the content coding that the bytes have.
    """

    version: int
    document: str
    operation: str | None
    variables: bytes
    media_type: str
    coding: str = IDENTITY

    @property
    def size(self) -> int:
        """Bytes that it takes, or somewhat more."""
        return 4 * len(self.document) + len(self.variables)


class Answer:
    """The body of an answer. `etag` is given where it is that of the same answer in another coding."""

    def __init__(self, key: AnswerKey, body: bytes, etag: str | None = None) -> None:
        self.key = key
        self.body = body
        if etag is not None:
            self.etag = etag

    @cached_property
    def etag(self) -> str:
        """The same for equal answers of all snapshots, in every coding; therefore a weak one."""
        digest = hashlib.sha256(self.key.media_type.encode() + b"\n")
        digest.update(self.body)
        return f'W/"{digest.hexdigest()[:32]}"'


class Answers(Protocol):
    """Where answers are kept: get and set as aiocache has them, so that a store that processes share can follow."""

    async def get(self, key: AnswerKey) -> Answer | None:
        """The answer, where it is kept."""

    async def set(self, key: AnswerKey, value: Answer) -> None:
        """Keeps an answer, for as long as there is room."""


@dataclass(slots=True)
class AnswerCounts:
    """How questions were answered, counted by who answered them."""

    replayed: int = 0
    """The whole request had been answered before."""
    kept: int = 0
    """The answer was kept, or was just being made for somebody else."""
    made: int = 0
    """It was made."""
    unshared: int = 0
    """It was made, and is nobody else's: of more than the snapshot, or of what is no valid question."""


class MemoryAnswers:
    """Answers in this process's memory, `max_bytes` of them at most, all from the newest snapshot."""

    def __init__(self, max_bytes: int) -> None:
        self.counts = AnswerCounts()
        self._answers: BoundedMap[AnswerKey, Answer] = BoundedMap(max_bytes, largest_share=LARGEST_SHARE)
        self._newest: Snapshot | None = None

    @property
    def bytes(self) -> int:
        """What they take."""
        return self._answers.bytes

    def renew(self, newest: Snapshot) -> None:
        """Frees all answers from other snapshots, and keeps none from now on."""
        if newest is not self._newest:
            self._newest = newest
            self._answers.clear()

    def peek(self, key: AnswerKey) -> Answer | None:
        """The answer at once, where it is kept."""
        return self._answers.get(key)

    async def get(self, key: AnswerKey) -> Answer | None:
        """The same as `peek`."""
        return self.peek(key)

    async def set(self, key: AnswerKey, value: Answer) -> None:
        """Keeps an answer from the newest snapshot; one that comes too late is forgotten."""
        if self._newest is not None and key.version == self._newest.version:
            self._answers.set(key, value, key.size + len(value.body))
