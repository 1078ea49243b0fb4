"""Random documents for any schema, random networks that may be ill, and what two schemas say to them."""

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import orjson
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    get_named_type,
    is_leaf_type,
)
from strawberry import Schema

Values = Mapping[str, list[Any]]
"""JSON values by the names of the scalars that take them."""


class DocumentWriter:
    """Writes one valid operation at random: fields, aliases, arguments, variables, conditions and fragments.

    The key of a field follows from what it is, so that fields that meet under one key can always be merged.
    """

    def __init__(self, schema: GraphQLSchema, values: Values, chance: random.Random, *, size: int = 30) -> None:
        self._schema = schema
        self._values = values
        self._chance = chance
        self._left = size
        self._variables: dict[str, str] = {}
        self._given: dict[str, Any] = {}
        self._arguments: list[str] = []
        self._fragments: dict[str, tuple[str, bool, str]] = {}

    def write(self, kind: str) -> tuple[str, dict[str, Any]]:
        """A document with one operation of that kind, and its variables."""
        root = {
            "query": self._schema.query_type,
            "mutation": self._schema.mutation_type,
            "subscription": self._schema.subscription_type,
        }[kind]
        assert root is not None
        if kind == "subscription":
            selections = "{ " + self._field(root, self._pick(root), depth=5, abstract=False, conditions=False) + " }"
        else:
            selections = self._selections(root, depth=6, abstract=False)
        declared = ", ".join(f"${name}: {text}" for name, text in self._variables.items())
        fragments = "".join(f" fragment {name} on {on} {text}" for name, (on, _, text) in self._fragments.items())
        return f"{kind} Q{f'({declared})' if declared else ''} {selections}{fragments}", self._given

    def _selections(self, kind: Any, depth: int, abstract: bool) -> str:
        chance = self._chance
        written = []
        for _ in range(chance.choice((1, 2, 3, 5, 8))):
            draw = chance.random()
            if isinstance(kind, GraphQLUnionType) or draw < 0.2:
                written.append(self._fragment(kind, depth, abstract))
            elif draw < 0.3 or not kind.fields:
                written.append(f"__typename{self._conditions()}")
            else:
                written.append(self._field(kind, self._pick(kind), depth, abstract))
        return "{ __typename " + " ".join(written) + " }" if chance.random() < 0.3 else "{ " + " ".join(written) + " }"

    def _pick(self, kind: Any) -> str:
        objects = [name for name, field in kind.fields.items() if not is_leaf_type(get_named_type(field.type))]
        pool = objects if objects and self._chance.random() < 0.5 else list(kind.fields)
        return str(self._chance.choice(pool))

    def _field(self, kind: Any, name: str, depth: int, abstract: bool, conditions: bool = True) -> str:
        field: GraphQLField = kind.fields[name]
        inner = get_named_type(field.type)
        self._left -= 1
        if not is_leaf_type(inner) and (depth <= 1 or self._left < 0) and conditions:
            return "__typename"
        arguments = self._written_arguments(field)
        key = f"{kind.name}_{name}" if abstract and isinstance(kind, GraphQLObjectType) else name
        if arguments:
            if arguments not in self._arguments:
                self._arguments.append(arguments)
            key = f"{key}_{self._arguments.index(arguments)}"
        elif self._chance.random() < 0.15:
            key = f"other_{key}"
        alias = "" if key == name else f"{key}: "
        below = "" if is_leaf_type(inner) else " " + self._below(inner, depth - 1)
        return f"{alias}{name}{arguments}{self._conditions() if conditions else ''}{below}"

    def _below(self, kind: Any, depth: int) -> str:
        return self._selections(kind, depth, abstract=isinstance(kind, GraphQLInterfaceType | GraphQLUnionType))

    def _fragment(self, kind: Any, depth: int, abstract: bool) -> str:
        chance = self._chance
        if depth <= 1 or self._left < 0:
            return "__typename"
        on = kind
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            on = chance.choice([*self._schema.get_possible_types(kind), kind])
        elif kind.interfaces and chance.random() < 0.3:
            on = chance.choice(kind.interfaces)
        abstract = abstract or isinstance(on, GraphQLInterfaceType)
        draw = chance.random()
        if draw < 0.3:
            fitting = [
                name
                for name, (on_name, inside, _) in self._fragments.items()
                if (on_name, inside) == (on.name, abstract)
            ]
            if fitting and chance.random() < 0.5:
                return f"...{chance.choice(fitting)}{self._conditions()}"
            text = self._selections(on, depth - 1, abstract)
            name = f"F{len(self._fragments)}"
            self._fragments[name] = on.name, abstract, text
            return f"...{name}{self._conditions()}"
        condition = "" if draw < 0.4 and on is kind else f" on {on.name}"
        return f"...{condition}{self._conditions()} {self._selections(on, depth - 1, abstract)}"

    def _conditions(self) -> str:
        chance = self._chance
        if chance.random() > 0.12:
            return ""
        value = chance.random() < 0.5
        if chance.random() < 0.4:
            return f" @{chance.choice(('include', 'skip'))}(if: {json.dumps(value)})"
        name = chance.choice(("condition", "otherCondition"))
        if name not in self._variables:
            self._variables[name] = "Boolean!"
            self._given[name] = value
        return f" @{chance.choice(('include', 'skip'))}(if: ${name})"

    def _written_arguments(self, field: GraphQLField) -> str:
        chance = self._chance
        written = []
        for name, argument in field.args.items():
            required = isinstance(argument.type, GraphQLNonNull) and argument.default_value is Undefined
            if not required and chance.random() < 0.6:
                continue
            value = self._value(argument.type)
            if chance.random() < 0.3:
                variable = f"v{len(self._variables)}"
                self._variables[variable] = str(argument.type)
                self._given[variable] = value
                written.append(f"{name}: ${variable}")
            else:
                written.append(f"{name}: {_literal(argument.type, value)}")
        return f"({', '.join(written)})" if written else ""

    def _value(self, kind: GraphQLInputType) -> Any:
        chance = self._chance
        if isinstance(kind, GraphQLNonNull):
            return self._value(kind.of_type)
        if isinstance(kind, GraphQLList):
            return [self._value(kind.of_type) for _ in range(chance.randrange(3))]
        if isinstance(kind, GraphQLEnumType):
            return chance.choice(list(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            if kind.is_one_of:
                name, field = chance.choice(list(kind.fields.items()))
                return {name: self._value(GraphQLNonNull(field.type))}
            return {
                name: self._value(field.type)
                for name, field in kind.fields.items()
                if chance.random() < 0.25
                or (isinstance(field.type, GraphQLNonNull) and field.default_value is Undefined)
            }
        return chance.choice(self._values[get_named_type(kind).name])


def _literal(kind: GraphQLInputType, value: Any) -> str:
    if isinstance(kind, GraphQLNonNull):
        return _literal(kind.of_type, value)
    if isinstance(kind, GraphQLList) and isinstance(value, list):
        return f"[{', '.join(_literal(kind.of_type, item) for item in value)}]"
    if isinstance(kind, GraphQLEnumType):
        return str(value)
    if isinstance(kind, GraphQLInputObjectType):
        return f"{{{', '.join(f'{name}: {_literal(kind.fields[name].type, item)}' for name, item in value.items())}}}"
    return json.dumps(value)


class Ready:
    """An awaitable that has its value already, and may be awaited again and again."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __await__(self) -> Any:
        yield from asyncio.sleep(0).__await__()
        return self._value


def _junk() -> list[Any]:
    """What no field should have, or not every field."""
    return [
        None,
        2**40,
        -1,
        True,
        1.5,
        "text",
        "",
        b"bytes",
        (),
        (None,),
        [],
        ["text"],
        "RUNNING",
        Undefined,
        object(),
        ValueError("ill"),
        Ready(7),
        Ready(None),
        (Ready(None), ValueError("ill")),
        {"a": 1},
        {},
    ]


class Illness:
    """Puts what does not belong there into structs."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._junk = _junk()

    def strike(self, *structs: msgspec.Struct) -> None:
        """One attribute of some of these."""
        for struct in structs:
            if self._chance.random() < 0.5:
                name = self._chance.choice(struct.__struct_fields__)
                msgspec.structs.force_setattr(struct, name, self._chance.choice(self._junk))


class Answer:
    """What an operation came to, in a form that can be compared."""

    def __init__(self, result: Any) -> None:
        self._value = result.data
        self.errors = [
            (
                error.message,
                error.path,
                error.locations,
                type(error.original_error).__name__,
                str(error.original_error),
            )
            for error in result.errors or ()
        ]

    @property
    def data(self) -> str:
        """All of it, whatever it is."""
        return json.dumps(self._value, default=repr)

    @property
    def json(self) -> bytes:
        """As it would be sent."""
        return orjson.dumps(self._value, default=repr)


@pytest.fixture(scope="session")
def answer() -> Callable[..., Answer]:
    """Executes one operation."""

    async def execute(schema: Schema, document: str, arguments: dict[str, Any]) -> Answer:
        result = await schema.execute(document, **arguments)
        while begun := asyncio.all_tasks() - {asyncio.current_task()}:  # what nobody waits for any more ends, too
            await asyncio.wait(begun)
        return Answer(result)

    return lambda schema, document, **arguments: asyncio.run(execute(schema, document, arguments))


@pytest.fixture(scope="session")
def writer() -> type[DocumentWriter]:
    """Who writes documents."""
    return DocumentWriter


@pytest.fixture(scope="session")
def illness() -> type[Illness]:
    """Who makes structs ill."""
    return Illness


@pytest.fixture(scope="session")
def ready() -> type[Ready]:
    """What has to be awaited."""
    return Ready
