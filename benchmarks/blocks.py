"""What a block costs the service: CPU time of each stage, the longest hold of the event loop, and memory.

oxend and the L2 are in a process of their own (block_network.py) and answer over their real protocols; the service is
the whole one, with a hundred groups of subscribers inside it. Each size of network is measured in a process of its own.
Memory is that of the service's process. What is told of the same objects is what one snapshot has in common with the
one before.
"""

import argparse
import asyncio
import math
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import uvloop
from block_network import CHAIN_ID, MULTICALL, REWARDS, block_network
from live.scenario import META, NETWORK, NODE, NODES_OF_OPERATOR, WALLET
from msgspec import Struct
from refresh import QUIET_SECONDS, order

from sent_graphql.app import Service
from sent_graphql.configuration import load_settings
from sent_graphql.live.subscriptions import Operation
from sent_graphql.logs import configure_logging
from sent_graphql.models.node_index import NodeIndex
from sent_graphql.models.snapshot import NetworkState, Snapshot
from sent_graphql.pollers import assembly
from sent_graphql.settings import LogSettings, Settings
from sent_graphql.tasks import end

KINDS: Final = {"quiet": "nothing changed", "few": "20 nodes changed", "proofs": "all proved uptime"}
STAGES: Final = ("decode", "join", "index", "publish", "live")
GROUPS: Final = 100

ALL_NODES: Final = """subscription { serviceNodes { version previousVersion removed upserted {
  id contractId pubkey state operator lastRewardBlockHeight lastUptimeProof contributors { address amount }
} } }"""

PROBE_SECONDS: Final = 0.001
PATIENCE: Final = 120.0

T = TypeVar("T")


class Hold(Struct, frozen=True):
    """A time in which something else had the event loop. Wall clock, but for `cpu`: what this process ran in it."""

    begun: float
    ended: float
    cpu: float


class LoopProbe:
    """Notes when the event loop comes late, and what this process did meanwhile: others may have had the machine."""

    def __init__(self) -> None:
        self.holds: list[Hold] = []

    async def run(self) -> None:
        """Watches until cancelled."""
        while True:
            asked, cpu = time.perf_counter(), time.process_time()
            await asyncio.sleep(PROBE_SECONDS)
            now = time.perf_counter()
            self.holds.append(Hold(asked + PROBE_SECONDS, now, time.process_time() - cpu))

    def longest(self, begun: float, ended: float) -> tuple[float, float]:
        """The longest hold that touches that time, in milliseconds by the clock and of CPU."""
        touching = [hold for hold in self.holds if hold.ended > begun and hold.begun < ended]
        longest = max(touching, key=lambda hold: min(hold.cpu, hold.ended - hold.begun), default=Hold(0, 0, 0))
        seconds = longest.ended - longest.begun
        return seconds * 1_000, min(longest.cpu, seconds) * 1_000


class WatchedService(Service):
    """The service as it is; it notes what its stages cost, as (moment, CPU seconds so far) at their ends."""

    def __init__(self, settings: Settings, root: Path) -> None:
        super().__init__(settings, root)
        self.marks: dict[str, tuple[float, float]] = {}
        self.indexing = 0.0
        """CPU seconds of the thread that made the last indexes."""
        self._fetch_oxend = self._oxend._fetch  # noqa: SLF001 - the seam where a poll begins and ends
        self._oxend._fetch = self._watched_fetch  # noqa: SLF001
        self._join = self._publisher._assemble  # noqa: SLF001 - the seam between waiting and joining
        self._publisher._assemble = self._watched_join  # type: ignore[assignment] # noqa: SLF001
        self.snapshots.follow(lambda _snapshot: self.mark("publish"))
        NodeIndex.next = self._timed(NodeIndex.next)  # type: ignore[method-assign]
        assembly.NetworkState = self._timed(NetworkState)  # type: ignore[attr-defined, assignment]

    def mark(self, stage: str) -> None:
        """A stage has ended."""
        self.marks[stage] = (time.perf_counter(), time.process_time())

    async def keep(self) -> None:
        """Writes the newest snapshot to disk."""
        await self._keep_newest()

    def read_anew(self) -> None:
        """Has the next refresh read all of the contracts."""
        self._contracts_source._refresh._read_anew_at = -math.inf  # noqa: SLF001 - an hour is too long to wait

    async def _watched_fetch(self, previous: Any) -> Any:  # noqa: ANN401 - the poller's own types
        self.mark("begin")
        view = await self._fetch_oxend(previous)
        self.mark("decode")
        return view

    def _watched_join(self, *views: Any) -> Any:  # noqa: ANN401 - the publisher's own types
        self.indexing = 0.0
        made = self._join(*views)
        self.mark("join")
        return made

    def _timed(self, make: Callable[..., T]) -> Callable[..., T]:
        def timed(*arguments: Any, **named: Any) -> T:  # noqa: ANN401 - any constructor's
            begun = time.thread_time()
            made = make(*arguments, **named)
            self.indexing += time.thread_time() - begun
            return made

        return timed


