"""Questions to the database, which may be away."""

from collections.abc import Awaitable
from typing import TypeVar

from sent_graphql.resolvers.errors import DatabaseAwayError
from sent_graphql.sources.database.errors import DatabaseUnavailableError

T = TypeVar("T")


async def from_database(answer: Awaitable[T]) -> T:
    """What `answer` gives. Raises DatabaseAwayError where the database does not."""
    try:
        return await answer
    except DatabaseUnavailableError:
        raise DatabaseAwayError from None
