"""The check of one aggregate signature, for a worker process: it takes some half a second of a processor."""

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from sent_graphql.bls import SigningDomain


class SignedKind(Enum):
    """The messages that the network signs."""

    REWARD = "reward"
    EXIT = "exit"
    LIQUIDATION = "liquidation"


class Statement(Struct, frozen=True):
    """What is to be signed: a wallet and its atomic units, or a node's BLS key and unix seconds."""

    kind: SignedKind
    subject: str
    number: int


class Domain(Struct, frozen=True):
    """For which contract on which chain a signature holds."""

    chain_id: int
    rewards_contract: str


class Case(Struct, frozen=True, kw_only=True):
    """All that the verdict depends on. Keys, message and signature are hex."""

    domain: Domain
    statement: Statement
    message: str
    signature: str
    aggregate_pubkey: str
    absent: tuple[str, ...]
    """BLS keys within the aggregate that did not sign."""


class Verdict(Enum):
    """What the check found."""

    GOOD = "good"
    OTHER_MESSAGE = "other message"
    NO_POINT = "no point"
    OTHER_SIGNERS = "other signers"


def verify_aggregate(case: Case) -> Verdict:
    """Whether all but the absent of the aggregate's keys have signed just that statement."""
    # Not at the module's top: the service's own process must not import py_ecc.
    from sent_graphql.bls import (  # noqa: PLC0415
        BlsPointError,
        PublicKey,
        Signature,
        SigningDomain,
        aggregate_public_keys,
        verify,
    )

    domain = SigningDomain(case.domain.chain_id, case.domain.rewards_contract)
    try:
        if bytes.fromhex(case.message) != _message(domain, case.statement):
            return Verdict.OTHER_MESSAGE
        signature = Signature.from_hex(case.signature)
    except BlsPointError:
        return Verdict.NO_POINT
    try:
        absent = (PublicKey.from_hex(key).negated() for key in case.absent)
        signers = aggregate_public_keys([PublicKey.from_hex(case.aggregate_pubkey), *absent])
    except BlsPointError:
        return Verdict.OTHER_SIGNERS
    good = verify(signers, signature, bytes.fromhex(case.message), domain.hash_tag)
    return Verdict.GOOD if good else Verdict.OTHER_SIGNERS


def _message(domain: "SigningDomain", statement: Statement) -> bytes:
    from sent_graphql.bls import PublicKey  # noqa: PLC0415

    if statement.kind is SignedKind.REWARD:
        return domain.reward(statement.subject, statement.number)
    make = domain.exit if statement.kind is SignedKind.EXIT else domain.liquidation
    return make(PublicKey.from_hex(statement.subject), statement.number)
