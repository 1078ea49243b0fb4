"""Whether there are traces, and where they go."""

from typing import TYPE_CHECKING

from sent_graphql.errors import UnavailableError
from sent_graphql.settings import TracingSettings

if TYPE_CHECKING:
    from sent_graphql.tracing.tracing import Tracing


def start_tracing(settings: TracingSettings) -> "Tracing | None":
    """The tracing of one service, where an endpoint is set. UnavailableError where the packages are missing."""
    if settings.endpoint is None:
        return None
    try:
        from sent_graphql.tracing.tracing import Tracing  # noqa: PLC0415 - the packages are an extra
    except ImportError as error:
        raise UnavailableError(
            f"tracing.endpoint is set, but {error.name} is not installed: install sent-graphql[tracing], or unset it"
        ) from None
    return Tracing.to_endpoint(settings.endpoint, settings.sample_ratio)
