"""What the scan of past events keeps on disk: its progress and the events, in one file of one chain and contracts."""

import time
from pathlib import Path
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from sent_graphql.files import replace_file
from sent_graphql.settings import ContractsSettings, NetworkSettings
from sent_graphql.sources.contracts.addresses import contract_addresses
from sent_graphql.sources.contracts.event_log import ScanState

FORMAT_VERSION: Final = 1
"""Grows with each change of what is kept; a file of another version is not read."""


class ScanIdentity(Struct, frozen=True):
    """Whose events they are; addresses in canonical form."""

    chain_id: int
    service_node_rewards: str
    contribution_factory: str | None


class _Label(Struct):
    version: int
    identity: ScanIdentity


class _Contents(_Label):
    state: ScanState


class ScanFile:
    """Loads and saves the state of a scan; its methods block on the disk."""

    def __init__(self, directory: Path, network: NetworkSettings, settings: ContractsSettings) -> None:
        """The file lies in `directory`, which is made when it is needed."""
        addresses = contract_addresses(settings)
        self.path = directory / f"{network.name}.events"
        self._identity = ScanIdentity(network.chain_id, addresses.service_node_rewards, addresses.contribution_factory)
        self._log = structlog.get_logger(__name__)

    def load(self) -> ScanState | None:
        """The kept state; None if there is none of ours. A file that cannot be used is set aside, not deleted."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            label = msgspec.json.decode(content, type=_Label)
            if label.version == FORMAT_VERSION and label.identity == self._identity:
                return msgspec.json.decode(content, type=_Contents).state
            reason = "it is of another format, another chain or other contracts"
        except msgspec.MsgspecError as error:
            reason = f"it does not decode: {error}"
        self._set_aside(reason)
        return None

    def save(self, state: ScanState) -> None:
        """Replace the file as a whole: after a crash it holds the old or the new state, never half of one.

        Raises OSError where the disk does not take it.
        """
        replace_file(self.path, msgspec.json.encode(_Contents(FORMAT_VERSION, self._identity, state)))

    def _set_aside(self, reason: str) -> None:
        aside = self.path.with_name(f"{self.path.name}.{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.unused")
        self.path.replace(aside)
        self._log.warning("scan file set aside", reason=reason, moved_to=str(aside))
