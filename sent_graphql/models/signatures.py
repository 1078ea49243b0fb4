"""Aggregate signatures that the network gives for claims and exits, and why one was not had."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from msgspec import Struct

from sent_graphql.models.contracts import ContractNode, ContractsView


class RequestErrorCode(Enum):
    """Why a signature was not had."""

    NO_REWARDS = "no_rewards"
    NOT_IN_EXIT_LIST = "not_in_exit_list"
    NOT_REMOVABLE_YET = "not_removable_yet"
    SIGNATURE_INVALID = "signature_invalid"
    RATE_LIMITED = "rate_limited"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"
    UPSTREAM_ERROR = "upstream_error"


class RequestRefusedError(Exception):
    """No signature; an expected outcome. The message is for users: what is wrong, and what to do about it."""

    def __init__(self, code: RequestErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RewardsClaim(Struct, frozen=True, kw_only=True):
    """The network's word on a wallet's lifetime rewards (`amount`, atomic units) at an Oxen block."""

    address: str
    amount: int
    height: int
    message_to_sign: str
    """Lower-case hex, as the signature."""
    signature: str
    """sigs0 to sigs3 of the contract's struct: four words of 64 hex digits."""
    non_signer_ids: tuple[int, ...]
    sufficient: bool
    """No more non-signers than the contract allows."""


class ExitSignature(Struct, frozen=True, kw_only=True):
    """The network's word that a node may be removed; `timestamp` (unix seconds) is part of what was signed."""

    pubkey_bls: str
    timestamp: int
    expires_at: datetime
    message_to_sign: str
    signature: str
    non_signer_ids: tuple[int, ...]
    sufficient: bool


class SignerSet(Struct, frozen=True, kw_only=True):
    """Whose signatures the rewards contract counts at one L2 block, and by which rules."""

    aggregate_pubkey: str
    """Sum of all registered BLS keys: 128 hex digits, all zero when there are none."""
    nodes: Mapping[int, ContractNode]
    """Registered nodes by contract id: all of them, or those that were asked for."""
    non_signer_threshold: int
    signature_expiry: int
    """Seconds from the timestamp of an exit's signature to its end."""

    def pubkey_bls_of(self, pubkey: str) -> str | None:
        """BLS key of the registered node with this Ed25519 key."""
        return next((node.pubkey_bls for node in self.nodes.values() if node.pubkey == pubkey), None)


def signer_set(view: ContractsView) -> SignerSet:
    """Those who sign by a view of the contracts."""
    return SignerSet(
        aggregate_pubkey=view.parameters.aggregate_pubkey,
        nodes=view.nodes,
        non_signer_threshold=view.parameters.bls_non_signer_threshold,
        signature_expiry=view.parameters.signature_expiry,
    )
