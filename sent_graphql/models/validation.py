"""A registration that somebody means to make, and whether the contracts would take it."""

from msgspec import Struct

from sent_graphql.models.proofs import RegistrationTexts
from sent_graphql.models.registrations import RegistrationError


class ProposedReservation(Struct, frozen=True, kw_only=True):
    """A place in a contribution contract, unread."""

    address: str
    amount: str


class ProposedRegistration(Struct, frozen=True, kw_only=True):
    """A registration with the stakes that it is meant to have, unread."""

    texts: RegistrationTexts
    stake: str
    """The operator's own."""
    reserved: tuple[ProposedReservation, ...]
    """Those beside the operator."""
    fee: int | None


class RegistrationValidation(Struct, frozen=True, kw_only=True):
    """Whether the contracts would take a registration, and what others may then still bring.

    What remains is null for a solo node, and where amounts or places are not in order. Amounts are atomic.
    """

    errors: tuple[RegistrationError, ...]
    """In the order of the input's fields."""
    remaining_contribution: int | None
    remaining_spots: int | None
    remaining_min_contribution: int | None

    @property
    def valid(self) -> bool:
        """Nothing is wrong."""
        return not self.errors
