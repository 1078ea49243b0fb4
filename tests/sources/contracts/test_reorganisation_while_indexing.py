"""A deep reorganisation under anvil while the past is being indexed leaves nothing of the lost branch."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, select

from sent_graphql.localdev.chain import Chain
from sent_graphql.models.network import NetworkType
from sent_graphql.settings import DatabaseSettings, NetworkSettings
from sent_graphql.sources.contracts.calls import BlockReader
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.source import ContractsSource
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.events import EventStore
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.database.tables import events, scan

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("anvil")]

DEPTH = 50
NETWORK = NetworkSettings(
    name="localdev", nettype=NetworkType.LOCALDEV, chain_id=31337, unlock_seconds=60, deregistration_lock_seconds=60
)
PROOF = (1, 2, 3, 4)


@pytest.fixture
async def chain(anvil: Any) -> AsyncIterator[Chain]:
    """anvil's client; all that the test does to the chain is undone after it."""
    async with Chain(anvil.url) as client:
        snapshot = await client.snapshot()
        yield client
        await client.revert(snapshot)


@pytest.fixture
def index(
    anvil: Any, make_rpc: Callable[..., JsonRpc], contracts_settings: Callable[..., Any]
) -> Callable[[Database], ContractsSource]:
    """Makes an indexer that takes small steps."""

    def make(database: Database) -> ContractsSource:
        addresses = anvil.deployment.addresses
        values = {
            "service_node_rewards": addresses.service_node_rewards,
            "contribution_factory": addresses.contribution_factory,
            "reward_rate_pool": addresses.reward_rate_pool,
            "multicall": anvil.deployment.multicall.address,
            "deployment_block": anvil.deployment.block_number,
            "scan_range": 10,
            "scan_range_max": 10,
        }
        settings = contracts_settings(anvil.url, **values)
        rpc = make_rpc(anvil.url, **values)
        return ContractsSource(
            settings, NETWORK, rpc, BlockReader(rpc, settings), EventStore(database, settings.reorg_depth)
        )

    return make


async def live(chain: Chain, deployment: Any, seed: int) -> None:
    """Some sixty blocks with events, told apart by `seed`."""
    rewards, factory, pool = deployment.rewards, deployment.factory, deployment.pool
    operator, other = deployment.wallets[:2]
    for number in range(10):
        key = 1_000 * seed + number + 1
        parameters = (key, 0, 0, 100 * seed)
        await chain.send(factory, "deploy", (key, key), PROOF, parameters, [], False, sender=operator, gas=20_000_000)
        await chain.send(
            rewards, "updateRewardsBalance", other, 10**9 * seed + number + 1, PROOF, [], sender=operator, gas=2_000_000
        )
        await chain.send(pool, "payoutReleased", sender=operator, gas=1_000_000)
        await chain.mine(3)


async def rows(database: Database) -> tuple[list[Any], list[Any]]:
    async with database.reading() as connection:
        told = await connection.execute(select(events).order_by(events.c.block_number, events.c.log_index))
        return [tuple(row) for row in told], [tuple(row) for row in await connection.execute(select(scan))]


async def test_the_database_equals_that_of_an_indexer_which_saw_the_final_branch_alone(
    anvil: Any, chain: Chain, index: Callable[[Database], ContractsSource], database: Database, tmp_path: Path
) -> None:
    await live(chain, anvil.deployment, seed=1)
    await live(chain, anvil.deployment, seed=2)
    head = await chain.block_number()
    fork = head - DEPTH
    source = index(database)
    await source.start()
    view = await source.fetch(None, ())
    lost: list[Any] = []
    told = asyncio.Event()
    scanning = asyncio.create_task(source.scan(told.set))
    async with asyncio.timeout(60):
        while (source.progress.scanned_to or 0) < head - DEPTH // 2:
            await told.wait()
            told.clear()
        # Held in the midst of a step, so that the chain changes before it is done.
        scanning.cancel()
        await asyncio.gather(scanning, return_exceptions=True)
        assert not source.progress.complete
        lost = (await rows(database))[0]
        assert any(row[0] > fork for row in lost), "the lost branch was written"
        await chain.request("anvil_reorg", DEPTH, [])
        await live(chain, anvil.deployment, seed=3)
        scanning = asyncio.create_task(source.scan(told.set))
        while database.height != await chain.block_number() or source.progress.error is not None:
            view = await source.fetch(view, ())
            told.clear()
            if database.height != view.block_number:
                await told.wait()
    scanning.cancel()
    await asyncio.gather(scanning, return_exceptions=True)

    url = URL.create("sqlite+aiosqlite", database=str(tmp_path / "final.db"))
    final = Database(url, DatabaseSettings(), Identity(31337, anvil.deployment.rewards.address))
    await final.open()
    witness = index(final)
    await witness.start()
    await witness.fetch(None, ())
    told = asyncio.Event()
    scanning = asyncio.create_task(witness.scan(told.set))
    async with asyncio.timeout(60):
        while not witness.progress.complete or final.height != view.block_number:
            await told.wait()
            told.clear()
    scanning.cancel()
    await asyncio.gather(scanning, return_exceptions=True)
    found, expected = await rows(database), await rows(final)
    await final.close()
    assert found == expected
    assert not {row[2] for row in lost if row[0] > fork} & {row[2] for row in found[0]}, "no block of the lost branch"
    assert [row for row in lost if row[0] <= fork] == [row for row in found[0] if row[0] <= fork]
