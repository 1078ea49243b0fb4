"""`db upgrade` and `db status`: what they say, what they leave, and which code they end with."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import URL
from typer.testing import Result

from sent_graphql.cli import exits

Invoked = Callable[..., Result]
Asked = Callable[..., Result]


@pytest.fixture
def asked(invoked: Invoked, tmp_path: Path) -> Asked:
    """Runs `sent-graphql db ARGUMENT` for stagenet, with its state in a directory of the test."""

    def ask(argument: str, **environ: str) -> Result:
        own = {"SENT_NETWORK": "stagenet", "SENT_CACHE__STATE_DIRECTORY": str(tmp_path / "state")}
        return invoked("db", argument, **own | environ)

    return ask


def url(of: URL) -> dict[str, str]:
    return {"SENT_DATABASE__URL": of.render_as_string(hide_password=False)}


def test_upgrade_makes_the_tables_and_may_be_run_again(asked: Asked, database_url: URL) -> None:
    for _ in range(2):
        result = asked("upgrade", **url(database_url))

        assert result.exit_code == exits.FINE, result.stderr
        assert "up to date" in result.output
        assert "chain 421614 and rewards contract 0x" in result.output


def test_status_is_fine_after_upgrade(asked: Asked, database_url: URL) -> None:
    asked("upgrade", **url(database_url))

    result = asked("status", **url(database_url))

    assert result.exit_code == exits.FINE
    assert "up to date" in result.output


def test_status_tells_of_a_missing_file_and_does_not_make_it(asked: Asked, tmp_path: Path) -> None:
    result = asked("status")

    assert result.exit_code == exits.UNAVAILABLE
    assert "sent-graphql db upgrade" in result.stderr
    assert not (tmp_path / "state").exists()


def test_status_of_a_database_without_tables_ends_with_69_and_names_the_command(
    asked: Asked, database_url: URL, tmp_path: Path
) -> None:
    (tmp_path / "test.db").touch()

    result = asked("status", **url(database_url))

    assert result.exit_code == exits.UNAVAILABLE
    assert "`sent-graphql db upgrade`" in result.output


@pytest.mark.parametrize("command", ["status", "upgrade"])
def test_another_networks_database_ends_with_78_and_names_both(asked: Asked, command: str, database_url: URL) -> None:
    asked("upgrade", **url(database_url))

    result = asked(command, SENT_NETWORK__CHAIN_ID="5", **url(database_url))

    assert result.exit_code == exits.MISCONFIGURED
    assert "chain 421614" in result.stderr
    assert "chain 5" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["status", "upgrade"])
def test_a_database_that_is_away_ends_with_69_without_its_password(asked: Asked, command: str) -> None:
    result = asked(command, SENT_DATABASE__URL="postgresql+asyncpg://joe:WORD@127.0.0.1:1/name?ssl=disable")

    assert result.exit_code == exits.UNAVAILABLE
    assert "the database cannot be reached" in result.stderr
    assert "WORD" not in result.stderr + result.output


def test_a_file_that_is_no_database_is_said_to_be_none_and_left_alone(asked: Asked, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)

    result = asked("upgrade", SENT_DATABASE__URL=f"sqlite+aiosqlite:///{path}")

    assert result.exit_code == exits.UNAVAILABLE
    assert "the file of the database is none" in result.stderr
    assert path.read_text().startswith("Dear Sir or Madam")


def test_the_default_is_a_file_in_the_state_directory(asked: Asked, tmp_path: Path) -> None:
    asked("upgrade")

    with sqlite3.connect(tmp_path / "state" / "stagenet.db") as connection:
        assert connection.execute("SELECT chain_id FROM network").fetchall() == [(421614,)]
    connection.close()


def test_the_embedded_local_network_has_none_to_look_after(asked: Asked) -> None:
    result = asked("upgrade", SENT_NETWORK="localdev")

    assert result.exit_code == exits.MISCONFIGURED
    assert "embedded local network" in result.stderr


def test_without_the_rewards_contract_the_setting_is_named(asked: Asked) -> None:
    result = asked("status", SENT_NETWORK="testnet")

    assert result.exit_code == exits.MISCONFIGURED
    assert "contracts.service_node_rewards is not set" in result.stderr
