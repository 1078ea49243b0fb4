"""The simulated oxend's first state: what it would know if it had followed the network's past."""

from collections import defaultdict
from collections.abc import Iterable
from random import Random
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from sent_graphql.localdev.blocks import block_after
from sent_graphql.localdev.chance import dice
from sent_graphql.localdev.constants import (
    BLOCK_REWARD,
    GOVERNANCE_ADDRESS,
    GOVERNANCE_BALANCE,
    HISTORY_SECONDS,
    MILLI,
    Timing,
)
from sent_graphql.localdev.dwellings import new_service_node
from sent_graphql.localdev.ledger_state import LedgerState
from sent_graphql.localdev.population import Fate
from sent_graphql.localdev.rewards import node_shares, returned_stakes
from sent_graphql.localdev.service_nodes import Registration, RemovedNode, ServiceNode

_FIRST_L2_HEIGHT: Final = 171
"""oxend's localdev came to the hard fork of the L2 at this height."""

_TOP_HEIGHTS: Final = (4_000, 6_000)
_REASONS: Final = (1, 4, 8, 64, 129)
_MAX_OUTAGE_BLOCKS: Final = 300


class PastNode(Struct, frozen=True, kw_only=True):
    """A node that registered before the network begins. `added_at` in unix seconds."""

    registration: Registration
    added_at: int
    fate: Fate
    returned_amount: int = 0
    """What its exit gave back, if it is of the past."""


class GenesisMaker:
    """Builds the state at the block that the simulation goes on from, made at the unix second `now`."""

    def __init__(self, *, seed: int, now: int, l2_height: int, timing: Timing) -> None:
        self._source: Random = dice(seed, "genesis")
        self._now = now
        self._l2_height = l2_height
        self._timing = timing
        self._top = self._source.randint(*_TOP_HEIGHTS)

    def make(self, past: Iterable[PastNode], staking_requirement: int) -> LedgerState:
        """The first state, with everything that the nodes have earned so far."""
        nodes: dict[str, ServiceNode] = {}
        removed: dict[str, RemovedNode] = {}
        lives = tuple(past)
        balances: defaultdict[str, int] = defaultdict(int, {GOVERNANCE_ADDRESS: GOVERNANCE_BALANCE * MILLI})
        for life in lives:
            node = self._node(life)
            self._pay(balances, life, node.registration_height, len(lives))
            if life.fate in (Fate.EXITED, Fate.DEREGISTERED):
                removed[node.pubkey_bls] = self._remove(node, life.fate, len(removed))
            elif life.fate not in (Fate.GONE, Fate.LIQUIDATED):
                nodes[node.pubkey] = node
        return LedgerState(
            block=block_after(
                "0" * 64,
                self._top,
                timestamp=self._now,
                l2_height=self._l2_height,
                winner=next(iter(nodes), "0" * 64),
                branch=self._source.getrandbits(32),
            ),
            nodes=nodes,
            removed=removed,
            pending=(),
            locked=(),
            balances=balances,
            staking_requirement=staking_requirement,
        )

    def _node(self, life: PastNode) -> ServiceNode:
        height = self._height_at(life.added_at)
        last_proof = self._now - self._source.randrange(self._timing.proof_blocks * self._timing.block_seconds)
        node = replace(
            new_service_node(life.registration, height, last_proof),
            last_reward_block_height=max(height, self._top - self._source.randrange(200)),
        )
        if life.fate is Fate.DECOMMISSIONED or life.fate is Fate.DEREGISTERED:
            reasons = self._source.choice(_REASONS)
            since = max(height + 1, self._top - self._source.randrange(1, _MAX_OUTAGE_BLOCKS))
            return node.decommissioned(since, reasons, reasons | self._source.choice((0, 8)))
        if life.fate is Fate.LEAVING:
            end = self._top + self._source.randint(self._timing.unlock_blocks // 2, self._timing.unlock_blocks)
            return replace(node, requested_unlock_height=end)
        return node

    def _remove(self, node: ServiceNode, fate: Fate, position: int) -> RemovedNode:
        """Gone some blocks ago: in turn so long that it may be liquidated, and not so long."""
        buffer = self._timing.exit_buffer_blocks
        height = self._top - (buffer // 2, 2 * buffer, buffer // 4)[position % 3]
        kind: Literal["exit", "deregister"] = "exit" if fate is Fate.EXITED else "deregister"
        if kind == "exit":
            node = replace(node, requested_unlock_height=height - 1)
        return RemovedNode(node=node, kind=kind, height=height, liquidation_height=height + buffer)

    def _pay(self, balances: defaultdict[str, int], life: PastNode, since: int, nodes: int) -> None:
        """A rough share of every block of its life, and the stake of what has left."""
        share = BLOCK_REWARD * MILLI // nodes * max(0, self._top - since)
        for address, amount in node_shares(life.registration, share):
            balances[address] += amount
        if life.returned_amount:
            for address, amount in returned_stakes(life.registration.contributors, life.returned_amount):
                balances[address] += amount

    def _height_at(self, timestamp: int) -> int:
        """The past is told shorter than it was: four weeks in some thousand blocks."""
        age = min(HISTORY_SECONDS, max(0, self._now - timestamp))
        return self._top - age * (self._top - _FIRST_L2_HEIGHT) // HISTORY_SECONDS
