"""Token amounts, fees and versions: whole numbers inside, and how the two sides write them."""

from typing import Final

ATOMIC_PER_TOKEN: Final = 10**9
"""Atomic units in one SENT."""

FEE_BASIS: Final = 10_000
"""A fee of 100 %: fees are hundredths of a percent everywhere inside."""

PORTIONS_BASIS: Final = 2**64 - 4
"""What oxend's `portions_for_operator` is a fraction of."""

SMALL_CONTRIBUTOR_DIVISOR: Final = 4
"""A contributor is small when amount * 4 < deposit; the operator must bring at least a quarter."""


def fee_from_portions(portions: int) -> int:
    """oxend's portions as hundredths of a percent, rounded half up."""
    return (2 * portions * FEE_BASIS + PORTIONS_BASIS) // (2 * PORTIONS_BASIS)


def fee_from_percent(percent: float) -> int:
    """A fee given as percent in a double (pending registrations) as hundredths of a percent, rounded half up."""
    return int(percent * 100 + 0.5)


def min_operator_contribution(staking_requirement: int) -> int:
    """Least stake of an operator by the contract's rule: a quarter, rounded up. Atomic units."""
    return ceil_div(staking_requirement, SMALL_CONTRIBUTOR_DIVISOR)


def ceil_div(dividend: int, divisor: int) -> int:
    """Quotient of two whole numbers, rounded up."""
    return -(-dividend // divisor)


def in_tokens(amount: int) -> str:
    """Atomic units as SENT for people to read: `6250`, `0.000000001`."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    whole, atomic = divmod(amount, ATOMIC_PER_TOKEN)
    return f"{sign}{whole}" + (f".{atomic:09d}".rstrip("0") if atomic else "")


def dotted_version(parts: tuple[int, ...]) -> str:
    """`(11, 0, 6)` as `11.0.6`."""
    return ".".join(map(str, parts))
