"""What the service does under more load than it can serve: what is accepted keeps its time, health is told, the rest is
refused.

The server is a process of its own. First some clients ask one after the other, which tells how much it can serve; then
questions come at a multiple of that rate, whether or not earlier ones have been answered, each on a connection of its
own if need be. No answer can be sent again: each question differs from all others.
"""

import argparse
import asyncio
import socket
import sys
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from statistics import quantiles
from time import perf_counter
from typing import Final

import orjson
import uvloop
from execution import Bench
from live.scenario import make_context
from service import application, bench_settings, guarded

from sent_graphql.logs import configure_logging
from sent_graphql.settings import HttpSettings, LogSettings, RateLimitSettings

NODES: Final = 2_000
QUESTION: Final = """query ($n: Int) { serviceNodes(first: $n) { nodes {
  contractId pubkey state operator totalContributed contributors { address amount isOperator }
} } }"""
HEAD: Final = (
    b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
    b"accept-encoding: %s\r\ncontent-length: %d\r\n\r\n"
)
TICK: Final = 0.005
FAILED: Final = 0


async def serve() -> None:
    """The service with its default bounds, but that all clients may come from one address."""
    configure_logging(LogSettings(level="error"))
    settings = bench_settings({}).model_copy(
        update={
            "rate_limit": RateLimitSettings(enabled=False),
            "http": HttpSettings(max_connections_per_address=1_000_000),
        }
    )
    app = application(settings, Bench(NODES).snapshot(), make_context)
    bound = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(bound.getsockname()[1], flush=True)
    await guarded(app, bound, settings)


class Clients:
    """Connections to the server, kept for the next question; `most` may be open."""

    def __init__(self, port: int, first: int, most: int, coding: str) -> None:
        self._port = port
        self._coding = coding.encode()
        self._first = first
        self.most = most
        self._numbers = count()
        self._idle: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = deque()
        self._open = 0
        self.not_sent = 0
        """Questions for which all connections were taken."""

    async def question(self) -> int:
        """Asks what nobody has asked; gives the status."""
        variables = {"n": self._first, "number": next(self._numbers)}
        body = orjson.dumps({"query": QUESTION, "variables": variables})
        return await self._ask(HEAD % (self._coding, len(body)) + body)

    async def health(self) -> int:
        """Asks whether the service lives."""
        return await self._ask(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")

    async def _ask(self, request: bytes) -> int:
        self._open += not self._idle
        try:
            reader, writer = self._idle.popleft() if self._idle else await self._connection()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
            await reader.readexactly(length)
        except (OSError, EOFError):
            self._open -= 1
            return FAILED
        if b"\r\nconnection: close\r\n" in head:
            writer.close()
            self._open -= 1
        else:
            self._idle.append((reader, writer))
        return int(head.split()[1])

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port, limit=2**22)


class Times:
    """How long answers took, by their status."""

    def __init__(self) -> None:
        self.by_status: dict[int, list[float]] = {}

    @contextmanager
    def taken(self) -> Iterator[list[int]]:
        """Times one; the status is put into the list that is given."""
        began = perf_counter()
        status: list[int] = []
        yield status
        self.by_status.setdefault(status[0], []).append(perf_counter() - began)

    def __str__(self) -> str:
        parts = []
        for status, times in sorted(self.by_status.items()):
            middle, late = quantiles(times, n=100)[49:99:49] if len(times) > 1 else (times[0], times[0])
            name = "failed" if status == FAILED else str(status)
            parts.append(
                f"{name}: {len(times)}, median {middle * 1000:.0f} ms, p99 {late * 1000:.0f} ms, "
                f"longest {max(times) * 1000:.0f} ms"
            )
        return "; ".join(parts)


async def capacity(clients: Clients, seconds: float, at_once: int) -> float:
    """Answers a second to clients who ask one after the other."""
    ends, answered = perf_counter() + seconds, Counter[int]()

    async def one() -> None:
        while perf_counter() < ends:
            answered[await clients.question()] += 1

    await asyncio.gather(*(one() for _ in range(at_once)))
    return answered[200] / seconds


async def flood(clients: Clients, rate: float, seconds: float) -> tuple[Times, Times]:
    """Questions at that rate, whatever becomes of earlier ones, and health asked all the while."""
    answers, health, asking = Times(), Times(), set[asyncio.Task[None]]()
    began, sent = perf_counter(), 0
    probing = asyncio.create_task(_probe(health, clients))

    async def one() -> None:
        with answers.taken() as status:
            status.append(await clients.question())

    while (passed := perf_counter() - began) < seconds:
        while sent < rate * passed:
            sent += 1
            if len(asking) >= clients.most:
                clients.not_sent += 1
                continue
            task = asyncio.create_task(one())
            asking.add(task)
            task.add_done_callback(asking.discard)
        await asyncio.sleep(TICK)
    await asyncio.gather(*asking)
    probing.cancel()
    return answers, health


async def _probe(times: Times, clients: Clients) -> None:
    while True:
        with times.taken() as status:
            status.append(await clients.health())
        await asyncio.sleep(0.05)


async def compare(load: float, seconds: float, first: int, connections: int, coding: str) -> None:
    """Prints both."""
    process = await asyncio.create_subprocess_exec(sys.executable, __file__, "--serve", stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        served = await capacity(Clients(port, first, connections, coding), seconds, at_once=8)
        print(f"{served:.0f} questions of {first} nodes a second are served, in {coding}")
        clients = Clients(port, first, connections, coding)
        answers, health = await flood(clients, served * load, seconds)
        accepted = len(answers.by_status.get(200, ()))
        print(f"at {load:g} times that, {accepted / seconds:.0f} a second are answered: {answers}")
        print(f"not sent, all {connections} connections being taken: {clients.not_sent}")
        print(f"/healthz: {health}")
    finally:
        process.kill()
        await process.wait()


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--load", type=float, default=10.0, help="times what can be served")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--first", type=int, default=1_000, help="nodes that a question asks for")
    parser.add_argument("--connections", type=int, default=2_000, help="most connections")
    parser.add_argument("--coding", choices=("identity", "gzip"), default="identity", help="what clients accept")
    options = parser.parse_args()
    if options.serve:
        uvloop.run(serve())
    else:
        uvloop.run(compare(options.load, options.seconds, options.first, options.connections, options.coding))


if __name__ == "__main__":
    main()
