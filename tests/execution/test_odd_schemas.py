"""What our own schema lacks, or may have one day: whatever a field is, it is answered as Strawberry answers it."""

import asyncio
import random
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any

import pytest
import strawberry
from graphql import GraphQLError, parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from strawberry.extensions import FieldExtension, SchemaExtension
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

from sent_graphql.execution.executor import compiled_execution
from sent_graphql.execution.plans import Plans
from sent_graphql.execution.projections import KEY


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class LeafModel(Struct):
    """A thing without others in it."""

    name: Any = "leaf"
    weight: Any = 1
    colour: Any = Colour.RED
    ratio: Any = 0.5
    tags: Any = ("a", None, "b")


class TwigModel(Struct):
    """Another one."""

    name: Any = "twig"


class BranchModel(Struct):
    """A thing with others in it."""

    name: Any
    leaf: Any
    leaves: Any
    rows: Any
    sparse: Any
    friends: Any
    either: Any
    branches: Any


class Shouting(FieldExtension):
    """Changes what a field gives."""

    def resolve(self, next_: Callable[..., Any], source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        return str(next_(source, info, **kwargs)).upper()


def _name(root: strawberry.Parent[Any]) -> Any:
    return root.name


async def _slow(root: strawberry.Parent[Any]) -> Any:
    await asyncio.sleep(0)
    return root.leaf


async def _counted(root: strawberry.Parent[Any], first: int, bad: bool = False) -> Any:
    await asyncio.sleep(0)
    if bad or first < 0:
        raise GraphQLError("bad", extensions={"code": "BAD"})
    return root.leaves[:first]


def _pure(root: strawberry.Parent[Any], info: strawberry.Info) -> Any:
    return info.context["leaf"] if root.name else root.leaf


def _some(
    root: strawberry.Parent[Any], info: strawberry.Info, first: int = 2, colours: list[Colour] | None = None
) -> Any:
    if first < 0:
        raise GraphQLError("bad", extensions={"code": "BAD"})
    return [leaf for leaf in root.leaves if colours is None or leaf.colour in colours][:first]


def _nosy(root: strawberry.Parent[Any], info: strawberry.Info) -> Any:
    return f"{info.field_name} of {root.name}"


def _keyed(root: strawberry.Parent[Any], _info: strawberry.Info) -> Any:
    return root.name


LOOKUPS: dict[str, Callable[[Any, Any], Any]] = {"pure": _pure, "nosy": _nosy, "some": _some, "keyed": _keyed}


@strawberry.interface
class Named:
    name: str

    @classmethod
    def resolve_type(cls, value: object, _info: object, _kind: object) -> str:
        return type(value).__name__.removesuffix("Model")


@strawberry.type
class Leaf(Named):
    weight: int
    colour: Colour
    ratio: float | None
    tags: list[str | None]
    keyed: str | None = strawberry.field(resolver=_keyed, metadata={KEY: "name"})
    loud: str = strawberry.field(resolver=_name, extensions=[Shouting()])

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, LeafModel)


@strawberry.type
class Twig(Named):
    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, TwigModel)


Either = Annotated[Leaf | Twig, strawberry.union("Either")]


@strawberry.type
class Branch(Named):
    leaf: Leaf
    leaves: list[Leaf]
    rows: list[list[Leaf]]
    sparse: list[Leaf | None] | None
    friends: list[Named]
    either: Either | None
    branches: list["Branch"]
    slow: Leaf = strawberry.field(resolver=_slow)
    counted: list[Leaf] = strawberry.field(resolver=_counted)
    pure: Leaf | None = strawberry.field(resolver=_pure)
    nosy: str = strawberry.field(resolver=_nosy)
    some: list[Leaf] = strawberry.field(resolver=_some)

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, BranchModel)


@strawberry.type
class Query:
    @strawberry.field
    def branch(self, info: strawberry.Info) -> Branch | None:
        result: Branch = info.context["branch"]
        return result

    @strawberry.field
    async def branches(self, info: strawberry.Info) -> list[Branch]:
        return [info.context["branch"]] * 3


