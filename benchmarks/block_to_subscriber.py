"""The way of a new block to a subscriber's screen, stage by stage.

The network is the local one, in processes of its own; the service runs here; the subscriber is a third process, which
hears of blocks on the same socket as the service does, and reads by WebSocket. Another subscriber asks the same within
the service: what it is handed are the finished bytes, before they are sent.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Final

import uvloop
import zmq.asyncio
from refresh import order, settings_for
from service import running
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from sent_graphql.app import Service
from sent_graphql.live.subscriptions import Operation
from sent_graphql.localdev.network import LocalNetwork
from sent_graphql.logs import configure_logging
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.settings import LocalSettings, LogSettings, Settings
from sent_graphql.tasks import end

QUESTIONS: Final = {
    "network": "subscription { network { blockHeight blockHash blockTimestamp nodeCounts { running } } }",
    "all nodes": """subscription { serviceNodes { version previousVersion removed upserted {
        id contractId pubkey state operator lastRewardBlockHeight lastUptimeProof contributors { address amount }
    } } }""",
}

STAGES: Final = ("heard", "poll", "join", "publish", "execute and serialise", "send")
"""What has happened at the end of each."""

PATIENCE: Final = 60.0
"""Seconds that a block may take at the most."""

QUIET: Final = 0.3
"""Seconds between a message and the next block, so that nothing is under way."""


async def subscriber(endpoint: str, url: str, query: str, blocks: int) -> None:
    """Prints, for each block, when it was announced and when the message about it was there."""
    socket = zmq.asyncio.Context().socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(endpoint)
    await socket.send_multipart([b"sub.block", b"1"])
    await socket.recv_multipart()
    names = [Subprotocol("graphql-transport-ws")]
    async with connect(url, subprotocols=names, max_size=None, compression=None) as messages:
        await messages.send(json.dumps({"type": "connection_init"}))
        await messages.recv()
        await messages.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
        await messages.recv()
        print(json.dumps("listening"), flush=True)
        for _ in range(blocks):
            announced = asyncio.create_task(_moment(socket.recv_multipart))
            told = asyncio.create_task(_moment(messages.recv))
            print(json.dumps([await announced, await told]), flush=True)


async def _moment(receive: Callable[[], object]) -> float:
    await receive()  # type: ignore[misc] # either library's
    return time.time()


class WatchedService(Service):
    """The service as it is; it notes when it hears of a block and when a poll has ended."""

    def __init__(self, settings: Settings, root: Path) -> None:
        self.heard: list[float] = []
        self.polled: list[float] = []
        super().__init__(settings, root)
        self._oxend_source.on_block(lambda _height, _hash: self.heard.append(time.time()))

    def _polled(self) -> None:
        self.polled.append(time.time())
        super()._polled()


class Inside:
    """A subscriber within the service: notes when it is handed a message."""

    def __init__(self) -> None:
        self.handed: list[float] = []

    def room(self) -> None:
        """There always is."""

    async def next(self, _payload: bytes) -> None:
        """One message."""
        self.handed.append(time.time())

    async def error(self, errors: bytes) -> None:
        """None is expected."""
        raise AssertionError(errors)

    async def complete(self) -> None:
        """The end."""

    def cut(self) -> None:
        """Never needed."""


class Follower:
    """Notes which snapshots there are and when they could be had."""

    def __init__(self) -> None:
        self.published: list[tuple[float, Snapshot]] = []

    async def run(self, service: Service) -> None:
        """Follows for ever."""
        snapshot = await service.snapshots.current()
        while True:
            snapshot = await service.snapshots.next(snapshot)
            self.published.append((time.time(), snapshot))


async def measure(service: WatchedService, local: LocalNetwork, url: str, query: str, blocks: int) -> list[list[float]]:
    """For each block, the milliseconds that each stage took."""
    inside, follower = Inside(), Follower()
    following = asyncio.create_task(follower.run(service))
    subscription = await service.live.subscribe(Operation(query=query), inside)
    reader = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        "--subscriber",
        local.oxend_endpoint,
        url.replace("http:", "ws:"),
        query,
        str(blocks),
        stdout=asyncio.subprocess.PIPE,
    )
    assert reader.stdout is not None
    await reader.stdout.readline()
    rows = []
    for _ in range(blocks):
        await asyncio.sleep(QUIET)
        for notes in (service.heard, service.polled, inside.handed, follower.published):
            notes.clear()
        await order(local.oxend_endpoint, b"sim.mine")
        async with asyncio.timeout(PATIENCE):
            announced, received = json.loads(await reader.stdout.readline())
        announced = min(announced, service.heard[0])  # whoever heard of it first
        published, snapshot = follower.published[0]
        assert snapshot.created_at is not None
        moments = [
            announced,
            service.heard[0],
            service.polled[0],
            snapshot.created_at.timestamp(),
            published,
            inside.handed[0],
            received,
        ]
        rows.append([(after - before) * 1_000 for before, after in pairwise(moments)])
    subscription.stop()
    await end([following])
    await reader.wait()
    return rows


def show(name: str, rows: list[list[float]]) -> None:
    """The table of one question."""
    print(f"{name}, {len(rows)} blocks: milliseconds since the stage before (p50, p99)")
    columns = [*zip(STAGES, zip(*rows, strict=True), strict=True), ("in all", tuple(map(sum, rows)))]
    for stage, values in columns:
        hundredths = statistics.quantiles(values, n=100, method="inclusive")
        print(f"  {stage:>22} {hundredths[49]:8.1f} {hundredths[98]:8.1f}")


async def main(nodes: int, blocks: int) -> None:
    """Founds the network, runs the service and measures."""
    configure_logging(LogSettings(level="warning"))
    with tempfile.TemporaryDirectory() as directory:
        network = LocalNetwork(
            LocalSettings(nodes=nodes, seed=1), socket_path=Path(directory) / "oxend.sock", control=True, still=True
        )
        async with network as local:
            settings = settings_for(local, str(Path(directory) / "state"))
            service = WatchedService(settings, Path(directory))
            async with running(service, settings) as url:
                snapshot = await service.snapshots.current()
                while snapshot.state is None:
                    snapshot = await service.snapshots.next(snapshot)
                print(f"network: {len(snapshot.state.nodes)} nodes")
                for name, query in QUESTIONS.items():
                    show(name, await measure(service, local, url, query, blocks))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=2_000)
    parser.add_argument("--blocks", type=int, default=100)
    parser.add_argument("--subscriber", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.subscriber:
        endpoint, url, query, blocks = options.subscriber
        uvloop.run(subscriber(endpoint, url, query, int(blocks)))
    else:
        uvloop.run(main(options.nodes, options.blocks))
