"""What it costs to tell thousands of subscribers what has changed: our live queries, plain Strawberry, bare sockets.

Each server is a process of its own, one after the other; its subscribers are this process. A network of 2,000 nodes,
made by hand, moves once per interval, and each update concerns each of the twenty groups that subscribers are in.
Every message is applied: at the end each subscriber has to know exactly what a new question would be answered.
"""

import argparse
import statistics
from dataclasses import dataclass, field

import uvloop
from live.readers import Readers
from live.scenario import Scenario, make_context, questions
from live.server import Server

from sent_graphql.resolvers.changes import Event
from sent_graphql.schema.build import build_schema
from sent_graphql.settings import GraphqlSettings

SHORT = 15
"""Updates for which numbers of subscribers below the greatest are measured."""

HEAD = "    server  clients  updates ms/message  ms/update  KiB/conn   p50/ms   p99/ms   messages  folded   B/msg"

GOALS = {"CPU per message, of the bare socket's": 1.5, "KiB per connection": 40.0, "p99 in seconds": 1.0}


@dataclass
class Window:
    """What was measured with one number of subscribers. Seconds; bytes."""

    server: str
    clients: int
    updates: int
    cpu: float
    messages: int
    message_bytes: int
    memory: float
    latencies: list[float] = field(repr=False)

    @property
    def cpu_per_message(self) -> float:
        """Milliseconds of processor time."""
        return self.cpu / self.messages * 1_000

    @property
    def percentiles(self) -> tuple[float, float]:
        """The median and the 99th percentile of the time to receipt."""
        hundredths = statistics.quantiles(self.latencies, n=100)
        return hundredths[49], hundredths[98]


async def measure(name: str, sizes: list[int], updates: int, interval: float) -> list[Window]:
    """The figures of one server, with more and more subscribers."""
    server = await Server.start(name)
    readers = Readers(server.port, questions())
    windows = []
    version = 1
    if name == "bare":
        await server.ask("prepare", 0)
    empty = await server.ask("memory")
    for size in sizes:
        await readers.grow(size, version)
        memory = (await server.ask("memory") - empty) / size
        count = updates if size == sizes[-1] else min(updates, SHORT)
        await server.ask("prepare", count)
        readers.forget()
        server.tell("run", interval)
        await readers.reached(version + count)
        result = await server.reply()
        published = dict(enumerate(result["moments"], start=version + 1))
        version += count
        latencies = [moment - published[seen] for seen, moment in zip(readers.versions, readers.moments, strict=True)]
        windows.append(Window(name, size, count, result["cpu"], readers.received, readers.bytes, memory, latencies))
        show(windows[-1])
    await check(readers, version)
    readers.close()
    await server.stop()
    return windows


async def check(readers: Readers, version: int) -> None:
    """Every subscriber knows what a new question would be answered; LookupError where one does not."""
    schema = build_schema(GraphqlSettings(), "mainnet")
    context = make_context(Scenario().after(version - 1))
    truths = []
    for question in questions():
        result = await schema.execute(
            question.query, variable_values=dict(question.variables), context_value=context, root_value=Event()
        )
        assert result.data is not None, result.errors
        (value,) = result.data.values()
        truths.append({item["id"]: item for item in value["upserted"]} if question.is_list else value)
    for reader in readers:
        if reader.version != version or reader.answer != truths[reader.question]:
            raise LookupError(f"a subscriber of question {reader.question} does not know version {version}")
    print(f"  all {len(readers)} subscribers know version {version} as a new question is answered")


def show(window: Window) -> None:
    """One line of the table."""
    p50, p99 = window.percentiles
    expected = window.clients * window.updates
    print(
        f"{window.server:>10} {window.clients:>8,} {window.updates:>8} {window.cpu_per_message:>10.4f} "
        f"{window.cpu / window.updates * 1_000:>10.1f} {window.memory / 1024:>9.1f} "
        f"{p50 * 1_000:>8.0f} {p99 * 1_000:>8.0f} {window.messages:>10,} {expected - window.messages:>7,} "
        f"{window.message_bytes / window.messages:>7.0f}",
        flush=True,
    )


def compare(windows: list[Window]) -> None:
    """What each server costs in terms of the others, and the goals."""
    last = {window.server: window for window in windows}
    ours = last["ours"]
    for name in ("strawberry", "bare"):
        if other := last.get(name):
            ratio = ours.cpu_per_message / other.cpu_per_message
            print(
                f"ours to {name}: CPU per message {ratio:.2f}, memory per connection {ours.memory / other.memory:.2f}"
            )
    first = next(window for window in windows if window.server == "ours")
    print(
        f"ours, {first.clients:,} to {ours.clients:,} subscribers: CPU per message "
        f"{ours.cpu_per_message / first.cpu_per_message:.2f} times"
    )
    figures = [ours.memory / 1024, ours.percentiles[1]]
    if bare := last.get("bare"):
        figures.insert(0, ours.cpu_per_message / bare.cpu_per_message)
    for (goal, limit), figure in zip(list(GOALS.items())[-len(figures) :], figures, strict=True):
        print(f"goal: {goal} at most {limit:g}: {figure:.2f} ({'met' if figure <= limit else 'MISSED'})")


async def main(options: argparse.Namespace) -> None:
    """Measures all that was asked for."""
    print(HEAD)
    windows: list[Window] = []
    for name in options.servers.split(","):
        most = options.strawberry_clients if name == "strawberry" else options.clients
        updates = min(options.updates, SHORT) if name == "strawberry" else options.updates
        sizes = [most] if name == "strawberry" else sorted({most // 10, most // 2, most})
        windows += await measure(name, sizes, updates, options.interval)
    if "ours" in {window.server for window in windows}:
        compare(windows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--strawberry-clients", type=int, default=1_000, help="it cannot hold as many")
    parser.add_argument("--updates", type=int, default=60)
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between updates")
    parser.add_argument("--servers", default="ours,strawberry,bare")
    uvloop.run(main(parser.parse_args()))
