"""Parts that many rooms' tests stand on: a real EVM in a process of its own, with the contracts on it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

import pytest
import pytest_asyncio

from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.deployment import Deployment, deploy
from sent_graphql.localdev.evm_process import start_evm

GENESIS_AGE = 60 * 86_400
"""Seconds that the test chain's clock is behind the real one at first: room to travel in time."""


class RunningEvm(NamedTuple):
    """A node with a deployed network. Whoever changes it goes through the fixture `chain`, which undoes it."""

    url: str
    deployment: Deployment


@pytest.fixture(scope="session")
def evm() -> Iterator[RunningEvm]:
    """One EVM for each test process."""

    async def deployed(url: str) -> Deployment:
        async with Chain(url) as chain:
            return await deploy(chain)

    with start_evm(genesis_age=GENESIS_AGE) as process:
        yield RunningEvm(process.url, asyncio.run(deployed(process.url)))


@pytest_asyncio.fixture
async def chain(evm: RunningEvm) -> AsyncIterator[Chain]:
    """The EVM's client; all that a test does to the chain is undone after it."""
    async with Chain(evm.url) as client:
        snapshot = await client.snapshot()
        yield client
        await client.revert(snapshot)


@pytest.fixture
def deployment(evm: RunningEvm) -> Deployment:
    """Where the contracts are and whom they obey."""
    return evm.deployment
