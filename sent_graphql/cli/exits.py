"""What the process says when it ends; the numbers above 2 are those of sysexits.h."""

from typing import Final

FINE: Final = 0
"""Done, or stopped with Ctrl-C or SIGTERM."""
FAILED: Final = 1
"""Something unexpected; the traceback says what."""
USAGE: Final = 2
"""An unknown command or flag, or a bad value of one."""
UNAVAILABLE: Final = 69
"""doctor found something wrong, the address to listen on or the database cannot be had, or it is behind."""
ROOT_REFUSED: Final = 77
"""A real network is not served as root."""
MISCONFIGURED: Final = 78
"""The configuration cannot be used, or a source gives a definite wrong answer (other chain, other network)."""

INTERRUPTED: Final = 130
"""Ctrl-C in the midst of something else than serving."""

EPILOG: Final = (
    "Exit codes: 0 done, or stopped with Ctrl-C or SIGTERM · 1 unexpected error · 2 wrong usage · 69 something is "
    "unavailable (doctor found a fault, the port is taken, the database is away or behind) · "
    "77 refused to serve a real network as root · "
    "78 the configuration cannot be used, or a source belongs to another network · 130 interrupted before it was done."
)
