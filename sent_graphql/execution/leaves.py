"""Leaf values: the source text of expressions that serialise them as graphql-core would.

The common types are written out in line. Any other value, be it invalid, goes through the type's own serialiser.
"""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLBoolean,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
)

MAX_KINDS: Final = 256
"""Leaf types, each nullable or not, for which what serialises them is kept: all selections share it."""

Bind = Callable[[object], str]
"""Gives the name by which the generated source refers to an object."""


class IrregularError(Exception):
    """A value that is not plain: graphql-core decides what becomes of it."""


def unchanged(value: Any) -> Any:  # noqa: ANN401 - a serialiser is given whatever a resolver gives
    """The serialiser of scalars whose values are ready to be written. Strings pass without a call."""
    return value


def leaf_expression(kind: GraphQLLeafType, value: str, *, nullable: bool, bind: Bind) -> str:
    """Serialises what the expression `value` gives; it may use the local name `v`."""
    names = _names(kind, nullable=nullable)
    if names is not None:
        return f"{bind(names)}[id({value})]"
    serialised = bind(serialiser(kind, nullable=nullable))
    plain = _PLAIN.get(kind.coerce_output_value)
    if plain is None:
        return f"None if (v := {value}) is None else {serialised}(v)" if nullable else f"{serialised}({value})"
    written, condition = plain
    null = " or v is None" if nullable and written == "v" else ""
    return f"{written} if {condition.format(value)}{null} else {serialised}(v)"


def items_expression(kind: GraphQLLeafType, items: str, *, nullable: bool, bind: Bind) -> str:
    """Serialises each of the items that the expression `items` gives."""
    names = _names(kind, nullable=nullable)
    if names is not None:
        return f"[*map({bind(names.__getitem__)}, map(id, {items}))]"
    return f"[*map({bind(serialiser(kind, nullable=nullable))}, {items})]"


@lru_cache(maxsize=MAX_KINDS)
def serialiser(kind: GraphQLLeafType, *, nullable: bool) -> Callable[[Any], Any]:
    """Serialises one value of any type; raises for each that is an error, or has to be awaited."""
    serialise = kind.coerce_output_value

    def serialised(value: Any) -> Any:  # noqa: ANN401
        if type(value) not in _SIMPLE:
            if value is None and nullable:
                return None
            if value is None or value is Undefined or isinstance(value, Exception) or hasattr(value, "__await__"):
                raise IrregularError
        result = serialise(value)
        if result is None or result is Undefined:
            raise IrregularError
        return result

    return serialised


@lru_cache(maxsize=MAX_KINDS)
def _names(kind: GraphQLLeafType, *, nullable: bool) -> dict[int, str | None] | None:
    """The names of an enum's members by identity, which is cheaper than their hashes: members live for ever."""
    members = getattr(kind, "wrapped_cls", None)
    if not (isinstance(members, type) and issubclass(members, Enum)):
        return None
    names: dict[int, str | None] = {id(member): kind.coerce_output_value(member) for member in members}
    return {**names, id(None): None} if nullable else names


_SIMPLE: Final = frozenset({str, int, bool, float, datetime})
"""Types of values that are no errors and need no waiting."""

_STRING: Final = ("v", "type(v := {}) is str")

_PLAIN: Final = {
    GraphQLString.coerce_output_value: _STRING,
    GraphQLID.coerce_output_value: _STRING,
    unchanged: _STRING,
    str: ("str(v)", "type(v := {}) is int"),
    GraphQLBoolean.coerce_output_value: ("v", "(v := {}) is True or v is False"),
    GraphQLInt.coerce_output_value: ("v", f"type(v := {{}}) is int and {GRAPHQL_MIN_INT} <= v <= {GRAPHQL_MAX_INT}"),
}
"""By serialiser: what is written for a plain value, and when a value is plain."""
