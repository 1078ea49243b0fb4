"""What a refresh costs: round trips, the longest hold of the event loop, and the way of a new block to an answer.

The network is the local one, in processes of its own; the service runs here, watched by a probe; the reader that
measures latency is a third process, which hears of blocks on the same socket as the service does.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
import uvloop
import zmq.asyncio
from pydantic import SecretStr
from service import running

from sent_graphql.app import Service
from sent_graphql.configuration import load_settings
from sent_graphql.localdev.chain import Chain, Contract
from sent_graphql.localdev.network import LocalNetwork
from sent_graphql.logs import configure_logging
from sent_graphql.models.units import ATOMIC_PER_TOKEN
from sent_graphql.settings import LocalSettings, LogSettings, Settings

PROBE_SECONDS = 0.001
"""How often the probe asks for the loop; what it gets later than that, something else has held."""

QUIET_SECONDS = 2.0
"""How long is waited before a measured refresh, so that none is under way."""

QUERY = json.dumps({"query": "{ network { blockHeight } }"}).encode()


class LoopProbe:
    """Notes by how much the event loop came late."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        """Watches until cancelled."""
        while True:
            asked = time.perf_counter()
            await asyncio.sleep(PROBE_SECONDS)
            self.longest = max(self.longest, time.perf_counter() - asked - PROBE_SECONDS)

    def take(self) -> float:
        """The longest hold since the last take, in milliseconds."""
        longest, self.longest = self.longest, 0.0
        return longest * 1_000


async def observe(endpoint: str, url: str, blocks: int) -> None:
    """The reader: prints the milliseconds from each announcement to the answer that shows the block."""
    socket = zmq.asyncio.Context().socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(endpoint)
    await socket.send_multipart([b"sub.block", b"1"])
    await socket.recv_multipart()
    print(json.dumps("listening"), flush=True)
    async with httpx.AsyncClient() as client:
        for _ in range(blocks):
            frames = await socket.recv_multipart()
            heard = time.perf_counter()
            height = int(frames[1])
            while True:
                answer = await client.post(url, content=QUERY, headers={"content-type": "application/json"})
                data = answer.json()["data"]
                if data is not None and data["network"]["blockHeight"] >= height:
                    break
            print(json.dumps((time.perf_counter() - heard) * 1_000), flush=True)


async def add_contracts(local: LocalNetwork, count: int) -> None:
    """Deploys contribution contracts until there are `count` more, each with its operator's stake."""
    async with Chain(local.rpc_url) as chain:
        owner, operator = (await chain.accounts())[:2]
        factory = Contract.at(local.addresses.contribution_factory or "", "ServiceNodeContributionFactory")
        token = Contract.at(local.addresses.token or "", "Token")
        stake = 6_250 * ATOMIC_PER_TOKEN
        await chain.send(token, "mint", operator, count * stake, sender=owner)
        for number in range(1, count + 1):
            receipt = await chain.send(
                factory,
                "deploy",
                (2**200 + number, number),
                (0, 0, 0, 0),
                (2**201 + number, 0, 0, 500),
                [(operator, stake)],
                False,
                sender=operator,
            )
            made = next(event for event in receipt.events if event.name == "NewServiceNodeContributionContract")
            contract = Contract.at(made.arguments["contributorContract"], "ServiceNodeContribution")
            await chain.send(token, "approve", contract.address, stake, sender=operator)
            await chain.send(contract, "contributeFunds", stake, operator, sender=operator)


async def order(endpoint: str, command: bytes, *body: bytes) -> None:
    """One command to the simulated oxend."""
    socket = zmq.asyncio.Context.instance().socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(endpoint)
    await socket.send_multipart([command, b"1", *body])
    await socket.recv_multipart()
    socket.close()


