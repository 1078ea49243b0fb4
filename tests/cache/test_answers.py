"""Answers as finished bytes."""

from typing import Any

from msgspec import structs

from sent_graphql.cache.answers import LARGEST_SHARE, Answer, AnswerKey, MemoryAnswers
from sent_graphql.models.snapshot import Snapshot

FIRST = Snapshot(version=5, created_at=None, stale=False, sources=(), state=None)
SECOND = structs.replace(FIRST, version=6)


def key(version: int, **changes: Any) -> AnswerKey:
    return AnswerKey(version, "{ meta { version } }", None, b"{}", "application/json")._replace(**changes)


async def test_a_new_snapshot_frees_all_answers_at_once() -> None:
    answers = MemoryAnswers(100_000)
    answers.renew(FIRST)
    await answers.set(key(5), Answer(key(5), b"5"))
    assert answers.bytes > 0
    answers.renew(FIRST)
    assert answers.peek(key(5)) is await answers.get(key(5)) is not None
    answers.renew(SECOND)
    assert (answers.bytes, answers.peek(key(5))) == (0, None)


async def test_an_answer_that_comes_too_late_is_not_kept() -> None:
    answers = MemoryAnswers(100_000)
    answers.renew(SECOND)
    await answers.set(key(5), Answer(key(5), b"5"))
    assert (answers.bytes, answers.peek(key(5))) == (0, None)


async def test_answers_take_no_more_than_their_bound() -> None:
    answers = MemoryAnswers(100_000)
    answers.renew(FIRST)
    for number in range(100):
        asked = key(5, variables=b"%d" % number)
        await answers.set(asked, Answer(asked, bytes(5_000)))
        assert 0 < answers.bytes <= 100_000
    large = key(5, operation="large")
    await answers.set(large, Answer(large, bytes(100_000 // LARGEST_SHARE)))
    assert answers.peek(large) is None


def test_the_same_body_has_the_same_etag_in_every_snapshot_and_another_one_in_another_media_type() -> None:
    etag = Answer(key(5), b"body").etag
    assert etag == Answer(key(6), b"body").etag
    assert etag != Answer(key(5), b"other").etag
    assert etag != Answer(key(5, media_type="application/graphql-response+json"), b"body").etag
    assert Answer(key(5, coding="gzip"), b"compressed", etag).etag == etag
