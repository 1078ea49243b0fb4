"""Strawberry's extensions without their cost per request: which hooks they have is found out once per schema."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, TypeAlias

from strawberry.extensions import SchemaExtension
from strawberry.extensions.context import (
    ExecutingContextManager,
    OperationContextManager,
    ParsingContextManager,
    ValidationContextManager,
)
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.types import ExecutionContext

Hook: TypeAlias = Callable[[Any], Iterator[None]]
"""A generator function of an extension class: what is ahead of its `yield` runs before a step, the rest after it."""


class Step(OperationContextManager, ParsingContextManager, ValidationContextManager, ExecutingContextManager):
    """One step of an operation, of whichever kind, between the halves of its hooks."""

    def __init__(self, hooks: Sequence[tuple[Hook, SchemaExtension]]) -> None:
        self._hooks = hooks
        self._begun: list[Iterator[None]] = []

    def __enter__(self) -> None:
        for hook, extension in self._hooks:
            halves = hook(extension)
            next(halves)
            self._begun.append(halves)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """The last hook first. One that raises makes the others see its error, none can hide that of the step."""
        seen = error
        while self._begun:
            seen = _end(self._begun.pop(), seen)
        if seen is not None and seen is not error:
            raise seen

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)


def _end(halves: Iterator[None], seen: BaseException | None) -> BaseException | None:
    """Runs the second half of a hook; gives the error that stands after it."""
    try:
        if seen is None:
            next(halves)
        else:
            halves.throw(seen)  # type: ignore[attr-defined]
    except StopIteration:
        return None
    except BaseException as error:  # noqa: BLE001 - raised when the other hooks have ended
        return error
    return RuntimeError("a hook has more than one yield")


class HookRunner(SchemaExtensionsRunner):
    """Runs the hooks of one request's extensions."""

    def __init__(self, execution_context: ExecutionContext, extensions: list[SchemaExtension], hooks: "Hooks") -> None:
        super().__init__(execution_context, extensions)
        self._hooks = hooks
        self._kinds = tuple(map(type, extensions))

    def operation(self) -> OperationContextManager:
        """Around all of an operation."""
        return self._step("on_operation")

    def parsing(self) -> ParsingContextManager:
        """Around reading the document."""
        return self._step("on_parse")

    def validation(self) -> ValidationContextManager:
        """Around the rules."""
        return self._step("on_validate")

    def executing(self) -> ExecutingContextManager:
        """Around the execution."""
        return self._step("on_execute")

    def get_extensions_results_sync(self) -> dict[str, Any]:
        """What the extensions add to the answer."""
        told: dict[str, Any] = {}
        for place in self._hooks.telling(self._kinds):
            told.update(self.extensions[place].get_results())  # type: ignore[arg-type]
        return told

    async def get_extensions_results(self, ctx: ExecutionContext) -> dict[str, Any]:
        """The same, with what has been noted."""
        return self.get_extensions_results_sync() | ctx.extensions_results

    def _step(self, name: str) -> Step:
        found = self._hooks.of(name, self._kinds)
        return Step([(hook, self.extensions[place]) for place, hook in found]) if found else _NOTHING


_NOTHING = Step(())


class Hooks:
    """The hooks of one schema's extensions, which are made anew for each request, but always of the same classes."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, tuple[type[SchemaExtension], ...]], tuple[tuple[int, Hook], ...]] = {}
        self._telling: dict[tuple[type[SchemaExtension], ...], tuple[int, ...]] = {}

    def runner(self, context: ExecutionContext, extensions: list[SchemaExtension]) -> HookRunner:
        """Runs them for one operation."""
        return HookRunner(context, extensions, self)

    def of(self, name: str, kinds: tuple[type[SchemaExtension], ...]) -> tuple[tuple[int, Hook], ...]:
        """The hooks of that name, each with the place of its class among `kinds`."""
        found = self._found.get((name, kinds))
        if found is None:
            hooks = [(place, getattr(kind, name)) for place, kind in enumerate(kinds)]
            found = tuple((place, hook) for place, hook in hooks if hook is not getattr(SchemaExtension, name))
            assert all(inspect.isgeneratorfunction(hook) for _, hook in found), "our hooks are generator functions"
            self._found[name, kinds] = found
        return found

    def telling(self, kinds: tuple[type[SchemaExtension], ...]) -> tuple[int, ...]:
        """The places among `kinds` of those that add to answers."""
        found = self._telling.get(kinds)
        if found is None:
            tellers = [kind.get_results for kind in kinds]
            found = tuple(place for place, tell in enumerate(tellers) if tell is not SchemaExtension.get_results)
            assert not any(inspect.iscoroutinefunction(tellers[place]) for place in found), "ours tell at once"
            self._telling[kinds] = found
        return found
