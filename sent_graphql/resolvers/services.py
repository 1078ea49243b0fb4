"""What answers beside the snapshot: parts that are asked while a request waits. Null: this service lacks it."""

from dataclasses import dataclass
from typing import Protocol

from sent_graphql.models.history import EventFilter, StakingEvent
from sent_graphql.models.pages import Slice, Window
from sent_graphql.models.proofs import RegistrationTexts, Spelling, StoredRegistration
from sent_graphql.models.registrations import Registration, RegistrationKind
from sent_graphql.models.signatures import ExitSignature, RewardsClaim
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.models.validation import ProposedRegistration, RegistrationValidation


class History(Protocol):
    """The events of the contracts, newest first. Raises DatabaseUnavailableError."""

    async def events(self, wanted: EventFilter, window: Window) -> Slice[StakingEvent]:
        """Those that match, in a window."""

    async def event(self, block_number: int, log_index: int) -> StakingEvent | None:
        """The one at that place of the chain."""


class Registrations(Protocol):
    """The stored registrations, newest first. Raises DatabaseUnavailableError."""

    async def of_pubkey(self, pubkey: str, window: Window) -> Slice[Registration]:
        """Those of one node key (two at most)."""

    async def of_operator(self, operator: str, window: Window) -> Slice[Registration]:
        """Those that name this operator."""

    async def find(self, pubkey: str, kind: RegistrationKind) -> Registration | None:
        """The one of that key and kind."""


class RegistrationDesk(Protocol):
    """Takes registrations in."""

    async def store(self, texts: RegistrationTexts, spelling: Spelling = Spelling.HEX) -> StoredRegistration:
        """Keeps a good one; tells what is wrong with another. Raises WorkersError or DatabaseUnavailableError."""


class RegistrationValidator(Protocol):
    """Judges registrations that are meant to be made."""

    async def validate(self, proposed: ProposedRegistration, state: NetworkState) -> RegistrationValidation:
        """All that is wrong with it, by the network as `state` shows it. Raises WorkersError."""


class Signatures(Protocol):
    """The network's aggregate signatures. All raise RequestRefusedError; keys and addresses are canonical."""

    async def rewards_claim(self, address: str) -> RewardsClaim:
        """Over what the wallet has earned in its lifetime."""

    async def exit(self, pubkey: str) -> ExitSignature:
        """That the node with this Ed25519 key may exit."""

    async def liquidation(self, pubkey: str) -> ExitSignature:
        """That the node may be liquidated."""


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one service."""

    history: History | None = None
    registrations: Registrations | None = None
    signatures: Signatures | None = None
    registration_desk: RegistrationDesk | None = None
    registration_validator: RegistrationValidator | None = None
