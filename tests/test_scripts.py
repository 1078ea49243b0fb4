"""The scripts of the README, up to where they would install something."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"
SERVE, AUDIT = SCRIPTS / "serve", SCRIPTS / "audit"

PIP_AUDIT = """#!/bin/sh
if [ "$1" = -m ]; then
  if [ "$3" = --version ]; then exit; fi
  echo "{says}" >&2
  case "$*" in *--strict*{weak}.txt) exit 1 ;; esac
else
  exec {python} "$@"
fi
"""
"""A Python whose pip-audit, which needs the network, fails at one of the lock files."""


@pytest.mark.parametrize("python", ["no-such-python", "false"])
def test_an_interpreter_that_is_named_and_of_no_use_is_not_replaced_by_another(python: str) -> None:
    run = subprocess.run(
        [SERVE, "--help"],
        env={"SENT_PYTHON": python, "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 69
    assert run.stdout == ""
    assert f"SENT_PYTHON names {python}" in run.stderr


@pytest.mark.parametrize(
    ("says", "weak", "code", "told"),
    [
        ("No known vulnerabilities found", "none", 0, "No vulnerability is known."),
        (
            "Found 2 known vulnerabilities in 1 package",
            "serve",
            1,
            "Vulnerabilities are known in requirements/serve.txt",
        ),
        ("ERROR: no answer", "service", 69, "The audit could not be made: ERROR: no answer"),
    ],
)
def test_an_audit_that_could_not_be_made_is_not_taken_for_a_good_one(
    tmp_path: Path, says: str, weak: str, code: int, told: str
) -> None:
    python = tmp_path / "python"
    python.write_text(PIP_AUDIT.format(says=says, weak=weak, python=sys.executable))
    python.chmod(0o755)
    run = subprocess.run(
        [AUDIT], env={"SENT_PYTHON": str(python), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (code, "")
    assert told in run.stderr
