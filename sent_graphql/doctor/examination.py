"""The whole examination, in the order in which a fault in one step explains those after it."""

from collections.abc import AsyncIterator
from pathlib import Path

from sent_graphql.doctor.contracts import RpcExamination, examine_settings
from sent_graphql.doctor.database import examine_database
from sent_graphql.doctor.findings import Finding, note
from sent_graphql.doctor.oxend import examine_oxend
from sent_graphql.doctor.surroundings import examine_surroundings
from sent_graphql.settings import Settings


async def examine(settings: Settings, root: Path) -> AsyncIterator[Finding]:
    """Every step for `settings`, as they are taken. Relative paths begin at `root`."""
    for finding in examine_surroundings(settings):
        yield finding
    if settings.local.embedded:
        yield note("local network", "`sent-graphql serve` starts its oxend and L2; there is nothing to examine before")
        return
    yield await examine_database(settings, root)
    for text in settings.oxend.endpoints:
        async for finding in examine_oxend(text, settings.oxend, settings.network):
            yield finding
    for finding in examine_settings(settings.contracts):
        yield finding
    for url in settings.contracts.rpc_urls:
        rpc = RpcExamination(
            url.get_secret_value(), settings.contracts, settings.network, settings.poll_contracts.stale_after
        )
        async for finding in rpc.findings():
            yield finding
