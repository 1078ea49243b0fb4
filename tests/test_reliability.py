"""The table of faults names tests that exist."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TABLE = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TABLE)))
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ") and not line.startswith("| fault")]


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_every_test_that_the_table_of_faults_names_exists(file: str, test: str) -> None:
    module = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    assert test in {part.name for part in module.body if isinstance(part, ast.AsyncFunctionDef | ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS)
def test_every_row_names_fault_promise_and_test(row: str) -> None:
    _, fault, promise, test, _ = (cell.strip() for cell in row.split("|"))
    assert fault
    assert promise
    assert re.fullmatch(r"`[\w/]+\.py::test_\w+`", test)


@pytest.mark.parametrize(
    "module", sorted((TESTS / "integration" / "faults").glob("test_*.py")), ids=lambda path: path.name
)
def test_every_test_of_a_fault_is_in_the_table(module: Path) -> None:
    tests = {
        part.name
        for part in ast.parse(module.read_text(encoding="utf-8")).body
        if isinstance(part, ast.AsyncFunctionDef | ast.FunctionDef) and part.name.startswith("test_")
    }
    file = module.relative_to(TESTS).as_posix()
    assert tests == {test for named, test in NAMED if named == file}
