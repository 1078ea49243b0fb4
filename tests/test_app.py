"""How the service as a whole ends when it cannot go on, as a process of its own with its local network."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from sent_graphql.app import _mendable
from sent_graphql.cli import exits
from sent_graphql.errors import UnavailableError
from sent_graphql.sources.errors import SourceMisconfiguredError

PATIENCE = 90


@pytest.mark.parametrize("fault", [UnavailableError("x"), SourceMisconfiguredError("x")])
def test_of_faults_that_come_together_the_one_that_a_user_can_mend_is_told(fault: Exception) -> None:
    assert _mendable(BaseExceptionGroup("", [OSError(), ExceptionGroup("", [ExceptionGroup("", [fault])])])) is fault


def test_faults_that_no_user_can_mend_stay_together() -> None:
    faults = ExceptionGroup("", [OSError(), ValueError()])

    assert _mendable(faults) is faults


async def ended(directory: Path, *, until: str | None = None, **environ: str) -> tuple[int, str]:
    """Exit code and standard error of a small local network; a child that runs `until` is killed once it serves."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SENT_")}
    own = {"SENT_DIRECTORY": str(directory), "SENT_LOCAL__NODES": "3", "SENT_HTTP__PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sent_graphql", "serve"), stdout=PIPE, stderr=PIPE, env=clean | own | environ
    )
    try:
        async with asyncio.timeout(PATIENCE):
            assert process.stdout is not None
            if until is not None and await process.stdout.readline():
                os.kill(child(process.pid, until), signal.SIGKILL)
            _, told = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, told.decode()


def child(parent: int, module: str) -> int:
    """The process of `parent` that runs `module`."""
    for status in Path("/proc").glob("[0-9]*/status"):
        if re.search(rf"^PPid:\s{parent}$", status.read_text(), re.MULTILINE) and module in (
            status.with_name("cmdline").read_text()
        ):
            return int(status.parent.name)
    raise AssertionError(f"{parent} has no child that runs {module}")


async def test_another_chain_id_than_the_local_networks_is_refused_without_a_traceback(tmp_path: Path) -> None:
    code, told = await ended(tmp_path, SENT_NETWORK__CHAIN_ID="5")

    assert "serves chain 31337, but chain 5 is wanted" in told.splitlines()[-1]
    assert "Traceback" not in told
    assert code == exits.MISCONFIGURED


async def test_a_local_network_that_dies_ends_the_service_without_a_traceback(tmp_path: Path) -> None:
    code, told = await ended(tmp_path, until="simulator_process")

    assert "sent-graphql: the local network's oxend has ended" in told
    assert "Traceback" not in told
    assert code == exits.UNAVAILABLE
