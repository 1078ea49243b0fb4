"""docs/configuration.md against the settings: its tables are exactly the settings, with their defaults and bounds."""

import runpy
from pathlib import Path

import pytest

from sent_graphql.configuration import FLAGS, OTHER_VARIABLES, environment_name
from sent_graphql.configuration_errors import setting_fields

PROJECT = Path(__file__).parents[2]
FIELDS = dict(setting_fields())


@pytest.fixture(scope="module")
def text() -> str:
    return (PROJECT / "docs" / "configuration.md").read_text()


def test_the_tables_are_what_the_settings_say(text: str) -> None:
    script = runpy.run_path(str(PROJECT / "scripts" / "document_settings.py"))

    assert text.splitlines() == script["documented"](text).splitlines(), "run scripts/document_settings.py"


@pytest.mark.parametrize("key", FIELDS)
def test_every_setting_is_documented_with_its_meaning(key: str, text: str) -> None:
    meaning = FIELDS[key].description or ""
    (row,) = (line for line in text.splitlines() if line.startswith(f"| `{key}` |"))

    assert meaning.endswith(".")
    assert row.endswith(f"| {meaning} |")


def test_every_documented_setting_exists(text: str) -> None:
    documented = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]

    assert [key for key in documented if "." in key or key in FIELDS] == list(FIELDS)


def test_the_flags_and_the_variables_that_are_no_settings_are_documented(text: str) -> None:
    for name in [*FLAGS.values(), *FLAGS, *OTHER_VARIABLES, environment_name("oxend.endpoints")]:
        assert f"`{name}" in text
