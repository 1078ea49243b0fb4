"""From a question to bytes: compiling, executing, serialising."""

from collections.abc import Callable
from itertools import count
from typing import Any

import orjson
import pytest
from contest.data import LIMITS, context
from contest.questions import list_of
from execution import SMALL

from sent_graphql.models.snapshot import Snapshot
from sent_graphql.schema.build import ServedSchema, build_schema

Benchmark = Any
"""pytest-benchmark ships no types."""

Run = Callable[[Any], Any]


@pytest.fixture(scope="session")
def schema() -> ServedSchema:
    """The service's own."""
    return build_schema(LIMITS, "mainnet")


def test_compile(benchmark: Benchmark, run: Run, schema: ServedSchema, shown: Snapshot) -> None:
    """A document that nobody has sent before: parsed, checked, priced, compiled, and executed on eight nodes."""
    fresh, asked = (list_of(8).replace("nodes {", f"a{number}: nodes {{", 1) for number in count()), context(shown)
    result = benchmark(lambda: run(schema.execute(next(fresh), context_value=asked)))
    assert result.errors is None


def test_execute_list(benchmark: Benchmark, run: Run, schema: ServedSchema, shown: Snapshot, nodes: int) -> None:
    """The list of all nodes, known already."""
    asked = context(shown)
    result = benchmark(lambda: run(schema.execute(list_of(nodes), context_value=asked)))
    assert len(result.data["serviceNodes"]["nodes"]) == nodes


@pytest.mark.parametrize("question", SMALL.values(), ids=SMALL)
def test_execute_small(benchmark: Benchmark, run: Run, schema: ServedSchema, shown: Snapshot, question: str) -> None:
    """Small questions, known already."""
    asked = context(shown)
    result = benchmark(lambda: run(schema.execute(question, context_value=asked)))
    assert result.errors is None


def test_serialise(benchmark: Benchmark, run: Run, schema: ServedSchema, shown: Snapshot, nodes: int) -> None:
    """The answer to the list of all nodes."""
    result = run(schema.execute(list_of(nodes), context_value=context(shown)))
    body = benchmark(lambda: orjson.dumps({"data": result.data}))
    assert len(body) > nodes
