"""Faults of ours: the log has them whole, under an id that is all a client is told."""

import secrets
from typing import Any, Final

import structlog

INTERNAL: Final = "INTERNAL"
"""Code of the error that stands for a fault."""

MESSAGE: Final = "Internal error"


def recorded(
    log: structlog.stdlib.BoundLogger, event: str, fault: BaseException, **circumstances: object
) -> dict[str, Any]:
    """Logs `fault` under a new id, and gives the extensions of the error that clients see in its place."""
    incident = secrets.token_hex(8)
    log.error(event, id=incident, exc_info=fault, **circumstances)
    return {"code": INTERNAL, "id": incident}
