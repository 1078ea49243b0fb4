"""What one step of an examination found."""

from enum import Enum

from msgspec import Struct


class Verdict(Enum):
    """How a step went."""

    FINE = "fine"
    NOTE = "note"
    """Works, and there is something worth knowing."""
    WRONG = "wrong"


class Finding(Struct, frozen=True):
    """A step's outcome. `remedies` are commands or settings, any one of which mends the fault. Free of secrets."""

    subject: str
    verdict: Verdict
    detail: str
    remedies: tuple[str, ...] = ()


def fine(subject: str, detail: str) -> Finding:
    """The step went well."""
    return Finding(subject, Verdict.FINE, detail)


def note(subject: str, detail: str, *remedies: str) -> Finding:
    """The step went well enough."""
    return Finding(subject, Verdict.NOTE, detail, remedies)


def wrong(subject: str, detail: str, *remedies: str) -> Finding:
    """The step found a fault."""
    return Finding(subject, Verdict.WRONG, detail, remedies)
