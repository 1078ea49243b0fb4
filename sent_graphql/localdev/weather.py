"""What befalls the nodes: which of them the quorums judge in a block, drawn from the seed and the height."""

from random import Random
from typing import Final

from sent_graphql.localdev.chance import dice
from sent_graphql.localdev.constants import MIN_DECOMMISSION_CREDIT_BLOCKS
from sent_graphql.localdev.ledger_events import (
    Decommission,
    Deregister,
    Recommission,
    Registered,
    UnlockRequested,
    Verdict,
)
from sent_graphql.localdev.ledger_state import LedgerState
from sent_graphql.localdev.service_nodes import ServiceNode

DECOMMISSIONS_PER_BLOCK: Final = 0.10
RECOMMISSION_CHANCE: Final = 0.03
"""Of each decommissioned node, in each block."""
DEREGISTRATIONS_PER_BLOCK: Final = 0.008
MAX_ABSENT_SHARE: Final = 0.25
"""Of the nodes that the contract holds. Two thirds of them must sign, or nothing could be taken off it any more."""

_REASONS: Final = (1, 1, 1, 4, 8, 16, 64, 128)
"""oxend's bits; uptime is what nodes fail most."""


class Weather:
    """The verdicts of each block. The same seed gives the same verdicts for the same states."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def verdicts(self, state: LedgerState) -> tuple[Verdict, ...]:
        """What the quorums of the block after `state` decide."""
        source = dice(self._seed, "weather", state.height)
        nodes = sorted(state.nodes.values(), key=lambda node: node.pubkey)
        down = [node for node in nodes if not node.active]
        judged = [_judge(node, state.height, source) for node in down]
        struck = [] if is_strained(state) else _strike([node for node in nodes if node.active], state.height, source)
        return tuple(verdict for verdict in [*judged, *struck] if verdict is not None)


def is_strained(state: LedgerState) -> bool:
    """Whether so many nodes do not sign, or soon will not, that no further one should go."""
    down = sum(not node.active for node in state.nodes.values())
    leaving = sum(node.active and node.requested_unlock_height > 0 for node in state.nodes.values())
    asking = sum(isinstance(pending.event, Registered | UnlockRequested) for pending in state.pending)
    absent = down + leaving + asking + len(state.removed)
    return absent >= MAX_ABSENT_SHARE * (len(state.nodes) + len(state.removed))


def _judge(node: ServiceNode, height: int, source: Random) -> Verdict | None:
    """A decommissioned node comes back by chance, and is thrown out when its credit is used up."""
    if node.credit(height) < 0:
        return Deregister(node.pubkey)
    return Recommission(node.pubkey) if source.random() < RECOMMISSION_CHANCE else None


def _strike(up: list[ServiceNode], height: int, source: Random) -> list[Verdict]:
    """Nodes that fall: those without enough credit are thrown out at once."""
    struck: list[Verdict] = []
    if up and source.random() < DECOMMISSIONS_PER_BLOCK:
        node = source.choice(up)
        if node.credit(height) < MIN_DECOMMISSION_CREDIT_BLOCKS:
            struck.append(Deregister(node.pubkey))
        else:
            bits = source.choice(_REASONS)
            struck.append(Decommission(node.pubkey, bits, bits | source.choice((0, 0, *_REASONS))))
    if up and source.random() < DEREGISTRATIONS_PER_BLOCK:
        # an old one: the contract lets no node go in its first hours, and the exit list would fill up with them
        veterans = sorted(up, key=lambda node: node.registration_height)[: len(up) // 2 + 1]
        struck.append(Deregister(source.choice(veterans).pubkey))
    return struck
