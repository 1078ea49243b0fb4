"""An operator's signed keys, kept so that a front end can send them to a contract later."""

from datetime import datetime
from enum import Enum

from msgspec import Struct

from sent_graphql.models.global_id import global_id


class RegistrationKind(Enum):
    """Whether the operator stakes alone or through a contribution contract."""

    SOLO = "solo"
    CONTRACT = "contract"


class RegistrationErrorCode(Enum):
    """What can be wrong with a registration."""

    BAD_REQUEST = "bad_request"
    SIGNATURE = "signature"
    INVALID_OPERATOR_ADDRESS = "invalid_operator_address"
    INVALID_OPERATOR_STAKE = "invalid_operator_stake"
    WRONG_OPERATOR_STAKE = "wrong_operator_stake"
    INSUFFICIENT_OPERATOR_STAKE = "insufficient_operator_stake"
    INVALID_CONTRACT_ADDRESS = "invalid_contract_address"
    INVALID_RESERVED_ADDRESS = "invalid_reserved_address"
    INVALID_RESERVED_STAKE = "invalid_reserved_stake"
    INSUFFICIENT_RESERVED_STAKE = "insufficient_reserved_stake"
    TOO_MUCH = "too_much"
    TOO_MANY = "too_many"
    INVALID_FEE = "invalid_fee"
    DUPLICATE_ADDRESS = "duplicate_address"
    ALREADY_REGISTERED = "already_registered"


class RegistrationError(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a registration: an answer, never raised. The message is for users."""

    code: RegistrationErrorCode
    message: str
    field: str | None = None
    """The input's field, as GraphQL writes it."""
    index: int | None = None
    """Position in `reserved`, from 0."""
    address: str | None = None
    """The address in question: canonical where it is one, else what was given."""
    total: int | None = None
    """What the given parts come to; this and the bounds in the unit that the code is about."""
    minimum: int | None = None
    maximum: int | None = None
    required: int | None = None


class Registration(Struct, frozen=True, kw_only=True):
    """At most one of each kind per node key. Keys and addresses canonical, signatures as lower-case hex."""

    kind: RegistrationKind
    pubkey: str
    pubkey_bls: str
    sig_ed25519: str
    sig_bls: str
    operator: str
    contract: str | None
    stored_at: datetime
    """To the microsecond; what registrations are sorted by."""

    @property
    def id(self) -> str:
        """Its global id; a newer registration that replaces it keeps it."""
        return global_id("Registration", f"{self.pubkey}.{self.kind.value}")