class Reader:
    """A subscriber within the service, who reads at once."""

    def room(self) -> None:
        """Always ready."""

    def next(self, _payload: bytes) -> None:
        """One message."""

    async def error(self, errors: bytes) -> None:
        """None is expected."""
        raise AssertionError(errors)

    async def complete(self) -> None:
        """The end."""

    def cut(self) -> None:
        """It has no connection."""


def questions(state: NetworkState) -> Iterator[Operation]:
    """A hundred: the snapshot, the network, all nodes, and wallets, nodes and operators in equal parts."""
    yield Operation(query=META)
    yield Operation(query=NETWORK)
    yield Operation(query=ALL_NODES)
    yield Operation(query=ALL_NODES.replace("lastRewardBlockHeight", "stakingRequirement"))
    for number in range(GROUPS - 4):
        node = state.nodes[number * 5]
        match number % 3:
            case 0:
                yield Operation(query=WALLET, variables={"address": node.operator})
            case 1:
                yield Operation(query=NODE, variables={"pubkey": node.pubkey})
            case _:
                yield Operation(query=NODES_OF_OPERATOR, variables={"operator": node.operator})


def shared(before: NetworkState, now: NetworkState) -> str:
    """How much of what is in `now` is the same object as in `before`."""
    stakers = {node.id: {id(staker) for staker in node.contributors} for node in before.nodes}
    groups = before.present.by_contributor, now.present.by_contributor
    counts = {
        "nodes": (sum(before.node_by_id.get(node.id) is node for node in now.nodes), len(now.nodes)),
        "contributors": (
            sum(id(staker) in stakers.get(node.id, ()) for node in now.nodes for staker in node.contributors),
            sum(len(node.contributors) for node in now.nodes),
        ),
        "wallets' nodes": (
            sum(groups[0].get(wallet) is held for wallet, held in groups[1].items()),
            len(groups[1]),
        ),
    }
    whole = {
        name: getattr(before, name) is getattr(now, name)
        for name in ("nodes", "accrued", "recipients", "contribution_contracts", "past")
    }
    parts = ", ".join(f"{name} {same}/{of}" for name, (same, of) in counts.items())
    return f"{parts}; whole: {', '.join(name for name, same in whole.items() if same) or 'none'}"


