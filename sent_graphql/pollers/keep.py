"""The last snapshot on disk, so that a restart answers at once.

What is kept are the views that the snapshot was joined from, the lives in it and its version; joining them again is
quicker than reading a finished snapshot and cannot disagree with the code. One file per network, chain and rewards
contract; written beside and moved into place, so that a reader or a crash never sees half of it.
"""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import msgspec
import structlog
from msgspec import Meta, Struct

from sent_graphql.files import replace_file
from sent_graphql.models.contracts import ContractsView
from sent_graphql.models.network import ServiceNode
from sent_graphql.models.oxend import OxendView
from sent_graphql.pollers.lives import Lives
from sent_graphql.pollers.pieces import json_pieces

FORMAT: Final = 3
"""Raised when the kept structs change in a way that older files cannot be read."""


Timestamp = Annotated[float, Meta(ge=0, le=2**36)]
"""Unix seconds up to the year 4147."""


class Kept(Struct, frozen=True, kw_only=True):
    """What one file holds."""

    format: int = FORMAT
    chain_id: int
    service_node_rewards: str
    version: Annotated[int, Meta(ge=0)]
    oxend: OxendView
    oxend_at: Timestamp
    contracts: ContractsView
    contracts_at: Timestamp
    lives: Lives
    seen: tuple[ServiceNode, ...]
    """Nodes of which more was seen than the views tell: off oxend's list, or gone and kept nowhere else yet."""


class SnapshotKeep:
    """Reads and writes the kept snapshot of one network."""

    def __init__(self, directory: Path, network: str, chain_id: int, service_node_rewards: str) -> None:
        self._path = directory / f"{network}-{chain_id}-{service_node_rewards.lower()}.snapshot"
        self._chain_id = chain_id
        self._service_node_rewards = service_node_rewards
        self._log = structlog.get_logger()

    async def load(self) -> Kept | None:
        """What was kept for this network and contract, or nothing; an unreadable file is reported and left alone."""
        try:
            kept = await asyncio.to_thread(self._read)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, ValueError) as error:
            self._log.warning("the kept snapshot cannot be used", file=self._path.name, error=str(error)[:200])
            return None
        return kept

    async def save(self, kept: Kept) -> None:
        """Replaces what is kept. A full or read-only disk is reported; the service goes on without."""
        try:
            await asyncio.to_thread(lambda: replace_file(self._path, json_pieces(kept)))
        except OSError as error:
            self._log.warning("the snapshot could not be kept", file=self._path.name, error=str(error)[:200])

    def _read(self) -> Kept:
        body = self._path.read_bytes()
        kept = msgspec.json.decode(body, type=Kept)
        if kept.format != FORMAT:
            raise ValueError(f"it has format {kept.format}, this version writes {FORMAT}")
        if (kept.chain_id, kept.service_node_rewards) != (self._chain_id, self._service_node_rewards):
            raise ValueError("it belongs to another chain or rewards contract")
        return kept
