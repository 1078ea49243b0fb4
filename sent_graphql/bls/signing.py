"""Secret keys, signatures and their check."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from py_ecc.fields import optimized_bn128_FQ12 as FQ12
from py_ecc.optimized_bn128.optimized_curve import G1, Z1, Z2, add, multiply, neg
from py_ecc.optimized_bn128.optimized_pairing import final_exponentiate, pairing

from sent_graphql.bls.hashing import hash_to_g2
from sent_graphql.bls.points import GROUP_ORDER, G1Point, G2Point, PublicKey, Signature


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A number below the group's order; never printed."""

    scalar: int = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.scalar < GROUP_ORDER:
            raise ValueError("a BLS secret key is a number from 1 to the group's order")

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """The key of 64 hex digits."""
        return cls(int(text, 16))

    def public_key(self) -> PublicKey:
        """The key that others know."""
        return PublicKey.from_point(multiply(G1, self.scalar))

    def sign(self, message: bytes, domain_tag: bytes) -> Signature:
        """The signature of one message of a SigningDomain, whose `hash_tag` is `domain_tag`."""
        return Signature.from_point(multiply(hash_to_g2(message, domain_tag), self.scalar))


def verify(key: PublicKey, signature: Signature, message: bytes, domain_tag: bytes) -> bool:
    """Whether the holder of `key` (or of all keys that it is the sum of) signed `message`.

    Takes some half a second of one processor: two pairings in pure Python.
    """
    ours = pairing(signature.point, G1, final_exponentiate=False)
    theirs = pairing(hash_to_g2(message, domain_tag), neg(key.point), final_exponentiate=False)
    return bool(final_exponentiate(ours * theirs) == FQ12.one())


def aggregate_public_keys(keys: Iterable[PublicKey]) -> PublicKey:
    """The sum of keys; it must not be infinity, nor may the list be empty."""
    total: G1Point = Z1
    for key in keys:
        total = add(total, key.point)
    return PublicKey.from_point(total)


def aggregate_signatures(signatures: Iterable[Signature]) -> Signature:
    """The sum of signatures of one message; it must not be infinity, nor may the list be empty."""
    total: G2Point = Z2
    for signature in signatures:
        total = add(total, signature.point)
    return Signature.from_point(total)
