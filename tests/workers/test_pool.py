"""Worker processes: what they give, what is refused, and what becomes of a pool whose processes die."""

import asyncio
import operator
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sent_graphql.settings import ProofsSettings
from sent_graphql.workers.errors import WorkerLostError, WorkersBusyError, WorkTimeoutError
from sent_graphql.workers.pool import WorkerPool

MakePool = Callable[..., WorkerPool]


@pytest_asyncio.fixture
async def make_pool() -> AsyncIterator[MakePool]:
    """Makes pools that end with the test."""
    pools: list[WorkerPool] = []

    def make(**settings: Any) -> WorkerPool:
        pools.append(WorkerPool(ProofsSettings(**settings)))
        return pools[-1]

    yield make
    for pool in pools:
        await pool.close()


class Gate:
    """Work that waits for the test to let it go on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        os.mkfifo(path)

    @property
    def code(self) -> str:
        """What to evaluate: gives what the test writes."""
        return f"open({str(self._path)!r}).read()"

    async def open(self, word: str) -> None:
        """Lets one piece of work go on, once it is there."""
        await asyncio.to_thread(self._path.write_text, word)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "gate")


@pytest.fixture
def second_gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "second gate")


async def test_work_is_done_in_another_process_that_is_kept(make_pool: MakePool) -> None:
    pool = make_pool()
    pids = [await pool.run(os.getpid) for _ in range(3)]
    assert len(set(pids)) == 1
    assert os.getpid() not in pids
    assert await pool.run(operator.add, 2, 3) == 5


async def test_no_process_is_started_before_there_is_work(make_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Awaitable[Any]] = []
    monkeypatch.setattr(asyncio, "create_subprocess_exec", lambda *_, **__: started.append(None))  # type: ignore[arg-type]
    pool = make_pool(workers=4)
    await pool.close()
    assert not started


async def test_what_the_work_raises_is_raised_with_where_it_was(make_pool: MakePool) -> None:
    pool = make_pool()
    with pytest.raises(ZeroDivisionError) as caught:
        await pool.run(operator.truediv, 1, 0)
    assert "In a worker process" in caught.value.__notes__[0]
    assert await pool.run(operator.add, 1, 1) == 2


async def test_an_exception_that_cannot_be_sent_is_described(make_pool: MakePool) -> None:
    code = "(_ for _ in ()).throw(type('Odd', (Exception,), {})('told'))"
    with pytest.raises(RuntimeError, match="told"):
        await make_pool().run(eval, code)


async def test_what_is_printed_does_not_get_among_the_answers(make_pool: MakePool) -> None:
    pool = make_pool()
    await pool.run(print, "x" * 10_000)
    assert await pool.run(operator.add, 1, 1) == 2


async def test_a_process_that_died_idle_is_replaced(make_pool: MakePool) -> None:
    pool = make_pool()
    first = await pool.run(os.getpid)
    os.kill(first, signal.SIGKILL)
    assert await pool.run(os.getpid) != first


async def test_work_whose_process_dies_is_done_once_more(make_pool: MakePool, tmp_path: Path) -> None:
    mark = str(tmp_path / "mark")
    code = (
        f"'twice' if __import__('os').path.exists({mark!r}) else "
        f"(open({mark!r}, 'w').close(), __import__('signal').raise_signal(9))"
    )
    assert await make_pool().run(eval, code) == "twice"


async def test_work_that_kills_its_process_twice_is_given_up_and_the_pool_lives_on(make_pool: MakePool) -> None:
    pool = make_pool()
    with pytest.raises(WorkerLostError, match="try again") as caught:
        await pool.run(signal.raise_signal, signal.SIGKILL)
    assert caught.value.retry_after >= 1
    assert await pool.run(operator.add, 1, 1) == 2


async def test_a_process_that_dies_takes_nobody_elses_work_with_it(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(workers=2)
    held = asyncio.create_task(pool.run(eval, gate.code))
    with pytest.raises(WorkerLostError):
        await pool.run(signal.raise_signal, signal.SIGKILL)
    await gate.open("unharmed")
    assert await held == "unharmed"


async def test_beyond_the_bound_work_is_refused_at_once_and_taken_again_later(
    make_pool: MakePool, gate: Gate, second_gate: Gate
) -> None:
    pool = make_pool(workers=1, max_waiting=1)
    held = [asyncio.create_task(pool.run(eval, one.code)) for one in (gate, second_gate)]
    await asyncio.sleep(0)
    with pytest.raises(WorkersBusyError) as caught:
        await pool.run(operator.add, 1, 1)
    assert caught.value.retry_after == 1
    await gate.open("a")
    await second_gate.open("b")
    assert await asyncio.gather(*held) == ["a", "b"]
    assert await pool.run(operator.add, 1, 1) == 2


async def test_work_that_takes_too_long_ends_with_its_process(make_pool: MakePool) -> None:
    pool = make_pool(timeout=2.0)
    first = await pool.run(os.getpid)
    with pytest.raises(WorkTimeoutError, match="2 s"):
        await pool.run(time.sleep, 600)
    assert await pool.run(os.getpid) != first


async def test_the_wait_for_a_process_counts_as_well(make_pool: MakePool) -> None:
    pool = make_pool(workers=1, timeout=2.0)
    both = await asyncio.gather(*(pool.run(time.sleep, 600) for _ in range(2)), return_exceptions=True)
    assert [type(outcome) for outcome in both] == [WorkTimeoutError, WorkTimeoutError]


async def test_nobody_gets_the_answer_to_anothers_question(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool()
    await pool.run(os.getpid)
    left = asyncio.create_task(pool.run(eval, gate.code))
    await asyncio.sleep(0)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    assert await pool.run(operator.add, 1, 1) == 2


async def test_ctrl_c_does_not_reach_the_work(make_pool: MakePool) -> None:
    pool = make_pool()
    first = await pool.run(os.getpid)
    assert await pool.run(os.getsid, 0) != os.getsid(0)
    os.kill(first, signal.SIGINT)
    assert await pool.run(os.getpid) == first


async def test_closing_ends_the_processes_and_what_they_do(make_pool: MakePool) -> None:
    pool = make_pool(workers=2)
    pid = await pool.run(os.getpid)
    working = asyncio.create_task(pool.run(time.sleep, 600))
    await asyncio.sleep(0)
    await pool.close()
    with pytest.raises(WorkerLostError):
        await working
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(WorkerLostError):
        await pool.run(operator.add, 1, 1)


def test_a_process_ends_with_its_parent_however_that_dies() -> None:
    script = (
        "import asyncio, os, signal\n"
        "from sent_graphql.settings import ProofsSettings\n"
        "from sent_graphql.workers.pool import WorkerPool\n"
        "async def main():\n"
        "    await WorkerPool(ProofsSettings()).run(os.getpid)\n"
        "    signal.raise_signal(signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    # The worker has our end of standard error: this returns when both are gone.
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stderr == b""
