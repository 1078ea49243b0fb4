"""`sent-graphql doctor` as a whole: from the command line to real counterparts and back to a code."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sent_graphql.cli import exits
from sent_graphql.doctor.findings import fine, note, wrong
from sent_graphql.doctor.report import as_text, conclusion

OxendMaker = Callable[..., Awaitable[str]]
Doctor = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """Runs the command for stagenet in a process of its own, while the counterparts answer from this one."""

    async def run(*arguments: str, **environ: str) -> tuple[int, str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SENT_")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sent_graphql", "doctor", *arguments),
            env={
                **clean,
                "SENT_NETWORK": "stagenet",
                "SENT_DIRECTORY": str(tmp_path),
                "SENT_HTTP__PORT": "0",
                **environ,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    return run


async def test_all_is_fine(doctor: Doctor, oxend: OxendMaker, rpc: Any) -> None:
    rpc.results["eth_getBlockByNumber"] = {"number": "0x10", "timestamp": hex(int(time.time()))}

    code, out, err = await doctor(SENT_OXEND__ENDPOINTS=await oxend(), SENT_CONTRACTS__RPC_URLS=rpc.url)

    assert code == exits.FINE
    assert "stagenet.db: will be made" in out
    assert "replies: stagenet" in out
    assert "has the rewards contract at 0x4abfFB7f922767f22c7aa6524823d93FDDaB54b1" in out
    assert out.endswith("All is fine.\n")
    assert "KEY" not in out + err


async def test_faults_are_counted_and_end_with_69(doctor: Doctor, tmp_path: Path) -> None:
    code, out, _ = await doctor(SENT_CONTRACTS__RPC_URLS="http://127.0.0.1:1/KEY")

    assert code == exits.UNAVAILABLE
    assert f"wrong  socket {tmp_path}/oxend/stagenet.sock: not there, nor is the directory {tmp_path}/oxend" in out
    assert "wrong  RPC http://127.0.0.1:1/…: refused" in out
    assert out.endswith("2 things are wrong.\n")
    assert "\x1b" not in out


async def test_every_endpoint_and_url_is_examined(doctor: Doctor, oxend: OxendMaker, rpc: Any) -> None:
    _, out, _ = await doctor(
        SENT_OXEND__ENDPOINTS=f"ipc://absent.sock,{await oxend()}",
        SENT_CONTRACTS__RPC_URLS=f"http://127.0.0.1:1,{rpc.url}",
    )

    assert "absent.sock: not there" in out
    assert "replies: stagenet" in out
    assert "RPC http://127.0.0.1:1: refused" in out
    assert "serves chain 421614" in out


async def test_a_database_that_does_not_answer_is_told_without_its_password(doctor: Doctor) -> None:
    url = "postgresql+asyncpg://user:PASSWORD@127.0.0.1:1/name"

    code, out, err = await doctor(SENT_DATABASE__URL=url)

    assert code == exits.UNAVAILABLE
    assert "wrong  database postgresql+asyncpg://user:***@127.0.0.1:1/name: the database cannot be reached" in out
    assert "pg_isready -h 127.0.0.1 -p 1" in out
    assert "PASSWORD" not in out + err


async def test_json_is_one_document(doctor: Doctor) -> None:
    code, out, _ = await doctor("--json", SENT_CONTRACTS__RPC_URLS="http://127.0.0.1:1/KEY")
    document = json.loads(out)

    assert code == exits.UNAVAILABLE
    assert document["fine"] is False
    assert {"subject", "verdict", "detail", "remedies"} == set(document["findings"][0])


async def test_the_local_network_needs_no_counterparts(doctor: Doctor) -> None:
    code, out, _ = await doctor(SENT_NETWORK="localdev")

    assert code == exits.FINE
    assert "`sent-graphql serve` starts its oxend and L2" in out
    assert out.endswith("All is fine.\n")


async def test_what_is_not_set_is_told_and_not_refused(doctor: Doctor) -> None:
    code, out, _ = await doctor(SENT_NETWORK="testnet")

    assert code == exits.UNAVAILABLE
    assert "wrong  RPC URLs: none is set" in out
    assert "wrong  rewards contract: its address is not set" in out


def test_a_terminal_gets_colours() -> None:
    plain = as_text(wrong("socket", "not there", "make it"), colours=False)

    assert plain == "wrong  socket: not there\n         → make it"
    assert as_text(fine("socket", "there"), colours=True).startswith("\x1b[32mfine")


def test_notes_are_no_faults() -> None:
    assert conclusion([fine("a", "b"), note("c", "d")]) == "All is fine."
