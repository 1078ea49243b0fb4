"""Values that cannot be used, refused before anything is resolved: the error names the argument and what it wants.

Literals are checked by a validation rule, which knows the argument. Variables are checked when the operation
begins, where only the variable is known; the argument is then found in the document.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    GraphQLInputType,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    VisitorAction,
    print_ast,
    visit,
)
from graphql.language import SKIP
from graphql.utilities.validate_input_value import validate_input_literal
from strawberry.exceptions import StrawberryInputCoercionError

from sent_graphql.resolvers.errors import BAD_USER_INPUT

MAX_SHOWN_LENGTH: Final = 60
"""Characters of a refused value that an error repeats."""

_REFUSED_ARGUMENT = re.compile(r"Argument '(?P<name>\w+)' has invalid value(?: at (?P<path>[^: ]+))?:")
_REFUSED_VARIABLE = re.compile(r"Variable '\$\w+' has invalid value(?: at (?P<path>[^: ]+))?:")
_NULL_KEY = re.compile(r"Value for member field '(?P<name>\w+)' must be non-null")


def refused_value(scalar: str, value: object, wanted: str) -> GraphQLError:
    """The error of a scalar that cannot be read from `value`; `wanted` says what could be."""
    shown = repr(value)
    if len(shown) > MAX_SHOWN_LENGTH:
        shown = shown[: MAX_SHOWN_LENGTH - 1] + "…"
    return GraphQLError(f"{shown} cannot be read as {scalar}: {wanted}", extensions={"code": BAD_USER_INPUT})


class NamedValuesRule(ValuesOfCorrectTypeRule):
    """graphql-core's check of literals, with errors that name the argument and carry a code."""

    _place = ""

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        """The values that follow belong to this argument."""
        self._place = node.name.value

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: object) -> None:
        """The value that follows is this variable's default."""
        self._place = f"${node.variable.name.value}"

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> VisitorAction:
        """Check one whole value; graphql-core calls this for its outermost node."""
        if input_type:

            def report(error: GraphQLError, path: Sequence[str | int]) -> None:
                if isinstance(error.original_error, ValueError):  # Python's, which reads no number of that length
                    error = refused_value("a number", print_ast(node), "it has too many digits")
                self.report_error(named_refusal(error, self._place + _written(path), [node]))

            validate_input_literal(node, input_type, report, None, None, self.context.hide_suggestions)
        return SKIP


def named_refusal(error: GraphQLError, argument: str, nodes: Sequence[Node] = ()) -> GraphQLError:
    """The same refusal with the argument's name, in the message and beside it."""
    return GraphQLError(
        f"`{argument}`: {error.message}",
        nodes=list(nodes) or error.nodes,
        path=error.path,
        original_error=error.original_error,
        extensions={**(error.extensions or {}), "code": BAD_USER_INPUT, "argument": argument},
    )


def is_argument_refusal(error: GraphQLError) -> bool:
    """Whether graphql-core refused an argument when it came to its field: a null in a variable may be seen so late."""
    return _REFUSED_ARGUMENT.match(error.message) is not None


def refused_argument(error: GraphQLError, document: DocumentNode, variables: Mapping[str, object]) -> str | None:
    """The argument of which `error` refuses the value, where the error itself does not name it; else null.

    `variables` are those given with `document`. The text of graphql-core's errors is the only place where it says what
    they are about.
    """
    if refusal := _REFUSED_ARGUMENT.match(error.message):
        return refusal["name"] + (refusal["path"] or "")
    node = error.nodes[0] if error.nodes else None
    if isinstance(node, VariableDefinitionNode) and (refusal := _REFUSED_VARIABLE.match(error.message)):
        return _argument_of(node, document) + (refusal["path"] or "")
    if isinstance(error, StrawberryInputCoercionError):
        return _one_of_argument(error, node, document, variables)
    return None


def _one_of_argument(
    error: GraphQLError, node: Node | None, document: DocumentNode, variables: Mapping[str, object]
) -> str | None:
    """Strawberry points at the literal that has not exactly one key, or names the variable's type or its null key."""
    if node is not None:
        return _first_use(lambda value: value is node, document)
    null_key = _NULL_KEY.match(error.message)
    refused = None if null_key is None else {null_key["name"]: None}
    operations = (definition for definition in document.definitions if isinstance(definition, OperationDefinitionNode))
    for variable in (variable for operation in operations for variable in operation.variable_definitions or ()):
        has_type = f"'{print_ast(variable.type).strip('!')}'" in error.message
        if has_type or (refused is not None and variables.get(variable.variable.name.value) == refused):
            return _argument_of(variable, document)
    return None


def _argument_of(variable: VariableDefinitionNode, document: DocumentNode) -> str:
    """Where the document first uses the variable; the variable itself when nowhere."""
    name = variable.variable.name.value
    use = _first_use(lambda value: isinstance(value, VariableNode) and value.name.value == name, document)
    return use or f"${name}"


def _first_use(is_it: Callable[[ValueNode], bool], document: DocumentNode) -> str | None:
    """The place of the first value in the document that is the one sought, as `filter.operator`."""
    finder = _ValueFinder(is_it)
    visit(document, finder)
    return finder.found


class _ValueFinder(Visitor):
    """Finds the first argument that is or holds a value."""

    def __init__(self, is_it: Callable[[ValueNode], bool]) -> None:
        super().__init__()
        self._is_it = is_it
        self.found: str | None = None

    def enter_argument(self, node: ArgumentNode, *_: object) -> VisitorAction:
        """Search the argument's value unless the search has ended."""
        if self.found is None:
            self.found = self._search(node.value, node.name.value)
        return SKIP

    def _search(self, value: ValueNode, place: str) -> str | None:
        if self._is_it(value):
            return place
        inner: list[tuple[ValueNode, str]] = []
        if isinstance(value, ObjectValueNode):
            inner = [(field.value, f"{place}.{field.name.value}") for field in value.fields]
        elif isinstance(value, ListValueNode):
            inner = [(item, f"{place}[{index}]") for index, item in enumerate(value.values)]
        searched = (self._search(*part) for part in inner)
        return next((found for found in searched if found is not None), None)


def _written(path: Sequence[str | int]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
