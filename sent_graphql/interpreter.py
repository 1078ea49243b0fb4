"""What Python's interpreter is told before anything is served."""

import sys
from typing import Final

RECURSION_LIMIT: Final = 1_000
"""Python's own default. A library beneath web3 raises it so far that deeply nested JSON would overflow the C stack."""

SWITCH_SECONDS: Final = 0.001
"""How long a thread goes on when another one wants to, in place of 5 ms: the event loop wants to after each look at the
network, and there may be several threads at work."""


def settle() -> None:
    """Tells it."""
    sys.setrecursionlimit(RECURSION_LIMIT)
    sys.setswitchinterval(SWITCH_SECONDS)
