"""CPU time of cold questions, whose answers are not at hand: compiled execution beside plain Strawberry.

Both have the same types, rules and data, and know the documents already; each round asks both in turn, each about a new
snapshot. Serialising the answer with orjson is part of every figure.
"""

import argparse
import asyncio
import dataclasses
import gc
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter, process_time
from typing import Final

import orjson
import strawberry
from graphql import GraphQLObjectType, GraphQLOutputType, get_named_type, is_leaf_type
from live.scenario import HEIGHT, Scenario, make_context
from msgspec.structs import replace
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from sent_graphql.models.keys import eth_address
from sent_graphql.models.network import Contributor
from sent_graphql.models.snapshot import NetworkState, Snapshot
from sent_graphql.resolvers.context import RequestContext
from sent_graphql.schema.at_once import AtOnce
from sent_graphql.schema.build import ServedSchema, build_schema
from sent_graphql.settings import CacheSettings, GraphqlSettings

CONTRIBUTORS: Final = 4
"""Contributors of each node."""

LIST: Final = """
  contractId pubkey pubkeyBls state leaving operator operatorFee stakingRequirement totalContributed registrationHeight
  lastRewardBlockHeight serviceNodeVersion publicIp payable contributors { address amount isOperator }
"""

CHANGES: Final = 70
"""Nodes that a block changes where each proves its uptime every hour, and a block takes two minutes."""

STAKES: Final = "address rewards { accrued claimable } stakes { amount state serviceNode { pubkey operator } }"
ENDED: Final = "pastStakes(first: 2) { nodes { id amount } pageInfo { hasNextPage } }"

SMALL: Final = {
    "network": "{ network { blockHeight blockHash hardFork totalStaked nodeCounts { total running } } }",
    "meta": "{ meta { version stale } }",
    "one node": "{ serviceNode(by: { contractId: 7 }) { id pubkey state operator contributors { address amount } } }",
    "page of 10": "{ serviceNodes(first: 10) { totalCount pageInfo { endCursor } nodes { pubkey state } } }",
}


@dataclass(frozen=True)
class Figures:
    """CPU seconds of both; the longest hold of the event loop by ours; bytes of the answer."""

    ours: float
    plain: float
    hold: float
    size: int


class Bench:
    """Both schemas, and snapshots of so many nodes to ask them about.

    `furnish` may put more into them. `changes`: nodes that differ from one snapshot to the next, which hands on the
    rest, as in the service; with 0, nothing is known of any snapshot beforehand but what had left before it.
    `keeps`: ours keeps nodes in JSON, as it does for who asks by HTTP.
    """

    def __init__(
        self,
        nodes: int,
        furnish: Callable[[Snapshot], Snapshot] = lambda snapshot: snapshot,
        changes: int = 0,
        *,
        keeps: bool = False,
    ) -> None:
        settings = GraphqlSettings(max_page_size=nodes, max_depth=30, max_cost=10**9)
        self.ours = build_schema(settings, "mainnet", objects_bytes=CacheSettings().objects_bytes)
        self._keeps = keeps
        self.plain = build_schema(settings, "mainnet")
        self.plain.execution_context_class = StrawberryGraphQLCoreExecutionContext
        self.plain.create_extensions_runner = partial(  # type: ignore[method-assign]
            strawberry.Schema.create_extensions_runner, self.plain
        )
        self.plain.extensions = tuple(make for make in self.plain.extensions if not isinstance(make(), AtOnce))
        self._snapshot = furnish(many_nodes(Scenario().present(), nodes))
        self._changes = changes

    def snapshot(self) -> Snapshot:
        """A new one, whose structs are those of the last one but for what changes."""
        state = _state(self._snapshot)
        version = self._snapshot.version + 1
        nodes = [*state.nodes]
        for change in range(self._changes):
            place = (version * self._changes + change) % len(nodes)
            nodes[place] = replace(nodes[place], last_reward_block_height=HEIGHT + version)
        fresh = NetworkState(
            network=state.network,
            nodes=state.present.next(nodes) if self._changes else nodes,
            contribution_contracts=state.contribution_contracts,
            accrued=state.accrued,
            recipients=state.recipients,
            past=state.past,
            previous=state if self._changes else None,
        )
        self._snapshot = replace(self._snapshot, version=version, state=fresh)
        return self._snapshot

    def measure(self, question: str, rounds: int, repeats: int = 1) -> Figures:
        """What `question` costs: the medians of some rounds, each of which asks it `repeats` times."""
        made = [self.round(question, repeats) for _ in range(rounds)]
        ours, plain = (statistics.median(costs) for costs in zip(*((one.ours, one.plain) for one in made), strict=True))
        return Figures(ours, plain, max((one.hold for one in made[1:]), default=0), made[-1].size)

    def round(self, question: str, repeats: int = 1) -> Figures:
        """Both asked in turn, each about a new snapshot."""
        ours, hold, size = self.asked(question, repeats)
        plain, _, _ = asyncio.run(_asked(self.plain, question, make_context(self.snapshot()), repeats))
        return Figures(ours, plain, hold, size)

    def asked(self, question: str, repeats: int = 1) -> tuple[float, float, int]:
        """Ours alone, asked about a new snapshot: CPU seconds, the longest hold, and bytes of the answer."""
        context = dataclasses.replace(make_context(self.snapshot()), encodes=self._keeps)
        return asyncio.run(_asked(self.ours, question, context, repeats))


