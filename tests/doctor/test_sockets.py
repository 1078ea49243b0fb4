"""The file of a socket, each fault made for real."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sent_graphql.doctor.findings import Finding, Verdict
from sent_graphql.doctor.sockets import examine_socket

AS_NOBODY = """
import json, os, sys
import msgspec
from sent_graphql.doctor.sockets import examine_socket

if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print(json.dumps(msgspec.to_builtins(list(examine_socket(sys.argv[1])))))
"""


def only(path: Path | str) -> Finding:
    (finding,) = examine_socket(str(path))
    return finding


def remedies(finding: Finding) -> str:
    assert finding.verdict is Verdict.WRONG
    assert finding.remedies
    return "\n".join(finding.remedies)


def examined_without_rights(path: Path) -> dict[str, Any]:
    """What an account without any rights to `path` is told; as root that takes another process."""
    run = subprocess.run([sys.executable, "-c", AS_NOBODY, str(path)], capture_output=True, text=True, check=True)
    (finding,) = json.loads(run.stdout)
    return dict(finding)


def test_a_socket_on_which_somebody_listens_is_fine(listening: Path) -> None:
    finding = only(listening)

    assert finding.verdict is Verdict.FINE
    assert "mode srwx" in finding.detail


def test_a_symlink_to_it_is_fine(listening: Path, directory: Path) -> None:
    link = directory / "mainnet.sock"
    link.symlink_to(listening)

    assert only(link).verdict is Verdict.FINE


def test_an_abstract_socket_is_fine_and_a_missing_one_is_not() -> None:
    name = f"sent-graphql-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        assert only(f"@{name}").verdict is Verdict.FINE

    assert "nobody listens" in only(f"@{name}").detail


def test_a_path_longer_than_the_system_allows(directory: Path) -> None:
    path = directory / ("x" * 120)
    finding = only(path)

    assert f"{len(str(path))} bytes, and the system allows 107" in finding.detail
    assert "ln -s" in remedies(finding)


def test_the_longest_path_that_is_allowed_is_looked_at(directory: Path) -> None:
    path = directory / ("x" * (106 - len(str(directory))))

    assert len(str(path)) == 107
    assert only(path).detail == "not there"


def test_a_missing_socket_gets_three_ways_to_have_one(directory: Path) -> None:
    finding = only(directory / "mainnet.sock")

    assert finding.detail == "not there"
    assert f"ln -s DATA-DIRECTORY/oxend.sock {directory}/mainnet.sock" in remedies(finding)
    assert f"lmq-public=ipc://{directory}/mainnet.sock" in remedies(finding)
    assert "SENT_OXEND__ENDPOINTS" in remedies(finding)


def test_a_missing_directory_is_named(directory: Path) -> None:
    assert f"nor is the directory {directory}/a" in only(directory / "a" / "b" / "mainnet.sock").detail


def test_a_dangling_symlink_shows_its_target(directory: Path) -> None:
    link = directory / "mainnet.sock"
    link.symlink_to(directory / "gone.sock")
    finding = only(link)

    assert f"dangling symlink: its target {directory}/gone.sock is not there" in finding.detail
    assert f"ln -sfn DATA-DIRECTORY/oxend.sock {link}" in remedies(finding)


def test_a_symlink_that_leads_to_itself(directory: Path) -> None:
    link = directory / "mainnet.sock"
    link.symlink_to(link)

    assert remedies(only(link))


@pytest.mark.parametrize(
    ("make", "what"), [(Path.touch, "an ordinary file"), (Path.mkdir, "a directory"), (os.mkfifo, "a named pipe")]
)
def test_what_is_not_a_socket_is_named(directory: Path, make: Any, what: str) -> None:
    path = directory / "mainnet.sock"
    make(path)
    finding = only(path)

    assert finding.detail == f"not a socket but {what}"
    assert f"mv {path} {path}.old && ln -s" in remedies(finding)


def test_a_socket_that_was_left_behind(directory: Path) -> None:
    path = directory / "mainnet.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
    finding = only(path)

    assert "nobody listens" in finding.detail
    assert "start oxend" in remedies(finding)


def test_no_permission_shows_owner_group_and_mode_and_three_remedies(listening: Path) -> None:
    listening.chmod(0o060 if os.geteuid() else 0o660)
    finding = examined_without_rights(listening)
    owner, group = listening.owner(), listening.group()
    told = "\n".join(finding["remedies"])

    assert finding["verdict"] == "wrong"
    assert "no permission to connect" in finding["detail"]
    assert f"owner {owner}, group {group}, mode s" in finding["detail"]
    assert f"sudo usermod -aG {group} " in told
    assert f"SupplementaryGroups={group}" in told
    assert "lmq-umask=0000" in told
    assert "chmod" not in told


def test_where_the_group_has_no_permission_either_it_is_given_one_before_it_is_joined(listening: Path) -> None:
    listening.chmod(0o000 if os.geteuid() else 0o600)
    joining, systemd, _ = examined_without_rights(listening)["remedies"]

    assert f": sudo chmod g+rw {listening} && sudo usermod -aG " in joining
    assert f", after sudo chmod g+rw {listening}" in systemd


def test_a_directory_that_may_not_be_entered_is_named(directory: Path, listening: Path) -> None:
    directory.chmod(0o000 if os.geteuid() else 0o700)
    finding = examined_without_rights(listening)

    assert f"the directory {directory} may not be entered" in finding["detail"]
    assert "mode d" in finding["detail"]
    assert f"sudo chmod g+x {directory} && sudo usermod" in finding["remedies"][0]


def test_a_link_into_a_directory_that_may_not_be_entered_names_it(tmp_path: Path, directory: Path) -> None:
    inner = directory / "data"
    inner.mkdir(mode=0o000 if os.geteuid() else 0o700)
    link = directory / "mainnet.sock"
    link.symlink_to(inner / "oxend.sock")

    assert f"the directory {inner} may not be entered" in examined_without_rights(link)["detail"]
    inner.chmod(0o700)
