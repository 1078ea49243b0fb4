"""Fields that are looked up, for types whose values are the models' own structs.

A plain field reads the struct's attribute of its name. A looked-up one has a function that gives another struct;
its annotation in the class is the Strawberry type that shows that struct, which a type checker cannot know.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final, TypeAlias

import strawberry
from strawberry.types.field import StrawberryField

from sent_graphql.execution.projections import KEY
from sent_graphql.models.parts import EVERYTHING, NOTHING, Part
from sent_graphql.resolvers.context import RequestContext

Info: TypeAlias = strawberry.Info[RequestContext, None]
"""What a resolver is told about its request; `info.context` is the RequestContext."""

_READS: Final = "reads"
_EFFORT: Final = "effort"
_ITEMS: Final = "items"


class Effort(IntEnum):
    """What it takes to come by a field's value, in units of cost: one unit is what it takes to show one value."""

    READ = 0
    """An attribute of the struct."""
    LOOK_UP = 1
    """Something in an index of the snapshot."""
    LIST = 250
    """The whole network is filtered or sorted."""
    DATABASE = 1_000
    """The database is asked."""
    DEAR = 10_000
    """oxend is asked, or a pairing is computed: half a second of a processor. Rate limits count these apart, too."""


def looked_up(
    resolver: Callable[..., object],
    *,
    description: str,
    reads: Part = EVERYTHING,
    effort: Effort | None = None,
    items: int | None = None,
    key: str | None = None,
) -> Any:  # noqa: ANN401
    """A field that `resolver` answers; its type is the annotation beside it.

    `reads`: the parts of the snapshot that its value is made of, with all that lies in the struct that it gives.
    `effort`: what that takes; unless told, a look-up, or a question to the database for what no snapshot holds.
    `items`: see `sized`.
    `key`: the attribute of the struct that it belongs to which alone tells its value in one snapshot: where others have
    the same, it is found and shown once for all of them.
    """
    metadata: dict[str, object] = {_READS: reads}
    if key is not None:
        metadata[KEY] = key
    if effort is not None:
        metadata[_EFFORT] = effort
    return strawberry.field(
        resolver=resolver, description=description, metadata=metadata | (sized(items) if items is not None else {})
    )


def sized(items: int) -> dict[str, object]:
    """Metadata of a list of objects that takes no page: how many there are, as cost analysis assumes."""
    return {_ITEMS: items}


def parts_read(field: StrawberryField) -> Part:
    """What the value of `field` is made of beyond the struct that it belongs to."""
    reads: Part = field.metadata.get(_READS, NOTHING if field.base_resolver is None else EVERYTHING)
    return reads


def effort_of(field: StrawberryField) -> Effort:
    """What it takes to come by the value of `field`."""
    usual = Effort.DATABASE if Part.OUTSIDE in parts_read(field) else Effort.LOOK_UP
    effort: Effort = field.metadata.get(_EFFORT, Effort.READ if field.base_resolver is None else usual)
    return effort


def items_of(field: StrawberryField) -> int | None:
    """How many items `field` is assumed to have; null for one that is no list, and where a page tells."""
    items: int | None = field.metadata.get(_ITEMS)
    return items
