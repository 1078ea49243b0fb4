"""Look-ups that compiled execution may call without Strawberry's wrapping around them."""

from collections.abc import Callable
from typing import Any

from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import INFO_PARAMSPEC, PARENT_PARAMSPEC

from sent_graphql.models.parts import Part
from sent_graphql.schema.fields import parts_read


def direct_lookup(field: StrawberryField) -> Callable[[Any, Any], object] | None:
    """The function that may be called in place of `field`'s resolver: with its struct, an info of `context` alone, and
    the field's arguments by their names.

    Null for a field that has to be waited for, or whose value is made of more than the snapshot.
    """
    resolver = field.base_resolver
    if resolver is None or field.extensions or field.is_async or Part.OUTSIDE in parts_read(field):
        return None
    function: Callable[..., object] = resolver.wrapped_func  # type: ignore[assignment]
    root, info = resolver.reserved_parameters[PARENT_PARAMSPEC], resolver.reserved_parameters[INFO_PARAMSPEC]
    taken = list(resolver.signature.parameters.values())
    if root and info and taken[:2] == [root, info]:
        return function
    return (lambda _root, info, **given: function(info, **given)) if info and not root and taken[0] is info else None
