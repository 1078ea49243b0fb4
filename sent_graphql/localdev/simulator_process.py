"""The simulated oxend in a process of its own: `python -m sent_graphql.localdev.simulator_process`.

It founds the network on the chain at --rpc-url first. Every line on standard output is a JSON object: `{"progress":
TEXT}` while it founds, then once `{"ready": {…}}`. It ignores SIGINT, which a terminal sends to the whole group, and
ends when its standard input closes: hence also when its parent dies, however it dies.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
import time

import orjson
import structlog

from sent_graphql.localdev.actors import Actors
from sent_graphql.localdev.aggregates import Aggregator
from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.constants import Timing
from sent_graphql.localdev.control import Control
from sent_graphql.localdev.founding import Founding, found_network
from sent_graphql.localdev.ledger import Ledger
from sent_graphql.localdev.oxend_rpc import OxendRpc
from sent_graphql.localdev.simulator import Simulator
from sent_graphql.localdev.weather import Weather


def main() -> None:
    """Founds and serves until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)
    # standard output belongs to the parent; what is worth a line goes to standard error
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    asyncio.run(_live(_options()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulator_process", description="A simulated oxend with a network.")
    parser.add_argument("--endpoint", required=True, help="where to listen: ipc://PATH or tcp://HOST:PORT")
    parser.add_argument("--rpc-url", required=True, help="the L2's JSON-RPC")
    parser.add_argument("--nodes", type=int, default=40, help="nodes to begin with (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed of everything that is random (default: %(default)s)")
    parser.add_argument("--block-seconds", type=float, default=5.0, help="between two blocks (default: %(default)s)")
    parser.add_argument("--control", action="store_true", help="serve the sim.* commands")
    parser.add_argument("--still", action="store_true", help="mine, judge and act only when told to")
    options = parser.parse_args()
    if options.nodes < 1 or options.block_seconds <= 0:
        parser.error("--nodes and --block-seconds: more than 0")
    return options


async def _live(options: argparse.Namespace) -> None:
    async with Chain(options.rpc_url) as chain, asyncio.TaskGroup() as tasks:
        ending = tasks.create_task(_wait_for_end())
        living = tasks.create_task(_found_and_run(chain, options))
        await asyncio.wait([ending, living], return_when=asyncio.FIRST_COMPLETED)
        living.cancel()
        ending.cancel()


async def _wait_for_end() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass


async def _found_and_run(chain: Chain, options: argparse.Namespace) -> None:
    timing = Timing.of(options.block_seconds)
    founding = await found_network(
        chain, seed=options.seed, nodes=options.nodes, timing=timing, progress=lambda text: _say({"progress": text})
    )
    ledger = Ledger(founding.genesis, timing)
    aggregator = Aggregator(
        founding.client.domain, founding.secrets, founding.follower.contract_ids, lambda: int(time.time())
    )
    rpc = OxendRpc(ledger, aggregator)
    control = Control(rpc)
    simulator = Simulator(
        ledger,
        founding.follower,
        weather=Weather(options.seed),
        endpoint=options.endpoint,
        handlers={**rpc.handlers(), **(control.handlers() if options.control else {})},
    )
    control.attach(simulator)
    simulator.paused = options.still
    await simulator.start()
    try:
        _say({"ready": _whereabouts(founding)})
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(simulator.run(options.block_seconds))
            if not options.still:
                tasks.create_task(Actors(founding, ledger, aggregator, seed=options.seed).run())
    finally:
        await simulator.close()


def _whereabouts(founding: Founding) -> dict[str, object]:
    deployment = founding.deployment
    return {
        "rewards": deployment.rewards.address,
        "factory": deployment.factory.address,
        "pool": deployment.pool.address,
        "token": deployment.token.address,
        "multicall": deployment.multicall.address,
        "deployment_block": deployment.block_number,
    }


def _say(line: dict[str, object]) -> None:
    sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
