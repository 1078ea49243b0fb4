"""The interface of everything that can be fetched again by its id."""

from typing import ClassVar

import strawberry
from msgspec import Struct


@strawberry.interface(description="Something with an id of its own that `Query.node` finds again.")
class Node:
    """Base of the types that show a model's struct; `model` is that struct's class, of the same name."""

    model: ClassVar[type[Struct]]

    id: strawberry.ID = strawberry.field(
        description="Opaque id, the same in every snapshot for as long as the thing exists; `Query.node` takes it."
    )

    @classmethod
    def resolve_type(cls, value: object, _info: object, _kind: object) -> str:
        """The name of the type that shows `value`."""
        return type(value).__name__

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Whether this type shows `value`."""
        return isinstance(value, cls.model)
