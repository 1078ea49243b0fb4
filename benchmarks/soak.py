"""Clients that come and go in every bad way for minutes; then all that they have made the service hold must be gone.

The service's own application runs in a process of its own, over a network made by hand that moves twice a second, with
short time limits, so that each of them is met many times. Exit status 1 says that something stayed.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from typing import Final

import uvloop
from live.mishaps import MISHAPS, meet
from live.server import Server

LIMITS: Final = {
    "init_timeout": 2.0,
    "idle_timeout": 3.0,
    "ping_interval": 2.0,
    "ping_timeout": 2.0,
    "slow_reader_timeout": 3.0,
}
INTERVAL: Final = 0.5

WARM_UP: Final = 0.25
"""Part of the time after which the first count is made: by then caches are filled and memory has its shape."""

SETTLING: Final = 60.0
"""Seconds that what is left over may take to go."""

MEMORY_LIMIT: Final = 1.1
OBJECTS_LIMIT: Final = 1.02
"""What may be held at the end, of what was held after the warm-up."""

SHOWN: Final = ("sockets", "tasks", "connections", "members", "groups", "sending", "objects", "resident")
EXACT: Final = SHOWN[:6]


class Soak:
    """So many clients at a time."""

    def __init__(self, server: Server, clients: int, seed: int) -> None:
        self.ends: Counter[tuple[str, str]] = Counter()
        self.most: dict[str, int] = {}
        self._server = server
        self._clients = clients
        self._chance = random.Random(seed)

    async def run(self, seconds: float) -> None:
        """Lets clients come and go for that time, and sees the last of them go."""
        until = time.monotonic() + seconds
        clients = [asyncio.create_task(self._come_and_go(until)) for _ in range(self._clients)]
        while time.monotonic() < until:
            state = await self._server.ask("state")
            self.most = {name: max(state[name], self.most.get(name, 0)) for name in SHOWN}
            await asyncio.sleep(1)
        await asyncio.gather(*clients)

    async def settled(self, before: dict[str, int]) -> dict[str, int]:
        """What the server holds once its counts are as they were, or after long enough."""
        until = time.monotonic() + SETTLING
        state: dict[str, int] = await self._server.ask("state")
        while any(state[name] > before[name] for name in EXACT) and time.monotonic() < until:
            await asyncio.sleep(0.5)
            state = await self._server.ask("state")
        return state

    async def _come_and_go(self, until: float) -> None:
        while time.monotonic() < until:
            mishap = self._chance.choice(MISHAPS)
            self.ends[mishap.__name__, await meet(mishap, self._server.port, self._chance)] += 1


def show(name: str, state: dict[str, int]) -> None:
    """One line of the table."""
    figures = [f"{state[key] / 2**20:>12.1f}" if key == "resident" else f"{state[key]:>12,}" for key in SHOWN]
    print(f"{name:>16} {''.join(figures)}", flush=True)


async def main(minutes: float, clients: int, seed: int) -> int:
    """Soaks, counts and judges; the exit status."""
    server = await Server.start("ours", **LIMITS)
    await server.ask("move", INTERVAL)
    soak = Soak(server, clients, seed)
    print(f"{'':>16} {''.join(f'{name:>12}' for name in SHOWN[:-1])}{'MiB':>12}")
    began: dict[str, int] = await server.ask("state")
    show("at the beginning", began)
    await soak.run(minutes * 60 * WARM_UP)
    warm = await soak.settled(began)
    show("warmed up", warm)
    await soak.run(minutes * 60 * (1 - WARM_UP))
    show("at the most", soak.most)
    end = await soak.settled(began)
    show("at the end", end)
    await server.stop()
    for (mishap, how), count in sorted(soak.ends.items()):
        print(f"  {mishap} {how}: {count:,}")
    stayed = [name for name in EXACT if end[name] > began[name]]
    stayed += [
        name
        for name, limit in (("objects", OBJECTS_LIMIT), ("resident", MEMORY_LIMIT))
        if end[name] > warm[name] * limit
    ]
    print(f"STAYED: {', '.join(stayed)}" if stayed else "everything is as it was")
    return 1 if stayed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=300, help="at a time")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(uvloop.run(main(options.minutes, options.clients, options.seed)))
