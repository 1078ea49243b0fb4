"""Writes the table of docs/limits.md from the schema: `.venv-test/bin/python scripts/document_costs.py`.

A test compares them, so that no field's cost is added, changed or removed without its documentation.
"""

from collections.abc import Iterator
from pathlib import Path

from sent_graphql.schema.build import build_schema
from sent_graphql.schema.field_costs import FieldCost
from sent_graphql.schema.fields import Effort
from sent_graphql.settings import GraphqlSettings

DOCUMENT = Path(__file__).parents[1] / "docs" / "limits.md"
HEADING = "## What each field costs\n"
OPENING = """\
Beside the one for each value that it shows. Fields that are not named here cost nothing more, and are no lists of
objects. The table is made from the schema's declarations."""


def documented(text: str) -> str:
    """`text` with its table as it should be, which is its last part."""
    table = ["| field | effort | counts as |", "|---|---|---|", *_rows()]
    return "\n".join([text.partition(HEADING)[0] + HEADING, OPENING, "", *table]) + "\n"


def _rows() -> Iterator[str]:
    fields = build_schema(GraphqlSettings(), "mainnet").costs.fields
    for (kind, name), cost in sorted(fields.items()):
        counted = _counted(cost)
        if cost.effort is not Effort.READ or counted:
            yield f"| `{kind}.{name}` | {cost.effort:,} | {counted or 'one value'} |"


def _counted(cost: FieldCost) -> str:
    if cost.takes_page:
        return "one page"
    if cost.in_page:
        return "the items of its page"
    return f"{cost.items:,} items" if cost.items > 1 else ""


if __name__ == "__main__":
    DOCUMENT.write_text(documented(DOCUMENT.read_text()))
