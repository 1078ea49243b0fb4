"""Alive is not ready, and stale is ready all the same."""

from collections.abc import Callable

import httpx
from msgspec import structs

from sent_graphql.models.snapshot import Snapshot

Hold = Callable[[Snapshot], None]


async def test_healthz_is_200_also_before_the_first_snapshot(
    client: httpx.AsyncClient, hold_snapshot: Hold, before_first: Snapshot
) -> None:
    hold_snapshot(before_first)
    response = await client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"healthy": True})


async def test_readyz_is_503_before_the_first_snapshot_and_names_who_is_missing(
    client: httpx.AsyncClient, hold_snapshot: Hold, before_first: Snapshot
) -> None:
    hold_snapshot(before_first)
    response = await client.get("/readyz")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    body = response.json()
    assert body["ready"] is False
    assert body["missing"] == ["contracts"]
    assert body["sources"][1]["lastError"] == "no answer within 20 s"


async def test_readyz_tells_the_version_and_each_source(client: httpx.AsyncClient) -> None:
    response = await client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "ready": True,
        "version": "7",
        "createdAt": "2026-01-02T03:04:05Z",
        "stale": False,
        "sources": [
            {
                "name": "oxend",
                "healthy": True,
                "lastSuccessAt": "2026-01-02T03:04:05Z",
                "height": 836,
                "lastError": None,
            },
            {
                "name": "contracts",
                "healthy": True,
                "lastSuccessAt": "2026-01-02T03:04:05Z",
                "height": 60_000_000,
                "lastError": None,
            },
        ],
    }


async def test_a_stale_snapshot_is_ready_and_says_that_it_is_stale(
    client: httpx.AsyncClient, hold_snapshot: Hold, snapshot: Snapshot
) -> None:
    hold_snapshot(structs.replace(snapshot, stale=True))
    response = await client.get("/readyz")
    assert response.status_code == 200
    assert response.json()["stale"] is True
