"""Hooks run as Strawberry runs them: in the same order, seeing the same errors."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import strawberry
from strawberry.extensions import SchemaExtension
from strawberry.extensions.runner import SchemaExtensionsRunner

from sent_graphql.schema.hooks import Hooks

BEHAVIOURS = ("passes", "raises first", "raises after", "hides", "replaces")


def extension(name: str, behaviour: str, log: list[str]) -> type[SchemaExtension]:
    """An extension that writes down what its hook sees."""

    class Logged(SchemaExtension):
        def on_validate(self) -> Iterator[None]:
            log.append(f"{name} begins")
            if behaviour == "raises first":
                raise LookupError(name)
            try:
                yield
            except Exception as error:
                log.append(f"{name} sees {error!r}")
                if behaviour == "hides":
                    return
                if behaviour == "replaces":
                    raise KeyError(name) from error
                raise
            log.append(f"{name} ends")
            if behaviour == "raises after":
                raise LookupError(name)

    return Logged


def outcome(log: list[str], step: Any, *, fails: bool) -> list[str]:
    """What is written down, and what comes out of the step."""
    try:
        with step:
            log.append("step")
            if fails:
                int("no number")
    except (ValueError, LookupError) as error:
        log.append(f"out comes {error!r}")
    return log


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(("first", "second"), list(itertools.product(BEHAVIOURS, BEHAVIOURS)))
def test_hooks_see_what_they_would_see_under_strawberry(first: str, second: str, fails: bool) -> None:
    def run(runner: Callable[[list[Any]], SchemaExtensionsRunner]) -> list[str]:
        log: list[str] = []
        extensions = [extension("one", first, log)(), SchemaExtension(), extension("two", second, log)()]
        return outcome(log, runner(extensions).validation(), fails=fails)

    context: Any = None
    ours = run(lambda extensions: Hooks().runner(context, extensions))
    assert ours == run(lambda extensions: SchemaExtensionsRunner(context, extensions))


def test_hooks_are_looked_up_once_for_the_same_extensions() -> None:
    log: list[str] = []
    logged, other = extension("one", "passes", log), extension("other", "passes", log)
    hooks = Hooks()
    found = hooks.of("on_validate", (logged,))
    assert hooks.of("on_validate", (logged,)) is found
    assert hooks.of("on_validate", (other,)) is not found


def test_a_hook_that_is_no_generator_is_not_passed_over() -> None:
    class Plain(SchemaExtension):
        async def on_validate(self) -> None:  # type: ignore[override]
            pass

    with pytest.raises(AssertionError, match="generator"):
        Hooks().of("on_validate", (Plain,))


async def test_an_operation_goes_through_every_step() -> None:
    log: list[str] = []

    class Steps(SchemaExtension):
        def on_operation(self) -> Iterator[None]:
            log.append("operation")
            yield
            log.append("end")

        def on_parse(self) -> Iterator[None]:
            log.append("parse")
            yield

        def on_validate(self) -> Iterator[None]:
            log.append("validate")
            yield

        def on_execute(self) -> Iterator[None]:
            log.append("execute")
            yield

    @strawberry.type
    class Query:
        answer: int = 42

    class Served(strawberry.Schema):
        hooks = Hooks()

        def create_extensions_runner(self, execution_context: Any, extensions: list[Any]) -> SchemaExtensionsRunner:
            return self.hooks.runner(execution_context, extensions)

    result = await Served(Query, extensions=[Steps]).execute("{ answer }", root_value=Query())
    assert result.data == {"answer": 42}
    assert log == ["operation", "parse", "validate", "execute", "end"]
