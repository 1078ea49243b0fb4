"""Public keys and signatures: points that were checked when they were made, and their text forms."""

import re
from dataclasses import dataclass
from typing import Final, Self

from py_ecc.fields import optimized_bn128_FQ as FQ
from py_ecc.fields import optimized_bn128_FQ2 as FQ2
from py_ecc.optimized_bn128.optimized_curve import (
    b,
    b2,
    curve_order,
    field_modulus,
    is_inf,
    is_on_curve,
    normalize,
)
from py_ecc.typing import Optimized_Point3D

from sent_graphql.bls.endomorphism import is_in_g2

G1Point = Optimized_Point3D[FQ]
"""A point of the curve over Fp in projective coordinates."""

G2Point = Optimized_Point3D[FQ2]
"""A point of the twisted curve over Fp2 in projective coordinates."""

FIELD_MODULUS: Final[int] = field_modulus
GROUP_ORDER: Final[int] = curve_order

_WORD_DIGITS: Final = 64
_HEX = re.compile(r"(?:0[xX])?([0-9a-fA-F]*)")


class BlsPointError(ValueError):
    """Numbers or a text that are no point that a key or signature may be; the message says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A point of G1, never infinity, in affine coordinates.

    G1 is the whole curve, so a point on the curve is in the group.
    """

    x: int
    y: int

    def __post_init__(self) -> None:
        _require_field_elements("a BLS public key", self.x, self.y)
        if self.x == self.y == 0:
            raise BlsPointError("the point at infinity is no BLS public key")
        if not is_on_curve(self.point, b):
            raise BlsPointError("the BLS public key is not on the curve")

    @classmethod
    def from_point(cls, point: G1Point) -> Self:
        """The key of a point that arithmetic gave."""
        if is_inf(point):
            raise BlsPointError("the point at infinity is no BLS public key")
        x, y = normalize(point)
        return cls(int(x), int(y))

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """The key of 128 hex digits X||Y, with or without 0x."""
        return cls(*_words(text, 2, "a BLS public key"))

    @property
    def point(self) -> G1Point:
        """This key as a point to compute with."""
        return (FQ(self.x), FQ(self.y), FQ.one())

    def negated(self) -> Self:
        """The key that takes this one out of a sum."""
        return type(self)(self.x, FIELD_MODULUS - self.y)

    @property
    def hex(self) -> str:
        """128 lower-case hex digits X||Y, leading zeros kept."""
        return f"{self.x:064x}{self.y:064x}"

    def __bytes__(self) -> bytes:
        return bytes.fromhex(self.hex)


@dataclass(frozen=True, slots=True)
class Signature:
    """A point of G2 in affine coordinates, in the contracts' order; never infinity.

    `sigs0` and `sigs1` are the real and imaginary part of X, `sigs2` and `sigs3` those of Y. The twisted curve has
    more points than the group: one outside of it is refused, since a pairing with it proves nothing.
    """

    sigs0: int
    sigs1: int
    sigs2: int
    sigs3: int

    def __post_init__(self) -> None:
        _require_field_elements("a BLS signature", *self.words)
        if not any(self.words):
            raise BlsPointError("the point at infinity is no BLS signature")
        if not is_on_curve(self.point, b2):
            raise BlsPointError("the BLS signature is not on the curve")
        if not is_in_g2(self.point):
            raise BlsPointError("the BLS signature is not in the group of prime order")

    @classmethod
    def from_point(cls, point: G2Point) -> Self:
        """The signature of a point that arithmetic gave."""
        if is_inf(point):
            raise BlsPointError("the point at infinity is no BLS signature")
        x, y = normalize(point)
        return cls(*_parts(x), *_parts(y))

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """The signature of 256 hex digits sigs0||sigs1||sigs2||sigs3, with or without 0x."""
        return cls(*_words(text, 4, "a BLS signature"))

    @property
    def words(self) -> tuple[int, int, int, int]:
        """sigs0 to sigs3, as the contracts take them."""
        return (self.sigs0, self.sigs1, self.sigs2, self.sigs3)

    @property
    def point(self) -> G2Point:
        """This signature as a point to compute with."""
        return (FQ2([self.sigs0, self.sigs1]), FQ2([self.sigs2, self.sigs3]), FQ2.one())

    @property
    def hex(self) -> str:
        """256 lower-case hex digits, leading zeros kept."""
        return "".join(f"{word:064x}" for word in self.words)

    def __bytes__(self) -> bytes:
        return bytes.fromhex(self.hex)


def _parts(element: FQ2) -> tuple[int, int]:
    real, imaginary = element.coeffs
    return int(real), int(imaginary)


def _require_field_elements(what: str, *values: int) -> None:
    if not all(0 <= value < FIELD_MODULUS for value in values):
        raise BlsPointError(f"a coordinate of {what} is not below the field's modulus")


def _words(text: str, count: int, what: str) -> list[int]:
    digits = count * _WORD_DIGITS
    match = _HEX.fullmatch(text)
    if match is None or len(match[1]) != digits:
        raise BlsPointError(f"{what} is written as {digits} hex digits")
    return [int(match[1][at : at + _WORD_DIGITS], 16) for at in range(0, digits, _WORD_DIGITS)]