def settings_for(local: LocalNetwork, state_directory: str) -> Settings:
    """The settings of localdev, turned towards `local`; polls happen only when they are triggered."""
    addresses = local.addresses
    overrides: dict[str, object] = {
        "local.embedded": False,
        "http.port": 0,
        "oxend.endpoints": (local.oxend_endpoint,),
        "cache.state_directory": state_directory,
        "contracts.rpc_urls": (SecretStr(local.rpc_url).get_secret_value(),),
        "contracts.service_node_rewards": addresses.service_node_rewards,
        "contracts.contribution_factory": addresses.contribution_factory,
        "contracts.reward_rate_pool": addresses.reward_rate_pool,
        "contracts.token": addresses.token,
        "contracts.multicall": local.multicall,
        "contracts.deployment_block": local.deployment_block,
        "poll_oxend.interval": 3_600.0,
        "poll_contracts.interval": 3_600.0,
        "poll_oxend.min_interval": 0.01,
        "poll_contracts.min_interval": 0.01,
    }
    return load_settings("localdev", None, overrides, {}).settings


async def measure(service: Service, local: LocalNetwork, url: str, blocks: int) -> None:
    """Prints the figures of `service`, which answers at `url`."""
    probe = LoopProbe()
    probing = asyncio.create_task(probe.run())
    snapshot = await service.snapshots.current()
    while snapshot.state is None or not snapshot.state.contribution_contracts:
        snapshot = await service.snapshots.next(snapshot)
    contracts = len(snapshot.state.contribution_contracts)
    print(f"network: {len(snapshot.state.nodes)} nodes, {contracts} contribution contracts")
    print(f"first reading: {service.round_trips} round trips, loop held for {probe.take():.1f} ms at the longest")

    async with Chain(local.rpc_url) as chain:
        for name, change in (("quiet", chain.mine()), ("after 3 new contribution contracts", add_contracts(local, 3))):
            await asyncio.sleep(QUIET_SECONDS)
            await change
            target, before = await chain.block_number(), service.round_trips
            probe.take()
            service.refresh_contracts()
            while snapshot.state is None or snapshot.state.network.l2_height < target:
                snapshot = await service.snapshots.next(snapshot)
            print(
                f"contracts, {name}: {service.round_trips - before} round trips, "
                f"loop held for {probe.take():.1f} ms at the longest"
            )

    reader = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--observe", local.oxend_endpoint, url, str(blocks), stdout=asyncio.subprocess.PIPE
    )
    assert reader.stdout is not None
    await reader.stdout.readline()
    probe.take()
    latencies, holds = [], []
    for _ in range(blocks):
        await order(local.oxend_endpoint, b"sim.mine")
        latencies.append(json.loads(await reader.stdout.readline()))
        holds.append(probe.take())
    await reader.wait()
    probing.cancel()
    deciles = statistics.quantiles(latencies, n=10)
    print(
        f"block announced to height in an answer, {blocks} blocks: median {statistics.median(latencies):.0f} ms, "
        f"p90 {deciles[-1]:.0f} ms, longest {max(latencies):.0f} ms"
    )
    print(f"loop held in these: median {statistics.median(holds):.1f} ms, longest {max(holds):.1f} ms")


async def main(nodes: int, contracts: int, blocks: int) -> None:
    """Founds the network, runs the service and measures."""
    configure_logging(LogSettings(level="warning"))
    with tempfile.TemporaryDirectory() as directory:
        socket_path = Path(directory) / "oxend.sock"
        local_settings = LocalSettings(nodes=nodes, seed=1)
        network = LocalNetwork(local_settings, socket_path=socket_path, control=True, still=True)
        started = time.perf_counter()
        async with network as local:
            print(f"local network of {nodes} nodes up after {time.perf_counter() - started:.0f} s")
            await add_contracts(local, contracts)
            settings = settings_for(local, str(Path(directory) / "state"))
            service = Service(settings, Path(directory))
            async with running(service, settings) as url:
                await measure(service, local, url, blocks)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=2_000)
    parser.add_argument("--contracts", type=int, default=100)
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--observe", nargs=3, metavar=("ENDPOINT", "URL", "BLOCKS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.observe:
        uvloop.run(observe(options.observe[0], options.observe[1], int(options.observe[2])))
    else:
        uvloop.run(main(options.nodes, options.contracts, options.blocks))
