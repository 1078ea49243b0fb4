"""What it costs to index a chain from nothing: events a second and memory, on SQLite and on PostgreSQL.

The chain is made of events by a JSON-RPC node in a process of its own (log_server.py), which grants as many logs at
once as providers do, and leaves the times of blocks to be asked for. Each database is filled by a process of its own.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop
from log_server import CHAIN_ID, FACTORY, POOL, REWARDS, log_server
from pydantic import SecretStr
from sqlalchemy import URL, func, make_url, select

from sent_graphql.localdev.postgresql import listening_server, own_server, scratch_database
from sent_graphql.logs import configure_logging
from sent_graphql.settings import ContractsSettings, DatabaseSettings, LogSettings
from sent_graphql.sources.contracts.addresses import contract_addresses
from sent_graphql.sources.contracts.calls import BlockReader
from sent_graphql.sources.contracts.event_log import EventLog, EventRange
from sent_graphql.sources.contracts.event_range import RangeReader
from sent_graphql.sources.contracts.indexer import EventIndexer
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.events import EventStore
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.database.tables import events

MARKS = (0.25, 0.5, 1.0)
"""Parts of the chain after which memory is looked at."""

PROBE_SECONDS = 0.001


def memory() -> tuple[float, float]:
    """What this process holds now, and the most that it has held, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * resource.getpagesize() / 2**20, peak / 2**10


async def index(rpc_url: str, head: int, database_url: str) -> dict[str, object]:
    """Fills the database from nothing; returns the figures."""
    settings = ContractsSettings(
        rpc_urls=(SecretStr(rpc_url),),
        service_node_rewards=REWARDS,
        contribution_factory=FACTORY,
        reward_rate_pool=POOL,
        multicall=None,
        deployment_block=1,
    )
    addresses = contract_addresses(settings)
    rpc = JsonRpc(settings, chain_id=CHAIN_ID, random=random.Random(1))
    database = Database(make_url(database_url), DatabaseSettings(), Identity(CHAIN_ID, REWARDS))
    log = EventLog(settings.reorg_depth)
    reader = BlockReader(rpc, settings)
    indexer = EventIndexer(
        addresses=addresses,
        settings=settings,
        rpc=rpc,
        events=log,
        reader=RangeReader(addresses=addresses, settings=settings, rpc=rpc, reader=reader, events=log),
        store=EventStore(database, settings.reorg_depth),
    )
    await rpc.start()
    await database.open()
    await indexer.restore()
    log.apply_tail(EventRange(first=head + 1, last=head, hashes={}, events=(), seeds=()))
    done, marks, figures = asyncio.Event(), list(MARKS), []
    before = memory()

    def on_progress() -> None:
        if indexer.error is not None:
            raise RuntimeError(indexer.error)
        while marks and log.stored_to is not None and log.stored_to >= marks[0] * head:
            now, peak = memory()
            figures.append({"of_chain": marks.pop(0), "mib": round(now), "peak_mib": round(peak)})
        if log.stored_to == head:
            done.set()

    begun, trips = time.perf_counter(), rpc.round_trips
    task = asyncio.create_task(indexer.run(on_progress))
    probe = asyncio.create_task(longest_hold())
    indexer.wake()
    waiting = asyncio.create_task(done.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    seconds = time.perf_counter() - begun
    if task.done():
        await task
    task.cancel()
    probe.cancel()
    held = await asyncio.gather(probe, task, return_exceptions=True)
    async with database.reading() as connection:
        count = (await connection.execute(select(func.count()).select_from(events))).scalar_one()
    await database.close()
    await rpc.close()
    return {
        "database": make_url(database_url).get_backend_name(),
        "events": count,
        "seconds": round(seconds, 1),
        "events_per_second": round(count / seconds),
        "round_trips": rpc.round_trips - trips,
        "mib_before": round(before[0]),
        "memory": figures,
        "longest_hold_ms": held[0] if isinstance(held[0], float) else None,
    }


async def longest_hold() -> float:
    """The longest time that something else has held the event loop, in milliseconds, once cancelled."""
    longest = 0.0
    while True:
        asked = time.perf_counter()
        try:
            await asyncio.sleep(PROBE_SECONDS)
        except asyncio.CancelledError:
            return round(longest * 1_000, 1)
        longest = max(longest, time.perf_counter() - asked - PROBE_SECONDS)


def fill(rpc_url: str, head: int, database_url: str) -> None:
    """The process that fills one database."""
    configure_logging(LogSettings(level="warning"))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(index(rpc_url, head, database_url))), flush=True)


@contextmanager
def sqlite() -> Iterator[str]:
    """A new file."""
    with tempfile.TemporaryDirectory() as directory:
        yield URL.create("sqlite+aiosqlite", database=str(Path(directory) / "events.db")).render_as_string()


@contextmanager
def postgresql() -> Iterator[str]:
    """A new database of the server that listens here, or of one of its own."""
    with ExitStack() as ends, asyncio.Runner() as runner:
        server = runner.run(listening_server()) or ends.enter_context(own_server())
        scratch = scratch_database(server)
        url = make_url(runner.run(scratch.__aenter__())).set(drivername="postgresql+asyncpg")
        try:
            yield url.render_as_string(hide_password=False)
        finally:
            runner.run(scratch.__aexit__(None, None, None))


def main() -> None:
    """Prints one line of JSON for each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=2_000)
    parser.add_argument("--wallets", type=int, default=2_000)
    options = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    with log_server(options.events, options.nodes, options.wallets) as (rpc_url, head):
        for kind in (sqlite, postgresql):
            with kind() as database_url:
                process = spawn.Process(target=fill, args=(rpc_url, head, database_url))
                process.start()
                process.join()
                if process.exitcode:
                    sys.exit(process.exitcode)


if __name__ == "__main__":
    main()
