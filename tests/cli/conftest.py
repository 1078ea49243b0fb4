"""The command line run in this process, and as a process of its own."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sent_graphql.cli.commands import app

Invoked = Callable[..., Result]
Started = Callable[..., "subprocess.Popen[str]"]

STOP_SECONDS = 60


@pytest.fixture
def invoked(monkeypatch: pytest.MonkeyPatch) -> Invoked:
    """Runs `sent-graphql ARGUMENTS` with `environ` as its only SENT_ variables."""
    for name in [name for name in os.environ if name.startswith("SENT_")]:
        monkeypatch.delenv(name)

    def invoke(*arguments: str, **environ: str) -> Result:
        return CliRunner().invoke(app, list(arguments), env=dict(environ))

    return invoke


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    """Starts a Python script in a process and a group of its own; it is gone after the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
        path = tmp_path / f"script{len(processes)}.py"
        path.write_text(textwrap.dedent(script))
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SENT_")}
        process = subprocess.Popen(
            [sys.executable, str(path), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**clean, "PYTHONUNBUFFERED": "1", **environ},
            cwd=tmp_path,
            process_group=0,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=STOP_SECONDS)
