"""All that the simulated oxend knows at one block."""

from collections.abc import Mapping

from msgspec import Struct

from sent_graphql.localdev.blocks import Block
from sent_graphql.localdev.constants import MILLI
from sent_graphql.localdev.ledger_events import L2Event, PendingEvent
from sent_graphql.localdev.service_nodes import RemovedNode, ServiceNode


class LockedStake(Struct, frozen=True):
    """A slashed node's stake, given back when the chain has `chain_height` blocks; in thousandths of an atomic unit."""

    chain_height: int
    address: str
    amount: int


class LedgerState(Struct, frozen=True, kw_only=True):
    """The state at `block`. Its mappings are never changed, only replaced: states share what did not change."""

    block: Block
    nodes: Mapping[str, ServiceNode]
    """By Ed25519 key."""
    removed: Mapping[str, RemovedNode]
    """The exit list, by BLS key."""
    pending: tuple[PendingEvent, ...]
    locked: tuple[LockedStake, ...]
    balances: Mapping[str, int]
    """Lifetime rewards in thousandths of an atomic unit, by address."""
    staking_requirement: int
    read: tuple[L2Event, ...] = ()
    """Events of the L2 that were first seen in this block."""

    @property
    def height(self) -> int:
        """Of the top block."""
        return self.block.height

    def balance(self, address: str) -> int:
        """Lifetime rewards of a checksummed address in atomic units."""
        return self.balances.get(address, 0) // MILLI

    def node_by_bls(self, pubkey_bls: str) -> ServiceNode | None:
        """The registered node with that BLS key."""
        return next((node for node in self.nodes.values() if node.pubkey_bls == pubkey_bls), None)
