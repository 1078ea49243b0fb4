"""The scripts of the README, up to where they would install something."""

import subprocess
from pathlib import Path

import pytest

SERVE = Path(__file__).parents[1] / "scripts" / "serve"


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
