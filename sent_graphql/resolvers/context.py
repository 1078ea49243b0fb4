"""What every resolver of one request is given: one snapshot, so that all its answers belong together."""

from dataclasses import dataclass, field
from typing import Final

from sent_graphql.models.network import SourceName
from sent_graphql.models.snapshot import NetworkState, Snapshot
from sent_graphql.resolvers.errors import NotReadyError
from sent_graphql.resolvers.services import Services

NEEDED_SOURCES: Final = (SourceName.OXEND, SourceName.CONTRACTS)
"""Without an answer from each of these there is no snapshot."""


@dataclass(frozen=True, slots=True)
class ResolverOptions:
    """What the settings say to resolvers. `nettype`: oxend's name of the served network; page sizes in items."""

    nettype: str
    default_page_size: int
    max_page_size: int


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The context of one request. `encodes`: its result is made into JSON at once, so that parts of it may be JSON."""

    snapshot: Snapshot
    options: ResolverOptions
    services: Services = field(default_factory=Services)
    encodes: bool = False

    def state(self) -> NetworkState:
        """The network as this request sees it; NotReadyError before both sides have spoken."""
        state = self.snapshot.state
        if state is None:
            heard = {source.name for source in self.snapshot.sources if source.last_success_at is not None}
            raise NotReadyError(name for name in NEEDED_SOURCES if name not in heard)
        return state
