"""Messages to points of G2, in the very steps of the contracts (another correct map gives other points).

RFC 9380's expand_message_xmd with keccak-256, try and increment, and the cofactor cleared as Fuentes-Castañeda and
others describe for this family of curves.
"""

from typing import Final

from eth_utils.crypto import keccak
from py_ecc.fields import optimized_bn128_FQ2 as FQ2
from py_ecc.optimized_bn128.optimized_curve import add, b2, multiply

from sent_graphql.bls.endomorphism import CURVE_PARAMETER, frobenius
from sent_graphql.bls.points import FIELD_MODULUS, G2Point

_DIGEST_BYTES: Final = 32
_KECCAK_BLOCK_BYTES: Final = 136
_EXPANDED_BYTES: Final = 128
_FIELD_BYTES: Final = 48
_MAX_TRIES: Final = 256
"""The counter is one byte; every try succeeds with a chance of one half."""


def hash_to_g2(message: bytes, domain_tag: bytes) -> G2Point:
    """The point of G2 that `message` is signed as; `domain_tag` is the contract's `hashToG2Tag` (32 bytes)."""
    for attempt in range(_MAX_TRIES):
        candidate = _candidate(expand_message(message + bytes([attempt]), domain_tag, _EXPANDED_BYTES))
        if candidate is not None:
            return _clear_cofactor(candidate)
    raise ArithmeticError("no point was found for the message")


def expand_message(message: bytes, domain_tag: bytes, length: int) -> bytes:
    """expand_message_xmd of RFC 9380 section 5.3.1 with keccak-256."""
    suffix = domain_tag + bytes([len(domain_tag)])
    first = keccak(bytes(_KECCAK_BLOCK_BYTES) + message + length.to_bytes(2, "big") + b"\0" + suffix)
    block = keccak(first + b"\x01" + suffix)
    expanded = block
    for number in range(2, -(-length // _DIGEST_BYTES) + 1):
        mixed = bytes(left ^ right for left, right in zip(first, block, strict=True))
        block = keccak(mixed + bytes([number]) + suffix)
        expanded += block
    return expanded[:length]


def _candidate(expanded: bytes) -> G2Point | None:
    """The point of the twisted curve that the bytes name, if X is the abscissa of one."""
    real = int.from_bytes(expanded[:_FIELD_BYTES], "big") % FIELD_MODULUS
    imaginary = int.from_bytes(expanded[_FIELD_BYTES : 2 * _FIELD_BYTES], "big") % FIELD_MODULUS
    x = FQ2([real, imaginary])
    square = x * x * x + b2
    root = _square_root(*(int(part) for part in square.coeffs))
    if root is None or 0 in (real, imaginary):
        return None
    return (x, -root if expanded[-1] & 1 else root, FQ2.one())


def _square_root(real: int, imaginary: int) -> FQ2 | None:
    """The root of `real` + `imaginary`·i that the contracts take; None when there is none or a part of it is zero."""
    norm_root = _field_root((real * real + imaginary * imaginary) % FIELD_MODULUS)
    if norm_root is None:
        return None
    half = (FIELD_MODULUS + 1) // 2
    root = _field_root((real + norm_root) * half % FIELD_MODULUS)
    if root is None:
        root = _field_root((real - norm_root) * half % FIELD_MODULUS)
    if not root:
        return None
    other = imaginary * pow(2 * root, -1, FIELD_MODULUS) % FIELD_MODULUS
    return FQ2([root, other]) if other else None


def _field_root(value: int) -> int | None:
    root = pow(value, (FIELD_MODULUS + 1) // 4, FIELD_MODULUS)
    return root if root * root % FIELD_MODULUS == value % FIELD_MODULUS else None


def _clear_cofactor(point: G2Point) -> G2Point:
    """uP + f(3uP) + f²(uP) + f³(P): into the group of prime order."""
    scaled = multiply(point, CURVE_PARAMETER)
    tripled = multiply(scaled, 3)
    cleared = add(scaled, frobenius(tripled))
    cleared = add(cleared, frobenius(frobenius(scaled)))
    return add(cleared, frobenius(frobenius(frobenius(point))))
