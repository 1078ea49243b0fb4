"""docs/configuration.md against the settings: its tables are exactly the settings, with their defaults and bounds."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sent_graphql.cli.effective import toml_value
from sent_graphql.configuration import FLAGS, OTHER_VARIABLES, environment_name
from sent_graphql.configuration_errors import setting_fields

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"
FIELDS = dict(setting_fields())


@pytest.fixture(scope="module")
def text() -> str:
    return DOCUMENT.read_text()


def row(key: str, field: FieldInfo) -> str:
    """The line that documents a setting."""
    assert field.description
    meaning = field.description.replace("|", "\\|")
    return f"| `{key}` | {default(field)} | {allowed(field)} | {meaning} |"


def default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    return "unset" if field.default is None else f"`{toml_value(field.default)}`"


def allowed(field: FieldInfo) -> str:
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
            return f"list, at most {schema['maxItems']}" if "maxItems" in schema else "list"
        case {"type": "integer" | "number"}:
            kind = "whole number" if schema["type"] == "integer" else "number"
            bounds = [
                f"{words} {schema[name]:,g}"
                for name, words in (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"))
                if name in schema
            ]
            return " ".join([kind, *bounds])
    return "text"


@pytest.mark.parametrize("key", FIELDS)
def test_every_setting_is_documented_with_its_default_and_bounds(key: str, text: str) -> None:
    assert row(key, FIELDS[key]) in text.splitlines()


def test_every_documented_setting_exists(text: str) -> None:
    documented = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]

    assert [key for key in documented if "." in key or key in FIELDS] == list(FIELDS)


@pytest.mark.parametrize("key", FIELDS)
def test_every_setting_says_what_it_means(key: str) -> None:
    assert (FIELDS[key].description or "").endswith(".")


def test_the_flags_and_the_variables_that_are_no_settings_are_documented(text: str) -> None:
    for name in [*FLAGS.values(), *FLAGS, *OTHER_VARIABLES, environment_name("oxend.endpoints")]:
        assert f"`{name}" in text
