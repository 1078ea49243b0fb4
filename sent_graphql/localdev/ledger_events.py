"""What moves the ledger: events that oxend reads on the L2, and verdicts of its quorums."""

from msgspec import Struct

from sent_graphql.localdev.constants import CONFIRMATION_POINTS
from sent_graphql.localdev.service_nodes import Registration


class Registered(Struct, frozen=True, kw_only=True):
    """NewServiceNodeV2. `valid`: whether oxend accepts its signature; what it does not accept is denied."""

    l2_height: int
    registration: Registration
    valid: bool = True


class UnlockRequested(Struct, frozen=True, kw_only=True):
    """ServiceNodeExitRequest."""

    l2_height: int
    pubkey_bls: str


class Exited(Struct, frozen=True, kw_only=True):
    """ServiceNodeExit. `returned_amount` in atomic units: less than the deposit after a liquidation."""

    l2_height: int
    pubkey_bls: str
    returned_amount: int


class RequirementChanged(Struct, frozen=True, kw_only=True):
    """StakingRequirementUpdated, in atomic units."""

    l2_height: int
    staking_requirement: int


L2Event = Registered | UnlockRequested | Exited | RequirementChanged


class PendingEvent(Struct, frozen=True, kw_only=True):
    """An event that oxend has seen and is still voting on: one point a block."""

    event: L2Event
    height: int
    confirmations: int = 0
    denials: int = 0

    @property
    def confirmed(self) -> bool:
        """Whether it now takes effect."""
        return self.confirmations >= self.points_needed

    @property
    def denied(self) -> bool:
        """Whether it is dropped for good."""
        return self.denials >= max(2 * self.confirmations, self.confirmations + CONFIRMATION_POINTS)

    @property
    def points_needed(self) -> int:
        """Confirmations that it takes, given the denials so far."""
        return max(2 * self.denials, self.denials + CONFIRMATION_POINTS)


class Decommission(Struct, frozen=True):
    """A quorum puts a node out of service; reasons are oxend's bits, shared by all or named by some."""

    pubkey: str
    reasons_all: int
    reasons_any: int


class Recommission(Struct, frozen=True):
    """A quorum takes a node back into service."""

    pubkey: str


class Deregister(Struct, frozen=True):
    """A quorum throws a node out."""

    pubkey: str


Verdict = Decommission | Recommission | Deregister