def memory() -> tuple[float, float]:
    """What this process holds now, and the most that it has held, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


@contextmanager
def cpu() -> Iterator[Callable[[], float]]:
    """CPU milliseconds since."""
    begun = time.process_time()
    yield lambda: (time.process_time() - begun) * 1_000


class Bench:
    """The running service, and the network that it looks at."""

    def __init__(self, service: WatchedService, probe: LoopProbe, endpoint: str) -> None:
        self.service = service
        self._probe = probe
        self._endpoint = endpoint

    async def first(self) -> Snapshot:
        """The first snapshot that both sides and the scan of past events are in."""
        snapshot = await self.service.snapshots.current()
        while snapshot.state is None or not all(
            source.healthy and (source.scan is None or source.scan.complete) for source in snapshot.sources
        ):
            snapshot = await self.service.snapshots.next(snapshot)
        await asyncio.sleep(QUIET_SECONDS)
        return await self.service.snapshots.current()

    async def block(self, kind: str) -> tuple[dict[str, tuple[float, float, float]], str]:
        """CPU milliseconds and longest hold (clock, CPU) of each stage of one block, and what is shared after it."""
        service = self.service
        before = await service.snapshots.current()
        rounds = service.live.rounds.count
        service.marks.clear()
        self._probe.holds.clear()
        await order(self._endpoint, b"sim.mine", kind.encode())
        snapshot = before
        async with asyncio.timeout(PATIENCE):
            while snapshot.state is before.state:
                snapshot = await service.snapshots.next(snapshot)
            while service.live.rounds.count == rounds:  # noqa: ASYNC110 - nobody is told of a round's end
                await asyncio.sleep(PROBE_SECONDS)
        service.mark("live")
        await asyncio.sleep(0.05)
        assert before.state is not None
        assert snapshot.state is not None
        return self._stages(), shared(before.state, snapshot.state)

    def _stages(self) -> dict[str, tuple[float, float, float]]:
        marks, indexing = self.service.marks, self.service.indexing * 1_000
        stages: dict[str, tuple[float, float, float]] = {}
        for last, stage in (("begin", "decode"), ("decode", "join"), ("join", "publish"), ("publish", "live")):
            (begun, cpu_before), (ended, cpu_after) = marks[last], marks[stage]
            stages[stage] = ((cpu_after - cpu_before) * 1_000, *self._probe.longest(begun, ended))
        joining, clock, held = stages["join"]
        stages["join"] = (joining - indexing, clock, held)
        stages["index"] = (indexing, clock, held)
        return stages

    async def refresh(self, *, anew: bool = False) -> tuple[float, float, float, int]:
        """CPU, longest hold (clock, CPU) and round trips of a refresh of the contracts in which nothing has changed."""
        service = self.service
        if anew:
            service.read_anew()
        await order(self._endpoint, b"sim.mine_l2")
        snapshot = await service.snapshots.current()
        before, trips = snapshot, service.round_trips
        self._probe.holds.clear()
        begun = time.perf_counter()
        with cpu() as spent:
            service.refresh_contracts()
            while snapshot.state is before.state:
                snapshot = await service.snapshots.next(snapshot)
            taken = spent()
        ended = time.perf_counter()
        await asyncio.sleep(0.2)
        return taken, *self._probe.longest(begun, ended), service.round_trips - trips

    async def keep(self) -> tuple[float, float, float]:
        """CPU and longest hold (clock, CPU) of writing the snapshot to disk."""
        self._probe.holds.clear()
        begun = time.perf_counter()
        with cpu() as spent:
            await self.service.keep()
            taken = spent()
        ended = time.perf_counter()
        await asyncio.sleep(0.05)
        return taken, *self._probe.longest(begun, ended)


def settings_for(rpc_url: str, endpoint: str, state_directory: Path) -> Settings:
    """The settings of localdev, turned towards the network; it is read when it is told to be."""
    overrides: dict[str, object] = {
        "local.embedded": False,
        "http.port": 0,
        "oxend.endpoints": (endpoint,),
        "cache.state_directory": str(state_directory),
        "cache.keep_interval": 3_600.0,
        "contracts.rpc_urls": (rpc_url,),
        "contracts.service_node_rewards": REWARDS,
        "contracts.multicall": MULTICALL,
        "contracts.deployment_block": 1,
        "network.chain_id": CHAIN_ID,
        "poll_oxend.interval": 3_600.0,
        "poll_contracts.interval": 3_600.0,
        "poll_oxend.min_interval": 0.01,
        "poll_contracts.min_interval": 0.01,
    }
    return load_settings("localdev", None, overrides, {}).settings


async def measure(bench: Bench, blocks: int) -> None:
    """Prints the figures."""
    snapshot = await bench.first()
    assert snapshot.state is not None
    print(f"\n{len(snapshot.state.nodes)} nodes, {len(snapshot.state.accrued)} wallets")
    bare = memory()[0]
    for operation in questions(snapshot.state):
        await bench.service.live.subscribe(operation, Reader())
    assert bench.service.live.groups == GROUPS, bench.service.live.groups
    print(f"{'CPU ms a block (longest hold of the loop: ms, its CPU ms)':<34}")
    print(f"{'':<18}" + "".join(f"{stage:>20}" for stage in STAGES) + f"{'without live':>14}")
    for kind, name in KINDS.items():
        rows, told = [], ""
        for _ in range(blocks):
            stages, told = await bench.block(kind)
            rows.append(stages)
        cells = []
        for stage in STAGES:
            spent, clock, held = zip(*(row[stage] for row in rows), strict=True)
            cells.append(f"{statistics.median(spent):.1f} ({max(clock):.0f}, {max(held):.0f})")
        upkeep = statistics.median(sum(row[stage][0] for stage in STAGES[:-1]) for row in rows)
        print(f"{name:<18}" + "".join(f"{cell:>20}" for cell in cells) + f"{upkeep:>14.1f}")
        print(f"{'':<18}same objects: {told}")
    for name, times, anew in (("quiet refresh of the contracts", blocks, False), ("all of them read anew", 2, True)):
        refreshes = [await bench.refresh(anew=anew) for _ in range(times)]
        spent, clock, held, trips = zip(*refreshes, strict=True)
        told = f"{statistics.median(spent):.1f} ({max(clock):.0f}, {max(held):.0f})"
        print(f"{name}, joined and shown: {told}, {max(trips)} round trips")
    cpu, hold, held_cpu = await bench.keep()
    print(f"snapshot to disk: {cpu:.1f} ({hold:.0f}, {held_cpu:.0f})")
    now, peak = memory()
    print(f"memory: {bare:.0f} MiB without subscribers, {now:.0f} MiB with {GROUPS} groups, {peak:.0f} MiB at most")


async def main(nodes: int, blocks: int) -> None:
    """Runs the service and measures."""
    configure_logging(LogSettings(level="warning"))
    with tempfile.TemporaryDirectory() as directory:
        endpoint = f"ipc://{directory}/oxend.sock"
        with block_network(nodes, endpoint) as rpc_url:
            service = WatchedService(settings_for(rpc_url, endpoint, Path(directory) / "state"), Path(directory))
            probe = LoopProbe()
            tasks = [asyncio.create_task(service.run(_idle)), asyncio.create_task(probe.run())]
            measuring = asyncio.create_task(measure(Bench(service, probe, endpoint), blocks))
            await asyncio.wait((*tasks, measuring), return_when=asyncio.FIRST_COMPLETED)
            if not measuring.done():
                await asyncio.gather(*(task for task in tasks if task.done()))
            await measuring
            await end(tasks)


async def _idle(_app: object) -> None:
    await asyncio.Event().wait()


def run(nodes: int, blocks: int) -> None:
    """The process that measures one size."""
    uvloop.run(main(nodes, blocks))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[2_000, 10_000])
    parser.add_argument("--blocks", type=int, default=10)
    options = parser.parse_args()
    for size in options.nodes:
        process = multiprocessing.get_context("spawn").Process(target=run, args=(size, options.blocks))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(process.exitcode)
