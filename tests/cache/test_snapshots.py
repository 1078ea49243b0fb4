"""The current snapshot, swapped in whole."""

import asyncio

import pytest
from msgspec import structs

from sent_graphql.cache.snapshots import SnapshotCache
from sent_graphql.models.snapshot import Snapshot

EMPTY = Snapshot(version=0, created_at=None, stale=True, sources=(), state=None)


async def test_the_live_object_is_handed_out_without_copying() -> None:
    cache = SnapshotCache(EMPTY)
    assert await cache.current() is EMPTY
    published = structs.replace(EMPTY, version=5)
    await cache.publish(published)
    assert await cache.current() is published


async def test_an_older_snapshot_is_refused() -> None:
    cache = SnapshotCache(EMPTY)
    await cache.publish(structs.replace(EMPTY, version=5))
    for version in (0, 4, 5):
        with pytest.raises(ValueError, match="not newer"):
            await cache.publish(structs.replace(EMPTY, version=version))


async def test_waiting_readers_wake_with_the_next_snapshot() -> None:
    cache = SnapshotCache(EMPTY)
    waiting = [asyncio.create_task(cache.next(EMPTY)) for _ in range(3)]
    await asyncio.sleep(0)
    published = structs.replace(EMPTY, version=5)
    await cache.publish(published)
    assert await asyncio.gather(*waiting) == [published] * 3


def test_a_look_up_never_waits_so_that_no_order_to_end_can_be_lost_in_it() -> None:
    look_up = SnapshotCache(EMPTY).current()
    with pytest.raises(StopIteration) as answer:
        look_up.send(None)
    assert answer.value.value is EMPTY


async def test_followers_are_told_in_the_moment_in_which_a_snapshot_becomes_the_newest() -> None:
    cache = SnapshotCache(EMPTY)
    told: list[tuple[Snapshot, Snapshot]] = []
    cache.follow(lambda snapshot: told.append((snapshot, cache.newest)))
    assert cache.newest is EMPTY
    published = structs.replace(EMPTY, version=5)
    publishing = cache.publish(published)
    with pytest.raises(StopIteration):
        publishing.send(None)  # nobody else has a turn meanwhile
    assert told == [(published, published)]
    assert cache.newest is await cache.current() is published
