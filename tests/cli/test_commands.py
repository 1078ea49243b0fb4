"""What users read and which code they get, command by command."""

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from sent_graphql import __version__
from sent_graphql.cli import exits
from sent_graphql.configuration import FLAGS
from sent_graphql.settings import Settings

Invoked = Callable[..., Result]
PROJECT = Path(__file__).parents[2]


class TestHelp:
    @pytest.mark.parametrize("command", ["serve", "doctor", "db", "schema", "config", "make-registration"])
    def test_every_command_explains_itself_and_its_exit_codes(self, invoked: Invoked, command: str) -> None:
        result = invoked(command, "--help")

        assert result.exit_code == exits.FINE
        for code in (exits.FAILED, exits.USAGE, exits.UNAVAILABLE, exits.ROOT_REFUSED, exits.MISCONFIGURED):
            assert str(code) in result.output

    def test_serve_shows_examples_and_every_flag(self, invoked: Invoked) -> None:
        output = invoked("serve", "--help").output

        assert "sent-graphql serve --network mainnet" in output
        for flag in ["--network", "--config", "--reload", *FLAGS.values()]:
            assert flag in output

    def test_no_command_shows_the_help(self, invoked: Invoked) -> None:
        assert "doctor" in invoked().output

    def test_the_version(self, invoked: Invoked) -> None:
        assert invoked("--version").output == f"sent-graphql {__version__}\n"

    def test_python_dash_m_is_the_same(self) -> None:
        run = subprocess.run(
            [sys.executable, "-m", "sent_graphql", "--version"], capture_output=True, text=True, check=True, cwd="/"
        )

        assert run.stdout == f"sent-graphql {__version__}\n"


class TestWrongUsage:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["dance"],
            ["serve", "--dance"],
            ["serve", "--port", "70000"],
            ["serve", "--port", "x"],
            ["serve", "--nodes", "0"],
            ["serve", "--seed", "-1"],
            ["serve", "--log-level", "loud"],
            ["serve", "--network", "stagenet", "--nodes", "5"],
            ["serve", "--network", "stagenet", "--seed", "5"],
        ],
    )
    def test_it_ends_with_2_and_says_why(self, invoked: Invoked, arguments: list[str]) -> None:
        result = invoked(*arguments)

        assert result.exit_code == exits.USAGE
        assert "Error" in result.stderr
        assert "Traceback" not in result.stderr


class TestUnusableConfiguration:
    def test_serve_ends_with_78_and_names_file_and_key(self, invoked: Invoked, tmp_path: Path) -> None:
        path = tmp_path / "own.toml"
        path.write_text("[http]\nprot = 80")

        result = invoked("serve", "--config", str(path))

        assert result.exit_code == exits.MISCONFIGURED
        assert f"{path}: http.prot: there is no such setting. Did you mean http.port?" in result.stderr
        assert "Traceback" not in result.stderr

    def test_serve_without_the_rewards_contract_names_the_setting(self, invoked: Invoked) -> None:
        result = invoked("serve", "--network", "testnet")

        assert result.exit_code == exits.MISCONFIGURED
        assert "contracts.service_node_rewards is not set" in result.stderr

    @pytest.mark.parametrize("command", ["serve", "doctor", "config"])
    def test_an_unknown_variable_stops_every_command(self, invoked: Invoked, command: str) -> None:
        result = invoked(command, SENT_QUUX="1")

        assert result.exit_code == exits.MISCONFIGURED
        assert "SENT_QUUX" in result.stderr

    def test_network_and_file_may_come_from_the_environment(self, invoked: Invoked, tmp_path: Path) -> None:
        path = tmp_path / "own.toml"
        path.write_text("http.port = 81")

        output = invoked("config", SENT_NETWORK="devnet", SENT_CONFIG=str(path)).output

        assert 'name = "devnet"' in output
        assert "port = 81" in output


class TestConfig:
    def test_it_prints_every_setting_as_toml_that_reads_back(self, invoked: Invoked) -> None:
        output = invoked("config", "--network", "stagenet").output

        read = Settings.model_validate(tomllib.loads(output))
        assert read.network.chain_id == 421614
        for section, field in Settings.model_fields.items():
            assert section in output, field
        for key in Settings.model_fields["contracts"].annotation.model_fields:  # type: ignore[union-attr]
            assert f"{key} " in output

    def test_it_tells_where_each_value_came_from(self, invoked: Invoked) -> None:
        lines = invoked("config", "--network", "stagenet", SENT_HTTP__PORT="81").output.splitlines()

        assert "port = 81  # SENT_HTTP__PORT" in lines
        assert 'host = "127.0.0.1"  # default' in lines
        assert "# deployment_block is unset  # default" in lines
        assert any(line.startswith("chain_id = 421614  # ") and line.endswith("config/stagenet.toml") for line in lines)

    def test_secrets_are_masked(self, invoked: Invoked) -> None:
        output = invoked(
            "config", "--network", "mainnet", SENT_CONTRACTS__RPC_URLS="https://u:KEY@rpc.example/KEY"
        ).output

        assert 'rpc_urls = ["https://rpc.example/…"]  # SENT_CONTRACTS__RPC_URLS' in output
        assert "KEY" not in output


def test_schema_prints_the_sdl(invoked: Invoked) -> None:
    result = invoked("schema")

    assert result.exit_code == exits.FINE
    assert "type Query {" in result.output


def test_an_installed_package_brings_its_networks(tmp_path: Path) -> None:
    """A wheel is built, unpacked elsewhere and used from there."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    unpacked = tmp_path / "unpacked"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(unpacked)], check=True)

    run = subprocess.run(
        [sys.executable, "-m", "sent_graphql", "config", "--network", "mainnet"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )

    assert f'endpoints = ["ipc://{tmp_path}/oxend/mainnet.sock"]' in run.stdout
    assert "sent_graphql/config/mainnet.toml" in run.stdout
