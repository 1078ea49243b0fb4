"""What an operation costs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """`cost` in units. `dear`: how many of the fields ask oxend or compute a pairing."""

    cost: int = 0
    dear: int = 0

    def __add__(self, other: "Price") -> "Price":
        return Price(self.cost + other.cost, self.dear + other.dear)

    def times(self, count: int) -> "Price":
        """That often."""
        return Price(self.cost * count, self.dear * count)
