"""Projections: functions, generated for a selection on an object type, that make its answer from a struct.

The source consists of fixed texts, numbered names and our own types' attribute names; what a user wrote (the keys of
the answer, the arguments of fields) is only ever referred to. A field that cannot be written in line is left to
graphql-core, with all of its object where that lies deeper.
"""

import keyword
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    is_leaf_type,
)
from graphql.execution.collect_fields import CollectedFields, FieldDetails, FieldDetailsList, GroupedFieldSet
from graphql.pyutils import UndefinedType
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from sent_graphql.execution.arguments import Call
from sent_graphql.execution.encoded_objects import EncodedObjects
from sent_graphql.execution.leaves import IrregularError, items_expression, leaf_expression

MAX_FIELDS: Final = 300
"""Fields written into one projection, so that making it takes a few milliseconds; further objects are left out."""

MAX_DEPTH: Final = 12
"""Levels of objects written into one projection."""

MAX_VALUES: Final = 6_000
"""Values of inner lists that go into one answer of a projection, which takes some 3 ms: longer lists are completed in
slices of their own."""

MAX_SHARED: Final = 10_000
"""Answers of looked-up objects that one execution remembers, so that each is made once however often it is met."""

WORTH_KEEPING: Final = 4
"""Fields that an object has to have to be kept in JSON: smaller ones are made as quickly as they are found."""

LOOKUP_VALUES: Final = 10
"""Values that a look-up counts as."""

KEY: Final = "key"
"""Metadata of looked-up fields: the attribute of a struct which alone tells their value in one execution."""

CONDITIONS: Final = frozenset({"include", "skip"})
"""The directives that graphql-core has obeyed when it has collected the fields of a selection."""

Lookup: TypeAlias = Callable[..., object]
"""Gives a field's value from the struct, a LookupInfo and the field's arguments, at once and always the same."""

FindLookup: TypeAlias = Callable[[StrawberryField], Lookup | None]
FindPlace: TypeAlias = Callable[[GraphQLObjectType], EncodedObjects | None]
"""Where to keep what one selection makes of a type's structs; null for types whose structs do not last."""

Collect: TypeAlias = Callable[[GraphQLObjectType, FieldDetailsList], CollectedFields]
Project: TypeAlias = Callable[[Any], Any]
"""Makes an object's answer of a struct; or, where that is what was made into code, the answer of one of its fields."""

Read: TypeAlias = Callable[[Call], Mapping[str, Any]]


class LookupInfo:
    """What look-ups may know of their request."""

    __slots__ = ("context",)

    def __init__(self, context: object) -> None:
        self.context = context


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """A selection on one object type, made into code.

    `make`: binds it to an execution: what its look-ups and lists may do, whether objects may be in JSON already, and
    its calls' arguments.
    `rest`: the fields that are left to graphql-core; their keys are in the answers as null, in their places.
    `size`: how many fields have been written.
    """

    make: Callable[[LookupInfo, "Allowance", bool, Sequence[Mapping[str, Any]]], Project]
    calls: Sequence[Call]
    rest: GroupedFieldSet
    size: int

    def bound(self, info: LookupInfo, read: Read, *, encodes: bool = False) -> Project | None:
        """The function for one value after the other; it raises whatever for values that are not plain.

        `read` gives the arguments of calls. Null where some cannot be used. `encodes`: objects that last may be given
        in JSON, as orjson's fragments.
        """
        try:
            arguments = [*map(read, self.calls)]
        except Exception:  # noqa: BLE001 - graphql-core meets the same error again, where the field is reached
            return None
        return self.make(info, Allowance(), encodes, arguments)


def attempt(project: Project, value: object) -> Any | None:  # noqa: ANN401
    """What `project` makes of `value`; null where graphql-core has to find out what is wrong with it, if anything."""
    try:
        return project(value)
    except Exception:  # noqa: BLE001 - graphql-core meets the same error again and reports it as it always does
        return None


class Allowance:
    """How many more values of lists may go into the answer that is being made."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = 0

    def renew(self) -> None:
        """Another answer begins."""
        self.left = MAX_VALUES

    def take(self, items: object, values: int) -> Sequence[Any]:
        """The items, of so many values each; IrregularError when those are too many, or there is no plain sequence."""
        if type(items) is not tuple and type(items) is not list:
            raise IrregularError
        self.left -= len(items) * values
        if self.left < 0:
            raise IrregularError
        return items


class RegularTypes(dict[type, bool]):
    """Whether values of a type are objects with attributes, and neither errors nor something to wait for."""

    def __missing__(self, kind: type) -> bool:
        self[kind] = is_regular = not issubclass(kind, Exception | Awaitable | UndefinedType | type(None))
        return is_regular


def projection(
    kind: GraphQLObjectType,
    details: FieldDetailsList,
    collect: Collect,
    find_lookup: FindLookup,
    find_place: FindPlace,
) -> Projection | None:
    """What `details` select on `kind`; null when none of it can be written."""
    return _Writer(collect, find_lookup, find_place).projection(kind, details)


def field_projection(
    kind: GraphQLObjectType,
    details: FieldDetailsList,
    collect: Collect,
    find_lookup: FindLookup,
    find_place: FindPlace,
) -> Projection | None:
    """One field of `kind` with all that is selected in it; null when some of that cannot be written."""
    return _Writer(collect, find_lookup, find_place).field(kind, details)


def whole_projection(
    kind: GraphQLObjectType,
    fields: GroupedFieldSet,
    collect: Collect,
    find_lookup: FindLookup,
    find_place: FindPlace,
) -> Projection | None:
    """All `fields` of a root type, whatever its value; null when some of that cannot be written."""
    return _Writer(collect, find_lookup, find_place).whole(kind, fields)


def may_encode(context: object) -> bool:
    """Whether results for this context may have objects in JSON, as orjson's fragments."""
    return getattr(context, "encodes", False) is True


