"""Fields that are looked up, for types whose values are the models' own structs.

A plain field reads the struct's attribute of its name. A looked-up one has a function that gives another struct;
its annotation in the class is the Strawberry type that shows that struct, which a type checker cannot know.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import strawberry
from strawberry.types.field import StrawberryField

from sent_graphql.models.parts import EVERYTHING, NOTHING, Part
from sent_graphql.resolvers.context import RequestContext

Info: TypeAlias = strawberry.Info[RequestContext, None]
"""What a resolver is told about its request; `info.context` is the RequestContext."""

_READS: Final = "reads"


def looked_up(resolver: Callable[..., object], *, description: str, reads: Part = EVERYTHING) -> Any:  # noqa: ANN401
    """A field that `resolver` answers; its type is the annotation beside it.

    `reads`: the parts of the snapshot that its value is made of, with all that lies in the struct that it gives.
    """
    return strawberry.field(resolver=resolver, description=description, metadata={_READS: reads})


def parts_read(field: StrawberryField) -> Part:
    """What the value of `field` is made of beyond the struct that it belongs to."""
    reads: Part = field.metadata.get(_READS, NOTHING if field.base_resolver is None else EVERYTHING)
    return reads
