"""Large documents are read one at a time, and few wait for it."""

import asyncio
from typing import Any

import pytest

from sent_graphql.http.admission import Admission
from sent_graphql.http.graphql_request import Parameters
from sent_graphql.http.not_now import OverloadError
from sent_graphql.http.rate_limit import RateLimit
from sent_graphql.http.workload import NO_PLACE, NO_TURN, Workload
from sent_graphql.schema.build import build_schema
from sent_graphql.schema.reading import LARGE
from sent_graphql.settings import GraphqlSettings, RateLimitSettings


def large(name: str) -> Parameters:
    """A large document of its own."""
    return Parameters(query=f"query {name} {{ meta {{ version }} }} #" + "." * LARGE)


@pytest.mark.parametrize(
    ("bounds", "why"),
    [({"max_waiting": 0, "max_wait": 600.0}, NO_PLACE), ({"max_waiting": 1, "max_wait": 0.001}, NO_TURN)],
)
async def test_who_finds_no_place_or_no_turn_is_refused(bounds: dict[str, Any], why: str, held_checks: Any) -> None:
    settings = GraphqlSettings(**bounds)
    schema, workload = build_schema(settings, "mainnet"), Workload(settings)
    limit = RateLimit(RateLimitSettings())
    admission = Admission(schema.documents, schema.reading, schema.costs, limit, workload, settings)
    document = large("First").query
    assert document is not None
    first = asyncio.create_task(schema.reading.read(document, None, None))
    await held_checks.begun.wait()
    with pytest.raises(OverloadError):
        await admission.admit("10.0.0.1", large("Second"))
    assert workload.refused[why] == 1
    held_checks.may_end.set()
    await first
    assert (await admission.admit("10.0.0.1", large("First"))).cost > 0
