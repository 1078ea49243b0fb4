"""What a source can fail with, as the pollers see it."""


class SourceError(Exception):
    """A source did not give what was asked. The message is short, for users, and free of secrets."""


class SourceMisconfiguredError(SourceError):
    """A definite wrong answer (other chain, other network, no contract there): waiting will not mend it."""
