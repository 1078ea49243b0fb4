"""What the HTTP room needs of the cache."""

from typing import Protocol

from sent_graphql.models.snapshot import Snapshot


class SnapshotReader(Protocol):
    """Hands out the current snapshot; never fails and never waits for a source."""

    @property
    def newest(self) -> Snapshot:
        """The same as `current`, at once."""
        ...

    async def current(self) -> Snapshot:
        """The newest snapshot; before both sides have spoken, one whose `state` is null."""
        ...
