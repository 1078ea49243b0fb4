"""What oxend answers and yet is no data: another network, a chain still syncing, a chain or a list gone backwards."""

from typing import Final

from sent_graphql.models.oxend import OxendView
from sent_graphql.settings import NetworkSettings
from sent_graphql.sources.errors import SourceMisconfiguredError
from sent_graphql.sources.oxend.errors import OxendMalformedReplyError, OxendNotReadyError
from sent_graphql.sources.oxend.replies import Info, ServiceNodes

SYNC_SLACK_BLOCKS: Final = 5
"""How far behind its peers an oxend counts as synced: a block that has just been found is behind for a moment."""

MAX_REORGANISATION_BLOCKS: Final = 60
"""Deepest fall of the height that a reorganisation explains; oxend's checkpoints forbid deeper ones."""


class Acceptance:
    """Judges answers against the network that is served and against what has been accepted before."""

    def __init__(self, network: NetworkSettings) -> None:
        """`network` is the one that is served."""
        self._network = network

    def check_info(self, info: Info, previous: OxendView | None) -> None:
        """Raises OxendNotReadyError, or SourceMisconfiguredError for an oxend of another network."""
        if info.nettype != self._network.nettype.value:
            raise SourceMisconfiguredError(
                f"oxend serves {info.nettype}, the settings name {self._network.nettype.value}"
            )
        if info.target_height > info.height + SYNC_SLACK_BLOCKS:
            raise OxendNotReadyError(f"oxend is still syncing ({info.height} of {info.target_height})")
        if previous is not None and info.height < previous.chain_height:
            self._check_fall(info, previous)

    def check_nodes(self, nodes: ServiceNodes, previous: OxendView | None) -> None:
        """Raises OxendNotReadyError for a list that cannot be true."""
        if nodes.block_hash is None:
            if nodes.service_node_states:
                raise OxendMalformedReplyError("rpc.get_service_nodes", "Object missing required field `block_hash`")
            raise OxendNotReadyError("oxend has no list of service nodes yet: it is not synced")
        if not nodes.service_node_states and previous is not None and previous.nodes:
            raise OxendNotReadyError(f"oxend's list of service nodes is empty; it had {len(previous.nodes)}")

    def _check_fall(self, info: Info, previous: OxendView) -> None:
        """A lower chain is true only when another branch has won: near by, and with a block of its own on top."""
        fall = previous.chain_height - info.height
        message = f"oxend's chain went backwards, from height {previous.chain_height} to {info.height}"
        if info.top_block_hash.lower() in {previous.block_hash, *previous.branch.values()}:
            raise OxendNotReadyError(message)
        if fall > MAX_REORGANISATION_BLOCKS:
            raise OxendNotReadyError(
                f"{message}; if it has been begun anew, stop, remove the snapshot in cache.state_directory and start"
            )
