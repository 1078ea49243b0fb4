"""Relay's four arguments, as every connection takes them."""

from typing import Annotated, TypeAlias

import strawberry

from sent_graphql.resolvers.paging import PageArguments
from sent_graphql.schema.inputs import given

First: TypeAlias = Annotated[
    int | None,
    strawberry.argument(
        description="How many items to give from the front of the range; 0 gives only the counts. When neither `first` "
        "nor `last` is given a page has 100 items, unless the service is set up otherwise; more than its maximum "
        "(2500) is refused, and so is `first` together with `last`."
    ),
]
After: TypeAlias = Annotated[
    str | None, strawberry.argument(description="Cursor that the range begins behind, from the same list and order.")
]
Last: TypeAlias = Annotated[
    int | None,
    strawberry.argument(description="How many items to give from the back of the range; they keep their order."),
]
Before: TypeAlias = Annotated[
    str | None, strawberry.argument(description="Cursor that the range ends before, from the same list and order.")
]


def page_arguments(first: int | None, after: str | None, last: int | None, before: str | None) -> PageArguments:
    """The arguments as the user gave them; what was left out is null."""
    return PageArguments(first=given(first), after=given(after), last=given(last), before=given(before))
