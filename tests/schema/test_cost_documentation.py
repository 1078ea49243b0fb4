"""docs/limits.md against the schema: its table is exactly what the fields declare."""

import runpy
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def test_the_table_is_what_the_schema_says() -> None:
    text = (PROJECT / "docs" / "limits.md").read_text()
    script = runpy.run_path(str(PROJECT / "scripts" / "document_costs.py"))
    assert text.splitlines() == script["documented"](text).splitlines(), "run scripts/document_costs.py"
