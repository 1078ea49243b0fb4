"""The documentation's questions can be asked as they stand."""

import re
from pathlib import Path

import pytest
from graphql import parse, validate

from sent_graphql.schema.build import build_schema
from sent_graphql.settings import GraphqlSettings

ROOT = Path(__file__).parents[1]
GRAPHQL = re.compile(r"```graphql\n(.*?)```", re.DOTALL)
QUESTIONS = [
    pytest.param(question, id=f"{page.name}-{place}")
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for place, question in enumerate(GRAPHQL.findall(page.read_text()))
]
PLACE = re.compile(r"`((?:benchmarks|config|deploy|requirements|scripts|tests)/[\w./-]*)[` ]")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("question", QUESTIONS)
def test_questions_in_the_documentation_are_valid(question: str) -> None:
    schema = build_schema(GraphqlSettings(), "mainnet")
    assert validate(schema._schema, parse(question)) == []


def test_pages_link_to_what_is_there() -> None:
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "oxend/README.md")]
    pages += [*(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
    missing = [
        f"{page.name}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert missing == []


def test_pages_name_files_that_are_there() -> None:
    named = {
        path
        for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"))
        for path in PLACE.findall(page.read_text())
    }
    assert "tests/schema/test_limits.py" in named
    assert sorted(path for path in named if not (ROOT / path).exists()) == []
