"""The parts of a snapshot that answers are made of, so that it can be told which answers a new snapshot may change."""

from enum import Flag, auto
from typing import Final

from sent_graphql.models.snapshot import Snapshot


class Part(Flag):
    """What an answer reads."""

    META = auto()
    """The snapshot's version and how its sources fare: never the same in two snapshots."""
    NETWORK = auto()
    NODES = auto()
    CONTRIBUTION_CONTRACTS = auto()
    REWARDS = auto()
    """Accrued, credited and claimed rewards of all wallets."""
    OUTSIDE = auto()
    """What no snapshot holds, such as the database: it may be another at any time."""


NOTHING: Final = Part(0)
EVERYTHING: Final = ~NOTHING
WALLETS: Final = Part.NODES | Part.CONTRIBUTION_CONTRACTS | Part.REWARDS
"""What wallets are made of: stakes and rewards."""


def changed_parts(old: Snapshot, new: Snapshot) -> Part:
    """The parts in which `new` differs, or may differ, from `old`."""
    if old is new:
        return Part.OUTSIDE
    changed = Part.META | Part.OUTSIDE
    before, now = old.state, new.state
    if before is now:
        return changed
    if before is None or now is None:
        return EVERYTHING
    # Equal things are mostly the same objects, which comparing tuples and dictionaries sees at once.
    if before.network != now.network:
        changed |= Part.NETWORK
    if before.past is not now.past or before.nodes != now.nodes:
        changed |= Part.NODES
    if before.contribution_contracts != now.contribution_contracts:
        changed |= Part.CONTRIBUTION_CONTRACTS
    if before.accrued != now.accrued or before.recipients != now.recipients:
        changed |= Part.REWARDS
    return changed
