"""Chance that a seed repeats: nothing secret hangs on it, and secrets of the local network are worth nothing."""

import random


def dice(seed: int, *purpose: object) -> random.Random:
    """A generator of its own for one purpose: what one consumer draws does not shift another's draws."""
    return random.Random("/".join(map(str, (seed, *purpose))))  # noqa: S311
