"""What an operator signs to register a node, and what came of checking it."""

from enum import Enum

from msgspec import Struct

from sent_graphql.models.registrations import Registration, RegistrationError


class Spelling(Enum):
    """How bytes may be written."""

    HEX = "hex"
    HEX_OR_BASE64 = "hex or base64"
    """Base64 padded or not, url-safe or not. No length in bytes makes a text that could be either."""


class RegistrationTexts(Struct, frozen=True, kw_only=True):
    """What somebody sent, unread. Null is what was left out."""

    pubkey: str | None
    pubkey_bls: str | None
    sig_ed25519: str | None
    sig_bls: str | None
    operator: str | None
    contract: str | None = None


class SignedKeys(Struct, frozen=True, kw_only=True):
    """A node's keys and its two signatures. Keys and address canonical, signatures as lower-case hex.

    The Ed25519 signature is over both keys; the BLS one over both keys and the operator's address, for one rewards
    contract on one chain. The operator itself signs nothing.
    """

    pubkey: str
    pubkey_bls: str
    sig_ed25519: str
    """64 bytes."""
    sig_bls: str
    """sigs0 to sigs3 of the contract's struct: four words of 32 bytes."""
    operator: str


class ProofJudge(Enum):
    """Who has judged a BLS proof of possession."""

    CONTRACT = "contract"
    """The rewards contract itself, asked by a call that changes nothing."""
    SERVICE = "service"


class ProofVerdict(Struct, frozen=True, kw_only=True):
    """What is wrong with signed keys; nothing when `problems` is empty.

    Problems have the code SIGNATURE and name the field that is bad, in the order pubkey, pubkeyBls, sigEd25519, sigBls.
    """

    problems: tuple[RegistrationError, ...]
    judged_by: tuple[ProofJudge, ...]
    """Who judged the BLS proof; never empty."""

    @property
    def good(self) -> bool:
        """Whether both signatures hold."""
        return not self.problems


class StoredRegistration(Struct, frozen=True, kw_only=True):
    """What came of a registration: it is kept, or `errors` say what is wrong with it, in the order of the fields."""

    registration: Registration | None
    errors: tuple[RegistrationError, ...]
    judged_by: tuple[ProofJudge, ...]
    """Who judged its BLS proof; empty where it came to no judgement."""
