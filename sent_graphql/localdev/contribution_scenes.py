"""The contribution contracts that the local network begins with: one for each thing that can be seen of them."""

from typing import Final, Literal

from msgspec import Struct

from sent_graphql.models.units import ATOMIC_PER_TOKEN


class Part(Struct, frozen=True):
    """A place or a stake of one wallet. `wallet` counts the scene's people, 0 is the operator; `amount` is atomic."""

    wallet: int
    amount: int


class ContributionScene(Struct, frozen=True, kw_only=True):
    """What happens to one contract: deployment, contributions hours apart, and after a day the ending.

    `days_ago`: when all of it is over. `fee` in hundredths of a percent.
    """

    fee: int
    days_ago: int
    reserved: tuple[Part, ...] = ()
    contributions: tuple[Part, ...] = ()
    manual_finalize: bool = False
    ending: Literal["none", "reset", "withdraw", "finalize"] = "none"
    """`withdraw`: the last contributor takes its stake back."""
    before_requirement_change: bool = False

    @property
    def registers(self) -> bool:
        """Whether its node is registered in the end."""
        filled = sum(part.amount for part in self.contributions) >= _FULL
        return filled and (not self.manual_finalize or self.ending == "finalize")


def _parts(*tokens: int) -> tuple[Part, ...]:
    return tuple(Part(wallet, amount * ATOMIC_PER_TOKEN) for wallet, amount in enumerate(tokens))


_FULL: Final = 25_000 * ATOMIC_PER_TOKEN

SCENES: Final = (
    ContributionScene(
        fee=500, days_ago=27, reserved=_parts(6_000, 4_000), contributions=_parts(6_000), before_requirement_change=True
    ),
    ContributionScene(fee=1000, days_ago=12, contributions=_parts(6_250, 6_250, 12_500)),
    ContributionScene(
        fee=250, days_ago=11, contributions=_parts(20_000, 5_000), manual_finalize=True, ending="finalize"
    ),
    ContributionScene(fee=300, days_ago=9, contributions=_parts(12_500, 12_500), manual_finalize=True),
    ContributionScene(fee=400, days_ago=8, contributions=_parts(10_000, 15_000), manual_finalize=True),
    ContributionScene(fee=750, days_ago=8, reserved=_parts(7_000, 6_000, 4_000), contributions=_parts(7_000, 6_000)),
    ContributionScene(fee=1500, days_ago=7, contributions=_parts(6_250, 2_100, 3_000), ending="withdraw"),
    ContributionScene(fee=100, days_ago=6, reserved=_parts(15_000, 10_000), contributions=_parts(15_000)),
    ContributionScene(fee=2000, days_ago=5, contributions=_parts(10_000, 5_000), ending="reset"),
    ContributionScene(fee=0, days_ago=2, reserved=_parts(10_000, 5_000, 2_500)),
)
"""Of a time with the old requirement and so stuck; finalized at once; finalized by hand; filled, twice; open with
reserved places; open again after a withdrawal; open but reserved to the last token; reset; waiting for the operator."""