def find_lookup(field: StrawberryField) -> Any:
    """The look-ups that are promised to be pure; one of them wants more than it is given."""
    return LOOKUPS.get(field.python_name)


def schema_with(execution: Any, *extensions: type[SchemaExtension]) -> strawberry.Schema:
    """The odd schema."""

    class Quiet(strawberry.Schema):
        def process_errors(self, *_: object) -> None:
            pass

    return Quiet(Query, types=[Leaf, Twig, Branch], execution_context_class=execution, extensions=extensions)


@pytest.fixture(scope="module")
def plain() -> strawberry.Schema:
    """Strawberry's own execution."""
    return schema_with(StrawberryGraphQLCoreExecutionContext)


@pytest.fixture(scope="module")
def ours() -> strawberry.Schema:
    """Compiled at once, never interrupted."""
    return schema_with(compiled_execution(Plans(find_lookup, worth=1), slice_seconds=3_600.0))


@pytest.fixture(scope="module")
def interrupted() -> strawberry.Schema:
    """Compiled at once, and interrupted before every single object."""
    return schema_with(compiled_execution(Plans(find_lookup, worth=1), slice_seconds=0.0))


def branch(chance: random.Random, depth: int = 2) -> BranchModel:
    """One with all that belongs to it."""
    leaves = [LeafModel(name=f"leaf {number}", weight=number) for number in range(chance.randrange(4))]
    return BranchModel(
        name=chance.choice(("", "branch")),
        leaf=LeafModel(),
        leaves=leaves,
        rows=([LeafModel(), LeafModel(colour=Colour.BLUE)], [], leaves),
        sparse=chance.choice((None, [None, LeafModel()])),
        friends=[LeafModel(), TwigModel()],
        either=chance.choice((None, LeafModel(), TwigModel())),
        branches=[branch(chance, depth - 1) for _ in range(chance.randrange(3) if depth else 0)],
    )


def within(value: Any) -> list[Any]:
    """All structs in a value."""
    if isinstance(value, Struct):
        return [value, *(part for name in value.__struct_fields__ for part in within(getattr(value, name)))]
    return [part for item in value for part in within(item)] if isinstance(value, list | tuple) else []


# When a field fails while others wait for their turn, graphql-core drops what of those has not begun.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(min_value=0))
def test_odd_fields_are_answered_alike(
    seed: int, ours: Any, interrupted: Any, plain: Any, writer: Any, illness: Any, answer: Any
) -> None:
    chance = random.Random(seed)
    values = {"Int": [0, 1, 2, -1], "Boolean": [False, False, True]}
    document, variables = writer(ours._schema, values, chance).write("query")
    assert validate(ours._schema, parse(document)) == []
    root = branch(chance)
    if chance.random() < 0.6:
        structs = within(root)
        illness(chance).strike(*chance.sample(structs, min(len(structs), chance.choice((1, 2, 5)))))
    asked = {"variable_values": variables, "context_value": {"branch": root, "leaf": LeafModel(name="other")}}
    wanted, got = answer(plain, document, **asked), answer(ours, document, **asked)
    assert (got.data, got.errors) == (wanted.data, wanted.errors)
    in_slices = answer(interrupted, document, **asked)
    assert in_slices.data == wanted.data
    assert bool(in_slices.errors) == bool(wanted.errors)


def test_extensions_that_look_at_every_field_see_every_field(plain: Any, answer: Any) -> None:
    seen: list[str] = []

    class Watching(SchemaExtension):
        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(info.field_name)
            return _next(root, info, *args, **kwargs)

    watched = schema_with(compiled_execution(Plans(find_lookup, worth=1)), Watching)
    question = "{ branch { name leaf { name } leaves { weight } } }"
    context = {"branch": branch(random.Random(1)), "leaf": None}
    assert answer(watched, question, context_value=context).data == answer(plain, question, context_value=context).data
    assert seen[:4] == ["branch", "name", "leaf", "name"]
