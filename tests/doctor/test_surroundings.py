"""What the service stands on."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sent_graphql.configuration import load_settings
from sent_graphql.doctor.findings import Finding, Verdict
from sent_graphql.doctor.surroundings import examine_surroundings
from sent_graphql.settings import Settings

AS_NOBODY = """
import json, os, sys
import msgspec
from pathlib import Path
from sent_graphql.doctor.surroundings import _state

if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print(json.dumps(msgspec.to_builtins(_state(Path(sys.argv[1])))))
"""


def settings(network: str | None = None, **environ: str) -> Settings:
    return load_settings(network, None, {}, environ).settings


def about(word: str, settings: Settings) -> Finding:
    (finding,) = (finding for finding in examine_surroundings(settings) if finding.subject.startswith(word))
    return finding


def test_python_is_told() -> None:
    assert about("Python", settings()).verdict is Verdict.FINE


class TestOxenPackages:
    @pytest.fixture
    def packages(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A directory of modules; what is not in it, nor installed, is missing."""
        monkeypatch.syspath_prepend(tmp_path)
        return tmp_path

    def test_where_they_are_missing_it_is_told_how_to_install_them(self, packages: Path) -> None:
        (packages / "oxenmq.py").touch()
        finding = about("oxenmq", settings())

        assert finding.verdict is Verdict.NOTE
        assert "not installed: oxenc" in finding.detail
        assert "python3-oxenmq python3-oxenc" in finding.remedies[0]

    def test_where_they_are_installed_all_is_fine(self, packages: Path) -> None:
        (packages / "oxenmq.py").touch()
        (packages / "oxenc.py").touch()

        assert about("oxenmq", settings(SENT_OXEND__TRANSPORT="oxenmq")).verdict is Verdict.FINE

    def test_where_a_setting_wants_it_its_absence_is_a_fault(self, packages: Path) -> None:
        (packages / "oxenc.py").touch()
        finding = about("oxenmq", settings(SENT_OXEND__TRANSPORT="oxenmq"))

        assert finding.verdict is Verdict.WRONG
        assert "SENT_OXEND__TRANSPORT=auto" in finding.remedies[0]


class TestStateDirectory:
    def test_one_that_is_there_is_written_to(self, tmp_path: Path) -> None:
        assert about("state", settings("stagenet", SENT_DIRECTORY=str(tmp_path.parent))).verdict is Verdict.FINE
        (tmp_path / "state").mkdir()
        finding = about("state", settings("stagenet", SENT_DIRECTORY=str(tmp_path)))

        assert finding.detail == "writable"
        assert list((tmp_path / "state").iterdir()) == []

    def test_one_that_is_not_will_be_made(self, tmp_path: Path) -> None:
        assert about("state", settings("stagenet", SENT_DIRECTORY=str(tmp_path / "a" / "b"))).detail == "will be made"
        assert list(tmp_path.iterdir()) == []

    def test_a_file_in_its_place_is_a_fault(self, tmp_path: Path) -> None:
        (tmp_path / "state").touch()
        finding = about("state", settings("stagenet", SENT_DIRECTORY=str(tmp_path)))

        assert finding.verdict is Verdict.WRONG
        assert f"mv {tmp_path}/state {tmp_path}/state.old" in finding.remedies[0]

    @pytest.mark.parametrize("name", ["there", "absent"])
    def test_no_permission_names_command_and_setting(self, directory: Path, name: str) -> None:
        (directory / "there").mkdir(mode=0o555)
        if os.geteuid():
            directory.chmod(0o555)

        run = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(directory / name)], capture_output=True, text=True, check=True
        )
        finding = json.loads(run.stdout)

        assert finding["verdict"] == "wrong"
        assert f"sudo install -d -o $(id -un) {directory}/{name}" in finding["remedies"][0]
        assert "SENT_CACHE__STATE_DIRECTORY" in finding["remedies"][1]


class TestAddress:
    def test_a_free_one(self) -> None:
        assert about("address", settings(SENT_HTTP__PORT="0")).detail == "a free port will be taken"
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        assert about("address", settings(SENT_HTTP__PORT=str(port))).verdict is Verdict.FINE

    def test_a_taken_one_is_noted(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            finding = about("address", settings(SENT_HTTP__PORT=str(port)))

        assert finding.verdict is Verdict.NOTE
        assert f"sport = :{port}" in finding.remedies[0]

    def test_a_host_that_is_not_this_machines_is_noted(self) -> None:
        assert about("address", settings(SENT_HTTP__HOST="192.0.2.1")).verdict is Verdict.NOTE


class TestEmbeddedNetwork:
    def test_it_needs_its_packages(self) -> None:
        assert about("local network", settings()).verdict is Verdict.FINE

    def test_it_keeps_no_state(self) -> None:
        assert not [finding for finding in examine_surroundings(settings()) if finding.subject.startswith("state")]

    def test_its_socket_can_be_made(self, directory: Path) -> None:
        assert about("socket", settings(SENT_DIRECTORY=str(directory / "new"))).verdict is Verdict.FINE

    @pytest.mark.parametrize(
        ("endpoint", "why"),
        [
            (f"ipc:///tmp/{'x' * 110}", "115 bytes, and the system allows 107"),
            ("ipc:///dev/null/oxend.sock", "cannot be made in /dev/null"),
            ("tcp://127.0.0.1:1", "not an ipc:// endpoint"),
        ],
    )
    def test_a_place_where_it_cannot_be_is_a_fault(self, endpoint: str, why: str) -> None:
        finding = about("socket", settings(SENT_OXEND__ENDPOINTS=endpoint))

        assert finding.verdict is Verdict.WRONG
        assert why in finding.detail
        assert "SENT_OXEND__ENDPOINTS=ipc://" in finding.remedies[0]
