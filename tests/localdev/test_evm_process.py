"""The EVM's process: up with its URL, gone without a trace, its clock where it was told to be."""

import asyncio
import signal
import sys
import time

import pytest

from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.evm_process import start_evm
from sent_graphql.localdev.server_process import ProcessStartError, ServerProcess


async def test_it_ends_when_its_parent_s_pipe_closes() -> None:
    with start_evm(accounts=1) as process:
        async with Chain(process.url) as chain:
            assert await chain.block_number() == 0
        assert process.running
        assert process.close_stdin() == 0


def test_it_ends_on_sigterm() -> None:
    process = start_evm(accounts=1)
    assert process.stop() in {0, -signal.SIGTERM, 128 + signal.SIGTERM}
    assert not process.running


async def test_its_genesis_lies_as_far_back_as_asked() -> None:
    with start_evm(accounts=2, genesis_age=1000) as process:
        async with Chain(process.url) as chain:
            assert abs(int(time.time()) - 1000 - await chain.timestamp()) < 60
            assert len(await chain.accounts()) == 2
            await chain.set_time(int(time.time()))
            await chain.mine(10)
            assert await chain.timestamp() <= time.time()


async def test_it_mines_in_between_when_asked() -> None:
    with start_evm(accounts=1, block_time=0.05) as process:
        async with Chain(process.url) as chain, asyncio.timeout(30):
            while await chain.block_number() < 3:  # noqa: ASYNC110  # another process mines
                await asyncio.sleep(0.02)


async def test_accounts_are_the_same_each_time() -> None:
    accounts = []
    for _ in range(2):
        with start_evm(accounts=3) as process:
            async with Chain(process.url) as chain:
                accounts.append(await chain.accounts())
    assert accounts[0] == accounts[1]


def test_a_process_that_fails_to_start_is_told_of() -> None:
    with pytest.raises(ProcessStartError, match="status 3"):
        ServerProcess.start([sys.executable, "-c", "raise SystemExit(3)"], timeout=30)
    with pytest.raises(ProcessStartError, match="in time"):
        ServerProcess.start([sys.executable, "-c", "input()"], timeout=0.1)
