"""What clients of the last release ask is still answered, or the changelog says what is not.

`released.graphql` is the SDL of the last release: a release copies sent_graphql/schema/schema.graphql over it.
"""

from pathlib import Path

import pytest
from graphql import build_schema as read_sdl
from graphql import find_breaking_changes

from sent_graphql.schema.build import ServedSchema

RELEASED = Path(__file__).with_name("released.graphql")
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
OLD = "type Query { kept: Int gone: Int }"


def unreleased(changelog: str) -> str:
    """What the changelog says of the next release, on one line."""
    section = changelog.partition("\n## Unreleased\n")[2].partition("\n## ")[0]
    return " ".join(section.split())


def unannounced(old: str, new: str, changelog: str) -> list[str]:
    """Breaking changes, in graphql-core's words, that no entry `Breaking: …` of the changelog has."""
    _, *announced = unreleased(changelog).split("Breaking:")
    changes = find_breaking_changes(read_sdl(old), read_sdl(new))
    return [change.description for change in changes if not any(change.description in text for text in announced)]


def test_nothing_breaks_clients_of_the_last_release_without_notice(schema: ServedSchema) -> None:
    assert unannounced(RELEASED.read_text(), schema.as_str(), CHANGELOG.read_text()) == [], (
        "keep it, or write `Breaking:` and these words into CHANGELOG.md under Unreleased"
    )


def test_the_changelog_has_a_place_for_notices() -> None:
    assert "\n## Unreleased\n" in CHANGELOG.read_text()


@pytest.mark.parametrize(
    ("changelog", "left"),
    [
        ("\n## Unreleased\n\n- Something else.\n", ["Field Query.gone was removed."]),
        ("\n## Unreleased\n\n- Breaking: Field Query.gone\n  was removed. Ask `kept`.\n", []),
        ("\n## Unreleased\n\n- Field Query.gone was removed.\n", ["Field Query.gone was removed."]),
        (
            "\n## Unreleased\n\n## 1.0.0\n\n- Breaking: Field Query.gone was removed.\n",
            ["Field Query.gone was removed."],
        ),
    ],
)
def test_what_is_taken_away_has_to_be_announced_for_the_next_release(changelog: str, left: list[str]) -> None:
    assert unannounced(OLD, "type Query { kept: Int }", changelog) == left


def test_what_is_added_breaks_nobody() -> None:
    assert unannounced(OLD, "type Query { kept: Int gone: Int more(of: Int): Int }", "") == []
