"""Registrations checked before they are sent: the input, and what is wrong with it."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from sent_graphql.models import validation as models
from sent_graphql.resolvers import registrations as resolvers
from sent_graphql.schema.fields import Info, sized
from sent_graphql.schema.inputs import given
from sent_graphql.schema.registration_errors import RegistrationError
from sent_graphql.schema.registrations import StoreRegistrationInput
from sent_graphql.schema.scalars import BigInt


@strawberry.input(description="A place that is kept for one contributor of a contribution contract.")
class ReservationInput:
    """Becomes models.validation.ProposedReservation."""

    address: str = strawberry.field(description="The contributor's wallet on the L2 chain.")
    amount: str = strawberry.field(
        description="What is kept for it, in atomic units (1 SENT = 10^9) as decimal digits."
    )


@strawberry.input(
    description="A registration with the stakes that it is meant to have. Keys, signatures, addresses and amounts are "
    "strings, so that a bad value is told in `errors` beside the others. Amounts are in atomic units (1 SENT = 10^9). "
    "With `contract` it is judged as that of a contribution contract, without it as that of a solo node."
)
class RegistrationInput(StoreRegistrationInput):
    """Becomes models.validation.ProposedRegistration."""

    stake: str = strawberry.field(
        description="What the operator stakes, in atomic units as decimal digits: exactly the staking requirement for "
        "a solo node, at least a quarter of it (`network.minOperatorContribution`) with a contract."
    )
    reserved: list[ReservationInput] | None = strawberry.field(
        default=UNSET,
        description="Places kept for others, in the contract's order and without the operator, whose own part is "
        "`stake`; only with a contract. There is room for `network.maxContributors` - 1; more are counted, and looked "
        "at no further.",
    )
    fee: int | None = strawberry.field(
        default=UNSET,
        description="The operator's fee in hundredths of a percent, 0 to 10000: needed with a contract, and to be left "
        "out for a solo node.",
    )

    def proposed(self) -> models.ProposedRegistration:
        """What was typed, unread."""
        return models.ProposedRegistration(
            texts=self.texts(),
            stake=self.stake,
            reserved=tuple(
                models.ProposedReservation(address=share.address, amount=share.amount)
                for share in given(self.reserved) or ()
            ),
            fee=given(self.fee),
        )


@strawberry.type(
    description="Whether the contracts would take a registration, judged by this snapshot; and, for a contribution "
    "contract, what others may bring once the operator and all reserved contributors have paid. What remains is null "
    "for a solo node, and where amounts or places are not in order."
)
class RegistrationValidation:
    """Shows models.validation.RegistrationValidation."""

    valid: bool = strawberry.field(description="Nothing is wrong with it.")
    errors: list[RegistrationError] = strawberry.field(
        description="All that is wrong with it, in the order of the input's fields; empty when it is valid.",
        metadata=sized(5),
    )
    remaining_contribution: BigInt | None = strawberry.field(
        description="What is neither the operator's nor reserved of the staking requirement, in atomic units."
    )
    remaining_spots: int | None = strawberry.field(description="How many contributors without a reservation may come.")
    remaining_min_contribution: BigInt | None = strawberry.field(
        description="The least that the first of them must bring, in atomic units: `remainingContribution` in equal "
        "parts for `remainingSpots`, rounded up. 0 when nothing remains; null when something does and no place is "
        "free, so that only those who have a place can bring it."
    )


async def validate_registration(
    info: Info,
    input: Annotated[RegistrationInput, strawberry.argument(description="The registration.")],  # noqa: A002
) -> models.RegistrationValidation:
    """Judges one by the snapshot of its request."""
    return await resolvers.validate_registration(info.context, input.proposed())
