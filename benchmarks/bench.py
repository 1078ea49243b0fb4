"""The contest: our server beside a bare one, plain Strawberry and GraphQL servers of Node.js, on the same data.

Each server is a process of its own, and is asked by one load generator, in turn with the others. Our server is asked
hot (each question has been answered on this snapshot) and cold (its bytes are not at hand: every request brings a
variable that no other has brought); the others keep no answers. `CPU` is what the server's process has used, by
request. The bare server sends the bytes of our answer and does nothing else.
"""

import argparse
import asyncio
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop
from contest.data import as_json
from contest.load import Load
from contest.processes import HERE, PEERS, Server
from contest.questions import QUESTIONS, Question

SCHEMA: Final = HERE.parent / "sent_graphql" / "schema" / "schema.graphql"
NODE_PEERS: Final = ("mercurius", "yoga", "apollo")
TITLES: Final = {
    "ours hot": "**sent-graphql**, hot",
    "ours cold": "**sent-graphql**, cold",
    "bare": "bare uvicorn app, same bytes",
    "mercurius": "mercurius with JIT",
    "yoga": "GraphQL Yoga",
    "apollo": "Apollo Server",
    "strawberry": "plain Strawberry",
}
COLUMNS: Final = ("question", "server", "req/s", "p50 ms", "p99 ms", "CPU ms", "of hot", "of cold", "kB", "MiB")
LEFT_ALIGNED: Final = 2


@dataclass(frozen=True)
class Effort:
    """How much is asked: seconds before measuring begins, seconds of a round, and rounds of each server."""

    warmup: float
    seconds: float
    rounds: int


FULL: Final = Effort(warmup=3, seconds=4, rounds=3)
QUICK: Final = Effort(warmup=0.3, seconds=0.7, rounds=1)


@dataclass
class Entry:
    """One server, asked in one way, and what has been measured of it by round."""

    name: str
    server: Server
    requests: Iterator[bytes]
    times: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    size: int = 0
    resident: int = 0

    async def run(self, seconds: float, connections: int, *, measured: bool) -> None:
        """One round."""
        load = Load(self.server.port, self.requests)
        before = self.server.cpu()
        took = await load.run(seconds, connections)
        if measured:
            self.costs.append((self.server.cpu() - before) / len(load.times) * 1_000)
            self.rates.append(len(load.times) / took)
            self.times += load.times
            self.size = load.size
            self.resident = self.server.resident()

    @property
    def cost(self) -> float:
        """Milliseconds of CPU by request."""
        return statistics.median(self.costs)


class Contest:
    """All servers that can be had on this machine. `directory`: where the data is put."""

    def __init__(self, directory: Path, effort: Effort, peers: tuple[str, ...]) -> None:
        self._directory = directory
        self._effort = effort
        self._peers = peers

    async def held(self, question: Question) -> list[Entry]:
        """Starts the servers, sees that they agree, and measures them round by round."""
        servers = await self._servers(question)
        try:
            self._agree(question, servers)
            entries = [
                Entry("ours hot", servers["ours"], question.hot()),
                Entry("ours cold", servers["ours"], question.cold()),
                *(Entry(name, server, question.hot()) for name, server in servers.items() if name != "ours"),
            ]
            for entry in entries:
                await entry.run(self._effort.warmup, question.connections, measured=False)
            for _ in range(self._effort.rounds):
                for entry in entries:
                    await entry.run(self._effort.seconds, question.connections, measured=True)
            return entries
        finally:
            for server in servers.values():
                await server.stop()

    async def _servers(self, question: Question) -> dict[str, Server]:
        ours = await Server.of_python("ours", question.nodes)
        servers = {"ours": ours, "strawberry": await Server.of_python("strawberry", question.nodes)}
        canned = self._directory / "canned"
        await asyncio.to_thread(canned.write_bytes, b"".join(ours.answer(question)))
        servers["bare"] = await Server.of_python("bare", canned)
        data = self._directory / "data.json"
        await asyncio.to_thread(data.write_bytes, await as_json(question.nodes))
        for name in self._peers:
            servers[name] = await Server.of_node(name, SCHEMA, data)
        return {name: servers[name] for name in ("ours", "bare", *self._peers, "strawberry")}

    def _agree(self, question: Question, servers: dict[str, Server]) -> None:
        """Whoever answers differently does not do the same work."""
        answers = {name: json.loads(server.answer(question)[1]) for name, server in servers.items()}
        for name, answer in answers.items():
            if answer.get("errors") or answer["data"] != answers["ours"]["data"]:
                raise ValueError(f"{name} answers {question.name!r} differently: {str(answer)[:500]}")


def rows(question: Question, entries: list[Entry]) -> list[tuple[str, ...]]:
    """The table of one question."""
    hot, cold = (entry.cost for entry in entries[:2])
    made = []
    for entry in entries:
        hundredths = statistics.quantiles(entry.times, n=100, method="inclusive")
        figures = (
            statistics.median(entry.rates),
            hundredths[49] * 1_000,
            hundredths[98] * 1_000,
            entry.cost,
            entry.cost / hot,
            entry.cost / cold,
            entry.size / 1_000,
            entry.resident / 2**20,
        )
        made.append((question.name, TITLES[entry.name], *map(_figure, figures)))
    return made


def _figure(value: float) -> str:
    """Three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def table(lines: list[tuple[str, ...]]) -> str:
    """In Markdown, legible as it stands."""
    widths = [max(map(len, column)) for column in zip(COLUMNS, *lines, strict=True)]
    rule = tuple("-" * width if n < LEFT_ALIGNED else "-" * (width - 1) + ":" for n, width in enumerate(widths))
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(width) if n < LEFT_ALIGNED else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in (COLUMNS, rule, *lines)
    )


def peers() -> tuple[str, ...]:
    """The servers of Node.js, where they are installed."""
    if shutil.which("node") and (PEERS / "node_modules").is_dir():
        return NODE_PEERS
    print(f"SKIPPED: {', '.join(NODE_PEERS)}, for Node.js or their packages are missing.", file=sys.stderr)
    return ()


def machine() -> str:
    """What the figures were measured on."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False) if peers() else None
    parts = [
        f"{len(names)} cores of {names[0].partition(': ')[2]}",
        f"Linux {platform.release().partition('-')[0]}",
        f"Python {platform.python_version()}",
        *([f"Node.js {node.stdout.strip().removeprefix('v')}"] if node else []),
    ]
    return ", ".join(parts)


async def hold(effort: Effort, questions: list[Question]) -> None:
    """Prints the table."""
    lines = []
    with tempfile.TemporaryDirectory() as directory:
        contest = Contest(Path(directory), effort, peers())
        for question in questions:
            print(f"{question.name} ...", file=sys.stderr, flush=True)
            lines += rows(question, await contest.held(question))
    print(machine())
    print()
    print(table(lines), flush=True)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short rounds and no 10,000 nodes: a look in a minute")
    parser.add_argument("--only", choices=[question.name for question in QUESTIONS], help="one question")
    options = parser.parse_args()
    questions = [question for question in QUESTIONS if options.only in (None, question.name)]
    if options.quick and not options.only:
        questions = [question for question in questions if question.nodes <= QUESTIONS[0].nodes]
    uvloop.run(hold(QUICK if options.quick else FULL, questions))


if __name__ == "__main__":
    main()