class _Writer:
    """Writes the source of one projection."""

    def __init__(self, collect: Collect, find_lookup: FindLookup, find_place: FindPlace) -> None:
        self._collect = collect
        self._find_lookup = find_lookup
        self._find_place = find_place
        self._constants: dict[str, object] = {}
        self._functions: list[str] = []
        self._calls: list[Call] = []
        self._fields = 0
        self._lookups = 0
        self._values = 0
        self._regular = self._bind(RegularTypes())
        self._irregular = self._bind(IrregularError)

    def projection(self, kind: GraphQLObjectType, details: FieldDetailsList) -> Projection | None:
        grouped = self._grouped(kind, details)
        if grouped is None:
            return None
        written = {key: self._field(kind, field, depth=1) for key, field in grouped.items()}
        rest = {key: grouped[key] for key, text in written.items() if text is None}
        if len(rest) == len(grouped):
            return None
        self._write("project", kind, {key: text or "None" for key, text in written.items()}, [_RENEW])
        if not rest and not self._lookups:
            self._keep("project", kind, self._fields)
        return self._made(rest)

    def field(self, kind: GraphQLObjectType, details: FieldDetailsList) -> Projection | None:
        text = self._field(kind, details, depth=1)
        if text is None:
            return None
        self._functions.append(f"    def project(o):\n        {_RENEW}\n        return {text}")
        return self._made({})

    def whole(self, kind: GraphQLObjectType, fields: GroupedFieldSet) -> Projection | None:
        written = {}
        for key, details in fields.items():
            text = self._field(kind, details, depth=1)
            if text is None:
                return None
            written[key] = text
        self._functions.append(_function("project", [_RENEW], {self._bind(key): text for key, text in written.items()}))
        return self._made({})

    def _made(self, rest: GroupedFieldSet) -> Projection:
        arguments = [f"    a{place} = arguments[{place}]" for place in range(len(self._calls))]
        begin = ["def make(info, allowance, encodes, arguments):", "    take = allowance.take"]
        source = "\n".join([*begin, *arguments, *self._functions, _RETURN])
        exec(compile(source, "<projection>", "exec"), self._constants)  # noqa: S102 - nothing of a user's is in it
        return Projection(self._constants["make"], tuple(self._calls), rest, self._fields)  # type: ignore[arg-type]

    def _object(self, kind: GraphQLObjectType, details: FieldDetailsList, depth: int) -> str | None:
        """The name of a function that answers for an inner object; null unless all of it can be written."""
        grouped = self._grouped(kind, details) if depth <= MAX_DEPTH else None
        if grouped is None:
            return None
        fields, lookups = self._fields, self._lookups
        written = {}
        for key, field in grouped.items():
            text = self._field(kind, field, depth)
            if text is None:
                return None
            written[key] = text
        name = f"object_{len(self._functions)}"
        self._write(name, kind, written)
        if self._lookups == lookups:
            self._keep(name, kind, self._fields - fields)
        return name

    def _keep(self, name: str, kind: GraphQLObjectType, fields: int) -> None:
        """Has the objects that a function makes kept, where that pays: nothing but their structs is in them."""
        place = self._find_place(kind) if fields >= WORTH_KEEPING else None
        if place is not None:
            self._functions.append(f"    if encodes: {name} = {self._bind(place.keeping)}({name})")

    def _shared(self, name: str) -> str:
        """The name of a function that makes the answer of an object once: of several equal ones it gives the same."""
        shared, made = f"shared_{len(self._functions)}", f"made_{len(self._functions)}"
        self._functions.append(_SHARED.format(shared=shared, made=made, answer=name, most=MAX_SHARED))
        return shared

    def _write(self, name: str, kind: GraphQLObjectType, fields: dict[str, str], begin: Sequence[str] = ()) -> None:
        checks = [f"if not {self._regular}[type(o)]: raise {self._irregular}"]
        if kind.is_type_of is not None:
            checks.append(f"if not {self._bind(kind.is_type_of)}(o, info): raise {self._irregular}")
        written = {self._bind(key): text for key, text in fields.items()}
        self._functions.append(_function(name, [*begin, *checks], written))

    def _grouped(self, kind: GraphQLObjectType, details: FieldDetailsList) -> GroupedFieldSet | None:
        collected = self._collect(kind, details)
        return None if collected.new_defer_usages else collected.grouped_field_set

    def _field(self, kind: GraphQLObjectType, details: FieldDetailsList, depth: int) -> str | None:
        """The expression for one field of the object `o`; null when graphql-core has to execute it."""
        self._fields += 1
        self._values += 1
        if self._fields > MAX_FIELDS or not all(map(_is_plain, details)):
            return None
        name = details[0].node.name.value
        if name == "__typename":
            return self._bind(kind.name)
        definition = kind.fields.get(name)
        field = None if definition is None else definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if definition is None or not isinstance(field, StrawberryField):
            return None
        value = self._value(field, definition, details[0].node)
        text = None if value is None else self._completed(definition.type, value, details, depth)
        return self._keyed(field.metadata[KEY], text) if text is not None and KEY in field.metadata else text

    def _keyed(self, attribute: str, text: str) -> str:
        """The expression for an answer that is made once for each value of the attribute."""
        keyed, made = f"keyed_{len(self._functions)}", f"answers_{len(self._functions)}"
        self._functions.append(_KEYED.format(keyed=keyed, made=made, key=attribute, answer=text, most=MAX_SHARED))
        return f"({made}.get(o.{attribute}) or {keyed}(o))"

    def _value(self, field: StrawberryField, definition: GraphQLField, node: FieldNode) -> str | None:
        """The expression for what the field's resolver would give."""
        if field.is_basic_field:
            name = field.python_name
            is_attribute = name.isidentifier() and not keyword.iskeyword(name) and field.default_resolver is getattr
            return f"o.{name}" if is_attribute else None
        lookup = self._find_lookup(field)
        if lookup is None:
            return None
        self._lookups += 1
        self._values += LOOKUP_VALUES
        if not definition.args:
            return f"{self._bind(lookup)}(o, info{_LOOKED_UP}"
        self._calls.append(Call(field, definition, node))
        return f"{self._bind(lookup)}(o, info, **a{len(self._calls) - 1}{_LOOKED_UP}"

    def _completed(self, kind: GraphQLOutputType, value: str, details: FieldDetailsList, depth: int) -> str | None:
        """The expression for `value` completed as `kind`."""
        nullable = not isinstance(kind, GraphQLNonNull)
        inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if is_leaf_type(inner):
            return leaf_expression(inner, value, nullable=nullable, bind=self._bind)
        if isinstance(inner, GraphQLList):
            text = self._items(inner.of_type, details, depth)
        elif isinstance(inner, GraphQLObjectType):
            name = self._object(inner, details, depth + 1)
            name = self._shared(name) if name is not None and value.endswith(_LOOKED_UP) else name
            text = None if name is None else f"{name}({{}})"
        else:
            return None
        if text is None:
            return None
        return f"None if (v := {value}) is None else {text.format('v')}" if nullable else text.format(value)

    def _items(self, kind: GraphQLOutputType, details: FieldDetailsList, depth: int) -> str | None:
        """The expression for a list, in which `{}` stands for its items as they come."""
        nullable = not isinstance(kind, GraphQLNonNull)
        inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if is_leaf_type(inner):
            return items_expression(inner, "take({}, 1)", nullable=nullable, bind=self._bind)
        if nullable or not isinstance(inner, GraphQLObjectType):
            return None
        before = self._values
        name = self._object(inner, details, depth + 1)
        return None if name is None else f"[*map({name}, take({{}}, {self._values - before}))]"

    def _bind(self, constant: object) -> str:
        name = f"c{len(self._constants)}"
        self._constants[name] = constant
        return name


