"""Nodes that have left, in the database: written soon after they are gone, read again at the next start."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

import msgspec
import structlog

from sent_graphql.models.global_id import parse_global_id
from sent_graphql.models.network import ServiceNode
from sent_graphql.pollers.publisher import SnapshotPublisher
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.sources.database.lives import LifeRecord, LifeStore

CHUNK: Final = 500
"""Nodes written in one transaction."""


class LifeKeep:
    """Keeps what the publisher's archive has seen of nodes. What events tell of them is in the database already."""

    def __init__(self, store: LifeStore, publisher: SnapshotPublisher) -> None:
        self._store = store
        self._publisher = publisher
        self._restored = False
        self._saved: dict[str, ServiceNode] = {}
        self._log = structlog.get_logger()

    async def restore(self) -> None:
        """Hands what earlier runs have kept to the publisher; later, by `save`, where the database is away."""
        try:
            await self._restore()
        except DatabaseUnavailableError as error:
            self._log.warning("nodes that left in earlier runs are read later", error=str(error))

    async def save(self) -> None:
        """Writes what has left since. A database that is away is no loss: the next call writes it."""
        try:
            if not self._restored:
                await self._restore()
            unsaved = iter(self.unsaved())
            while chunk := list(islice(unsaved, CHUNK)):
                await self._store.save([_record(node) for node in chunk])
                self._saved.update((node.id, node) for node in chunk)
        except DatabaseUnavailableError as error:
            self._log.debug("nodes that have left are written later", error=str(error))

    def unsaved(self) -> list[ServiceNode]:
        """Nodes that have left and are not in the database yet."""
        records = self._publisher.archive.records
        return [node for node in records.values() if self._saved.get(node.id) is not node]

    async def _restore(self) -> None:
        nodes: dict[str, ServiceNode] = {}
        unreadable = 0
        async for records in self._store.all():
            found = _nodes(records)
            unreadable += len(records) - len(found)
            nodes.update((node.id, node) for node in found)
        if unreadable:
            self._log.warning("nodes that have left cannot be read back", nodes=unreadable)
        self._saved = nodes
        self._restored = True
        self._publisher.remember(nodes.values())


def _record(node: ServiceNode) -> LifeRecord:
    return LifeRecord(
        id=parse_global_id(node.id)[1],
        contract_id=node.contract_id,
        pubkey=node.pubkey,
        registration_height=node.registration_height,
        node=msgspec.json.encode(node).decode(),
    )


def _nodes(records: Iterable[LifeRecord]) -> list[ServiceNode]:
    nodes = []
    for record in records:
        try:
            nodes.append(msgspec.json.decode(record.node, type=ServiceNode))
        except (msgspec.MsgspecError, ValueError):
            continue
    return nodes
