"""Arguments of looked-up fields, read once for all values of an execution that they are the same for."""

from collections.abc import Mapping
from typing import Any

from graphql import FieldNode, GraphQLField, GraphQLSchema, ValueNode, VariableNode, Visitor, visit
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField


class Call:
    """A looked-up field with the arguments that a document gives it."""

    def __init__(self, field: StrawberryField, definition: GraphQLField, node: FieldNode) -> None:
        self._field = field
        self._definition = definition
        self._node = node
        self._is_constant = not any(_has_variable(argument.value) for argument in node.arguments or ())
        self._constant: Mapping[str, Any] | None = None

    def arguments(self, schema: GraphQLSchema, variables: VariableValues) -> Mapping[str, Any]:
        """What the look-up is called with, by the names that it has for them; raises where a value cannot be used."""
        if self._constant is not None:
            return self._constant
        given = get_argument_values(self._definition, self._node, variables)
        served = schema._strawberry_schema  # type: ignore[attr-defined]  # noqa: SLF001 - as Strawberry's Info has it
        read = convert_arguments(
            given,
            self._field.arguments,
            scalar_registry=served.schema_converter.scalar_registry,
            config=served.config,
        )
        if self._is_constant:
            self._constant = read
        return read


class _Variables(Visitor):
    """Finds out whether there is one."""

    found = False

    def enter_variable(self, _node: VariableNode, *_: object) -> None:
        """Note it."""
        self.found = True


def _has_variable(value: ValueNode) -> bool:
    variables = _Variables()
    visit(value, variables)
    return variables.found
