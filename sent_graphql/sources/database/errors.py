"""What the database can fail with."""

from sent_graphql.sources.errors import SourceError


class DatabaseUnavailableError(SourceError):
    """The database did not do what was asked: it cannot be reached, is locked, full, or read-only."""