_LOOKED_UP: Final = ")"
"""What expressions of looked-up values end with, and those of attributes do not."""

_SHARED: Final = """\
    {made} = {{}}
    def {shared}(o):
        kept = {made}.get(id(o))
        if kept is not None: return kept[1]
        answer = {answer}(o)
        if len({made}) < {most}: {made}[id(o)] = o, answer
        return answer"""
"""Each object is kept beside its answer, so that its identity stays its own."""

_KEYED: Final = """\
    {made} = {{}}
    def {keyed}(o):
        answer = {answer}
        if len({made}) < {most}: {made}[o.{key}] = answer
        return answer"""

_RENEW: Final = "allowance.renew()"
_RETURN: Final = "    return project"


def _function(name: str, begin: Sequence[str], fields: Mapping[str, str]) -> str:
    """A function that makes a dict of `o`; its keys are names."""
    lines = [*begin, "return {", *[f"    {key}: {text}," for key, text in fields.items()], "}"]
    return "\n".join([f"    def {name}(o):", *(f"        {line}" for line in lines)])


def _is_plain(field: FieldDetails) -> bool:
    """Nothing is said of the field but what it is called, and under which conditions it is there."""
    return (
        field.defer_usage is None
        and field.fragment_variable_values is None
        and all(directive.name.value in CONDITIONS for directive in field.node.directives or ())
    )
