"""The Frobenius endomorphism of the twisted curve, and what it makes cheap: whether a point is in G2."""

from typing import Final

from py_ecc.fields import optimized_bn128_FQ2 as FQ2
from py_ecc.optimized_bn128.optimized_curve import add, double, eq, field_modulus, multiply
from py_ecc.typing import Optimized_Point3D

CURVE_PARAMETER: Final = 4965661367192848881
"""u, of which the curve's primes are polynomials."""

_XI: Final = FQ2([9, 1])
_X_FACTOR: Final = _XI ** ((field_modulus - 1) // 3)
_Y_FACTOR: Final = _XI ** ((field_modulus - 1) // 2)

_Point = Optimized_Point3D[FQ2]


def frobenius(point: _Point) -> _Point:
    """The point whose coordinates are raised to the field's modulus, brought back to the twist."""
    x, y, z = point
    return (_conjugate(x) * _X_FACTOR, _conjugate(y) * _Y_FACTOR, _conjugate(z))


def is_in_g2(point: _Point) -> bool:
    """Whether a point of the twisted curve is in the group of prime order.

    uP + P + f(uP) + f²(uP) = 2·f³(uP) holds there and nowhere else (El Housni, Guillevic and Piellard, 2022): a
    fourth of the work of multiplying by the group's order.
    """
    scaled = multiply(point, CURVE_PARAMETER)
    once = frobenius(scaled)
    twice = frobenius(once)
    return bool(eq(add(add(scaled, point), add(once, twice)), double(frobenius(twice))))


def _conjugate(element: FQ2) -> FQ2:
    real, imaginary = element.coeffs
    return FQ2([int(real), -int(imaginary) % field_modulus])
