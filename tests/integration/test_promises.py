"""Whatever the schema allows to be asked, and much that it does not: the promises of tests/fuzz/promises.py hold.

scripts/fuzz does the same for as long as one likes.
"""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 10
"""What schemathesis may take."""


@pytest.fixture
def l2(evm: Any) -> Any:
    """Which L2 it is makes no difference here."""
    return evm


async def test_no_question_makes_the_service_fail_hang_or_tell_of_its_insides(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve(environ={"SENT_RATE_LIMIT__ENABLED": "false"})
    await service.until("{ network { blockHeight } }", lambda data: data["network"])

    url = str(service.client.base_url).rstrip("/") + "/graphql"
    arguments = {
        "--checks": "promises",
        "--max-time": str(SECONDS),
        "--max-examples": "30",
        "--request-timeout": "30",
        "--generation-database": "none",
        "--warnings": "off",
    }
    fuzz = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", url, "--no-color"),
        *(word for argument in arguments.items() for word in argument),
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.promises"},
        cwd=ROOT,
        stdout=PIPE,
        stderr=STDOUT,
    )
    output, _ = await fuzz.communicate()

    assert fuzz.returncode == 0, output.decode()
    asked = re.search(r"(\d+) generated, (\d+) passed", output.decode())
    assert asked, output.decode()
    assert int(asked[1]) > 0
    assert asked[1] == asked[2]
    await service.query("{ meta { version } }")
    assert await service.stop() == 0
    assert not [line for line in service.log if "Traceback" in line]
