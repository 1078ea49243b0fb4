"""Server CPU of hot questions, asked again on the same snapshot: the service beside a bare app that sends the same.

Each server is a process of its own, asked by this one over kept connections. `service` is what `sent-graphql serve`
runs, `application` the same without its guard of connections, under uvicorn as it comes; `bare` is uvicorn as it
comes, with an ASGI app that sends the very bytes, status and headers that `application` sends.
"""

import argparse
import asyncio
import json
import os
import socket
import sys
import tempfile
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import uvicorn
import uvloop
from execution import LIST, SMALL, Bench
from live.scenario import make_context
from service import application, bare, bench_settings, guarded
from starlette.types import ASGIApp

from sent_graphql.logs import configure_logging
from sent_graphql.settings import LogSettings, RateLimitSettings, Settings

NODES: Final = 2_000
SERVERS: Final = ("bare", "application", "service")
CONNECTIONS: Final = 8
TICK: Final = os.sysconf("SC_CLK_TCK")
ROUNDS: Final = 8
"""Rounds in which all servers are asked in turn: what else the machine does changes from one minute to the next."""

PLENTY: Final = 1e15
"""One client asks for all of it."""


def settings() -> Settings:
    """Those of the fan-out, with limits that count and never bite."""
    limits = RateLimitSettings(cost_burst=PLENTY, cost_per_second=PLENTY)
    return bench_settings({}).model_copy(update={"rate_limit": limits})


def service() -> ASGIApp:
    """The service's own application, over a network made by hand."""
    return application(settings(), Bench(NODES).snapshot(), make_context)


async def serve(name: str, canned: bytes | None) -> None:
    """Runs one server in this process; says its port on standard output."""
    configure_logging(LogSettings(level="error"))
    bound = socket.create_server(("127.0.0.1", 0))
    print(bound.getsockname()[1], flush=True)
    if name == "service":
        await guarded(service(), bound, settings())
        return
    app = service() if canned is None else bare(canned)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
    await uvicorn.Server(config).serve(sockets=[bound])


@dataclass
class Server:
    """One of them."""

    process: asyncio.subprocess.Process
    port: int

    @classmethod
    async def start(cls, name: str, canned: Path | None = None) -> "Server":
        """Starts it, and waits until it listens."""
        program = [sys.executable, __file__, "--serve", name, *(["--canned", str(canned)] if canned else [])]
        process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        return cls(process, int(await process.stdout.readline()))

    def cpu(self) -> float:
        """Seconds of CPU so far, of user and system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    async def ask(self, request: bytes, times: int, connections: int) -> bytes:
        """Asks the same again and again over some connections; gives the last answer."""
        numbers = iter(range(times))
        answers = await asyncio.gather(*(self._ask(request, numbers) for _ in range(connections)))
        return answers[0]

    async def _ask(self, request: bytes, numbers: Any) -> bytes:  # noqa: ANN401 - shared by the connections
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)
        head = body = b""
        for _ in numbers:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
            body = await reader.readexactly(length)
        writer.close()
        return head + body

    async def end(self) -> None:
        """Ends its process."""
        self.process.kill()
        await self.process.wait()


def post(question: str, *headers: str) -> bytes:
    """A question as most clients send it."""
    body = json.dumps({"query": question}).encode()
    lines = ["POST /graphql HTTP/1.1", "host: localhost", "content-type: application/json", "accept: application/json"]
    return "\r\n".join([*lines, *headers, f"content-length: {len(body)}", "", ""]).encode() + body


def get(question: str, *headers: str) -> bytes:
    """The same as caches like it."""
    path = "/graphql?" + urllib.parse.urlencode({"query": question})
    return "\r\n".join([f"GET {path} HTTP/1.1", "host: localhost", "accept: */*", *headers, "", ""]).encode()


async def measure(request: bytes, times: int, canned: Path) -> tuple[int, dict[str, list[float]]]:
    """Bytes of the answer, and CPU microseconds of each server by request, in each of the rounds."""
    first = await Server.start("application")
    await first.ask(request, 2, 1)
    answer = await first.ask(request, 1, 1)
    await first.end()
    await asyncio.to_thread(canned.write_bytes, answer)
    servers = {name: await Server.start(name, canned if name == "bare" else None) for name in SERVERS}
    costs: dict[str, list[float]] = {name: [] for name in SERVERS}
    asked = times // ROUNDS
    for server in servers.values():
        await server.ask(request, max(20, asked), CONNECTIONS)
    for _ in range(ROUNDS):
        for name, server in servers.items():
            before = server.cpu()
            await server.ask(request, asked, CONNECTIONS)
            costs[name].append((server.cpu() - before) / asked * 1e6)
    for server in servers.values():
        await server.end()
    return len(answer), costs


async def compare(times: int, canned: Path) -> None:
    """Prints the table."""
    long = f"{{ serviceNodes(first: {NODES}) {{ nodes {{ {LIST} }} }} }}"
    cases = {
        "small": (post(SMALL["network"]), times),
        "small, GET": (get(SMALL["network"]), times),
        "list": (post(long), max(400, times // 10)),
        "list, gzip": (post(long, "accept-encoding: gzip"), max(400, times // 2)),
    }
    print(f"{'question':14}{'bytes':>10}" + "".join(f"{name + '/µs':>16}" for name in SERVERS) + "   of bare")
    for name, (request, rounds) in cases.items():
        size, costs = await measure(request, rounds, canned)
        shown = "".join(f"{median(costs[server]):16.1f}" for server in SERVERS)
        ratios = ", ".join(
            f"{median(ours / bare for ours, bare in zip(costs[server], costs['bare'], strict=True)):.2f}"
            for server in SERVERS[1:]
        )
        print(f"{name:14}{size:10}{shown}   {ratios}", flush=True)


def main() -> None:
    """Compares the servers, or is one of them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--requests", type=int, default=40_000, help="requests of each small question")
    arguments.add_argument("--serve", choices=SERVERS, help=argparse.SUPPRESS)
    arguments.add_argument("--canned", type=Path, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.serve:
        uvloop.run(serve(options.serve, options.canned.read_bytes() if options.canned else None))
        return

    with tempfile.TemporaryDirectory() as directory:
        uvloop.run(compare(options.requests, Path(directory) / "answer"))


if __name__ == "__main__":
    main()
