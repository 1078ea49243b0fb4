"""What a request is told before there is a snapshot."""

from typing import Any

import pytest

from sent_graphql.models.network import SourceName
from sent_graphql.models.snapshot import SourceStatus
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.resolvers.errors import NotReadyError

OPTIONS = ResolverOptions(nettype="mainnet", default_page_size=100, max_page_size=2500)


@pytest.mark.parametrize(
    ("heard", "missing", "said"),
    [
        ((), ["OXEND", "CONTRACTS"], "No answer from oxend and the contracts yet"),
        ((SourceName.OXEND,), ["CONTRACTS"], "No answer from the contracts yet"),
        ((SourceName.CONTRACTS,), ["OXEND"], "No answer from oxend yet"),
        ((SourceName.OXEND, SourceName.CONTRACTS), [], "still being put together"),
    ],
)
def test_not_ready_names_the_missing_side(
    make: Any, heard: tuple[SourceName, ...], missing: list[str], said: str
) -> None:
    sources = tuple(SourceStatus(name=name, healthy=True, last_success_at=make.moment) for name in heard)
    context = RequestContext(make.snapshot(None, sources=sources), OPTIONS)
    with pytest.raises(NotReadyError, match=said) as caught:
        context.state()
    assert caught.value.extensions == {"code": "NOT_READY", "missing": missing}


def test_an_unhealthy_source_does_not_withhold_the_last_snapshot(make: Any) -> None:
    state = make.state()
    sources = (SourceStatus(name=SourceName.OXEND, healthy=False, last_error="timeout"),)
    assert RequestContext(make.snapshot(state, sources=sources, stale=True), OPTIONS).state() is state
