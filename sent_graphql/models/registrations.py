"""An operator's signed keys, kept so that a front end can send them to a contract later."""

from datetime import datetime
from enum import Enum

from msgspec import Struct

from sent_graphql.models.global_id import global_id


class RegistrationKind(Enum):
    """Whether the operator stakes alone or through a contribution contract."""

    SOLO = "solo"
    CONTRACT = "contract"


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
