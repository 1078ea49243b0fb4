"""Fields that are looked up, for types whose values are the models' own structs.

A plain field reads the struct's attribute of its name. A looked-up one has a function that gives another struct;
its annotation in the class is the Strawberry type that shows that struct, which a type checker cannot know.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import strawberry

from sent_graphql.resolvers.context import RequestContext

Info: TypeAlias = strawberry.Info[RequestContext, None]
"""What a resolver is told about its request; `info.context` is the RequestContext."""


def looked_up(resolver: Callable[..., object], *, description: str) -> Any:  # noqa: ANN401
    """A field that `resolver` answers; its type is the annotation beside it."""
    return strawberry.field(resolver=resolver, description=description)