async def _asked(
    schema: ServedSchema, question: str, context: RequestContext, repeats: int
) -> tuple[float, float, int]:
    """CPU seconds of one question, the longest hold of the event loop, and the size of the answer."""
    await schema.execute("{ __typename }", context_value=context)
    gc.collect()
    probe = asyncio.create_task(_probe())
    await asyncio.sleep(0)
    begun = process_time()
    body = b""
    for _ in range(repeats):
        result = await schema.execute(question, context_value=context)
        assert not result.errors, result.errors
        body = orjson.dumps(result.data)
    cpu = (process_time() - begun) / repeats
    await asyncio.sleep(0)
    probe.cancel()
    (hold,) = await asyncio.gather(probe, return_exceptions=True)
    return cpu, float(str(hold)), len(body)


async def _probe() -> None:
    """Notes the longest time between two of its turns; says it when it is cancelled."""
    longest, last = 0.0, perf_counter()
    try:
        while True:
            await asyncio.sleep(0)
            now = perf_counter()
            longest, last = max(longest, now - last), now
    except asyncio.CancelledError:
        raise TimeoutError(longest) from None


def _state(snapshot: Snapshot) -> NetworkState:
    assert snapshot.state is not None
    return snapshot.state


def many_nodes(snapshot: Snapshot, nodes: int) -> Snapshot:
    """So many nodes, each with several contributors."""
    state = _state(snapshot)
    made = []
    for number in range(nodes):
        node = state.nodes[number % len(state.nodes)]
        contributors = tuple(_contributor(node.contributors[0], number, place) for place in range(CONTRIBUTORS))
        made.append(
            replace(
                node,
                id=f"{node.id}{number}",
                contract_id=number,
                pubkey=f"{number:064x}",
                pubkey_bls=f"{number:0128x}",
                contributors=contributors,
            )
        )
    return replace(
        snapshot,
        state=NetworkState(
            network=state.network,
            nodes=made,
            contribution_contracts=(),
            accrued=state.accrued,
            recipients=state.recipients,
        ),
    )


def _contributor(operator: Contributor, number: int, place: int) -> Contributor:
    # As in the service, all who name an address have the same object.
    address = operator.address if place == 0 else eth_address(f"0x{number % 500:036x}{place:04x}")
    return replace(operator, address=address, amount=operator.amount // CONTRIBUTORS, is_operator=place == 0)


def _every_field(kind: GraphQLOutputType, depth: int) -> str:
    """All fields without needed arguments, `depth` levels of objects deep."""
    named = get_named_type(kind)
    assert isinstance(named, GraphQLObjectType)
    written = []
    for name, field in named.fields.items():
        if is_leaf_type(get_named_type(field.type)):
            written.append(name)
        elif depth > 1:
            written.append(f"{name} {{ {_every_field(field.type, depth - 1)} }}")
    return " ".join(written)


def main() -> None:
    """Prints the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--nodes", type=int, default=2_000, help="service nodes in the network")
    arguments.add_argument("--rounds", type=int, default=9, help="rounds that the median is taken of")
    options = arguments.parse_args()
    bench = Bench(options.nodes)
    gc.collect()
    gc.freeze()  # as the service does once it has started
    page = f"serviceNodes(first: {options.nodes})"
    node = bench.ours._schema.type_map["ServiceNode"]  # noqa: SLF001 - Strawberry has no other way to it
    assert isinstance(node, GraphQLObjectType)
    lists = {
        "14 fields, 4 contributors of 3": f"{{ {page} {{ nodes {{ {LIST} }} }} }}",
        "the same in edges": f"{{ {page} {{ edges {{ cursor node {{ {LIST} }} }} }} }}",
        "every scalar": f"{{ {page} {{ nodes {{ {_every_field(node, 1)} }} }} }}",
        "every field of nodes and theirs": f"{{ {page} {{ nodes {{ {_every_field(node, 2)} }} }} }}",
        "wallets of contributors": f"{{ {page} {{ nodes {{ contributors {{ wallet {{ totalStaked }} }} }} }} }}",
        "stakes of those wallets": f"{{ {page} {{ nodes {{ contributors {{ wallet {{ {STAKES} }} }} }} }} }}",
        "their ended stakes, in pages": f"{{ {page} {{ nodes {{ contributors {{ wallet {{ {ENDED} }} }} }} }} }}",
    }
    print(f"{'question':45}{'ours/ms':>10}{'plain/ms':>10}{'ratio':>8}{'hold/ms':>9}{'kB':>8}", file=sys.stderr)
    for name, question in lists.items():
        _show(name, bench.measure(question, options.rounds))
    for name, question in SMALL.items():
        _show(name, bench.measure(question, options.rounds, repeats=200))
    asked_again = Bench(options.nodes, changes=CHANGES, keeps=True)
    for name in ("14 fields, 4 contributors of 3", "the same in edges", "every scalar"):
        _show(f"{name}, asked again", asked_again.measure(lists[name], options.rounds))


def _show(name: str, figures: Figures) -> None:
    ours, plain = figures.ours * 1_000, figures.plain * 1_000
    print(
        f"{name:45}{ours:10.3f}{plain:10.3f}{plain / ours:8.1f}{figures.hold * 1_000:9.1f}{figures.size / 1_000:8.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
