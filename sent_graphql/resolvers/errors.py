"""What a question can be refused with: errors that are meant for the user and pass the mask unchanged."""

from collections.abc import Iterable
from typing import Final

from graphql import GraphQLError

from sent_graphql.models.network import SourceName

BAD_USER_INPUT: Final = "BAD_USER_INPUT"
NOT_READY: Final = "NOT_READY"
OVERLOADED: Final = "OVERLOADED"
DATABASE_UNAVAILABLE: Final = "DATABASE_UNAVAILABLE"

_SIDES: Final = {SourceName.OXEND: "oxend", SourceName.CONTRACTS: "the contracts", SourceName.DATABASE: "the database"}


class BadUserInputError(GraphQLError):
    """A value that cannot be used. The message says what is wrong with which argument and what would be right."""

    def __init__(self, message: str, *, argument: str) -> None:
        super().__init__(message, extensions={"code": BAD_USER_INPUT, "argument": argument})


class NotReadyError(GraphQLError):
    """No snapshot yet. `missing`: the sources that have not answered since the start."""

    def __init__(self, missing: Iterable[SourceName]) -> None:
        names = tuple(missing)
        waiting = " and ".join(_SIDES[name] for name in names)
        message = f"No answer from {waiting} yet" if names else "The first snapshot is still being put together"
        super().__init__(
            f"{message}: try again shortly; `meta` tells how each source fares",
            extensions={"code": NOT_READY, "missing": [name.name for name in names]},
        )


class OverloadedError(GraphQLError):
    """More was asked for than can be done now. `retry_after`: seconds until another try is worth it."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, extensions={"code": OVERLOADED, "retryAfter": retry_after})


class DatabaseAwayError(GraphQLError):
    """The database does not answer. Nothing was stored; what the snapshot tells is not touched."""

    def __init__(self) -> None:
        super().__init__(
            "The database does not answer: try again shortly; `meta` tells how it fares",
            extensions={"code": DATABASE_UNAVAILABLE},
        )
