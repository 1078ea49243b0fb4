"""`/healthz` and `/readyz`, for whoever restarts the service or routes to it.

Healthy means that the event loop answers: an upstream that is down is no reason for a restart. Ready means that
there is a state to answer from. One that has gone stale, or was kept over a restart, still answers and says so:
taking the service out of rotation would not make anybody's data fresher.
"""

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from sent_graphql.http.replies import json_reply
from sent_graphql.http.snapshots import SnapshotReader
from sent_graphql.models.snapshot import Snapshot, SourceStatus
from sent_graphql.resolvers.context import NEEDED_SOURCES

RETRY_SECONDS = 5
"""How long a prober is asked to wait for the first snapshot."""


async def healthz(_request: Request) -> Response:
    """200 whenever it answers at all."""
    return json_reply({"healthy": True})


class Readyz:
    """200 with a state to answer from, else 503 that names the sources that have not spoken."""

    def __init__(self, snapshots: SnapshotReader) -> None:
        self._snapshots = snapshots

    async def __call__(self, _request: Request) -> Response:
        """Version, staleness and sources of the current snapshot."""
        snapshot = await self._snapshots.current()
        if snapshot.state is None:
            return json_reply(
                {"ready": False, "missing": _missing(snapshot), **_summary(snapshot)},
                status=503,
                headers={"retry-after": str(RETRY_SECONDS)},
            )
        return json_reply({"ready": True, **_summary(snapshot)})


def _missing(snapshot: Snapshot) -> list[str]:
    return [
        source.name.value
        for source in snapshot.sources
        if source.last_success_at is None and source.name in NEEDED_SOURCES
    ]


def _summary(snapshot: Snapshot) -> dict[str, object]:
    return {
        "version": str(snapshot.version),
        "createdAt": _instant(snapshot.created_at),
        "stale": snapshot.stale,
        "sources": [_source(source) for source in snapshot.sources],
    }


def _source(source: SourceStatus) -> dict[str, object]:
    return {
        "name": source.name.value,
        "healthy": source.healthy,
        "lastSuccessAt": _instant(source.last_success_at),
        "height": source.height,
        "lastError": source.last_error,
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")
