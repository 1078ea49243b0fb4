"""Writes the tables of docs/configuration.md from the settings: `.venv-test/bin/python scripts/document_settings.py`.

A test compares them, so that no setting is added, changed or removed without its documentation.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sent_graphql.cli.effective import toml_value
from sent_graphql.configuration_errors import setting_fields
from sent_graphql.settings import Settings

DOCUMENT = Path(__file__).parents[1] / "docs" / "configuration.md"
HEADING = "## All settings\n"
UNITS = "Times are in seconds, sizes in bytes, amounts in atomic units (1e-9 of a token)."


def documented(text: str) -> str:
    """`text` with its tables as they should be; they are its last part."""
    tables = [
        "\n".join([*_opening(section), *(_row(key, field) for key, field in fields)])
        for section, fields in groupby(setting_fields(), key=lambda item: item[0].rpartition(".")[0])
    ]
    return text.partition(HEADING)[0] + "\n\n".join([HEADING.strip(), UNITS, *tables]) + "\n"


def _opening(section: str) -> Iterator[str]:
    model = Settings.model_fields[section].annotation if section else None
    yield f"### `[{section}]`" if section else "### Of no table"
    yield ""
    yield str(model.__doc__).strip().splitlines()[0] if model else "They stand at the top of a file."
    yield ""
    yield "| key | default | allowed | meaning |"
    yield "|---|---|---|---|"


def _row(key: str, field: FieldInfo) -> str:
    meaning = str(field.description).replace("|", "\\|")
    return f"| `{key}` | {_default(field)} | {_allowed(field)} | {meaning} |"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    return "unset" if field.default is None else f"`{toml_value(field.default)}`"


def _allowed(field: FieldInfo) -> str:
    annotation: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    schema = TypeAdapter(annotation).json_schema()
    schema = next((part for part in schema.get("anyOf", []) if part.get("type") != "null"), schema)
    match schema:
        case {"enum": values}:
            return ", ".join(values)
        case {"const": value}:
            return str(value)
        case {"type": "boolean"}:
            return "true, false"
        case {"type": "array"}:
            return "list"
        case {"type": "integer" | "number"}:
            return " ".join(_bounds(schema))
    return "text"


def _bounds(schema: dict[str, Any]) -> Iterator[str]:
    yield "whole number" if schema["type"] == "integer" else "number"
    for name, words in (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to")):
        if name in schema:
            yield f"{words} {schema[name]:,g}"


if __name__ == "__main__":
    DOCUMENT.write_text(documented(DOCUMENT.read_text()))
