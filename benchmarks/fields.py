"""CPU time of every field that the list of nodes, or of contribution contracts, leads to: ours beside plain Strawberry.

The questions are made from the schema: a new field is asked about without being named here. There are two for each,
the field alone at the end of the shortest way to it, and beside the list of 14 fields and 4 contributors of 3; every
time about a new snapshot: as after a start, or with `--changes` as after a block. What no snapshot holds is not asked
for.

A line ends with `!` where a field by itself costs more than twice the list, or beside the list is less than 12 times
ahead of plain Strawberry.
"""

import argparse
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Final

from execution import LIST, Bench
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_required_argument,
)
from live.scenario import STAKE
from msgspec.structs import replace
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from sent_graphql.models.contracts import ContributionStatus, Recipient, ReservedPlace
from sent_graphql.models.global_id import global_id
from sent_graphql.models.keys import eth_address
from sent_graphql.models.network import (
    ContributionContract,
    DecommissionReason,
    ExitKind,
    ServiceNode,
    ServiceNodeExit,
    ServiceNodeState,
)
from sent_graphql.models.node_index import NodeIndex
from sent_graphql.models.parts import Part
from sent_graphql.models.snapshot import NetworkState, Snapshot
from sent_graphql.schema.fields import parts_read

MOST_OF_LIST: Final = 2.0
"""Times the list that a field may cost."""

LEAST_OF_PLAIN: Final = 12.0
"""Times that plain Strawberry has to cost more."""

REMOVABLE: Final = 10
"""One of so many nodes is on the exit list."""

GATHERING: Final = 10
"""One of so many contribution contracts still gathers a stake."""

MOMENT: Final = datetime(2025, 5, 21, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Way:
    """How to come to the objects of a type: fields from the root on, with their arguments."""

    steps: tuple[str, ...]

    def to(self, field: str) -> "Way":
        """One step further."""
        return Way((*self.steps, field))

    def asked(self, selection: str) -> str:
        """What it takes to ask that of the objects."""
        for step in reversed(self.steps):
            selection = f"{step} {{ {selection} }}"
        return selection


def ways(schema: GraphQLSchema, nodes: int) -> dict[str, Way]:
    """The shortest way from a list to each type whose objects are in snapshots; that of nodes is the first."""
    root = schema.query_type
    assert root is not None
    found: dict[str, Way] = {}
    begun = [
        (field.type, Way((f"{name}(first: {nodes})",)))
        for name, field in root.fields.items()
        if "first" in field.args and _is_in_snapshots(field)
    ]
    while begun:
        going, begun = begun, []
        for output, way in going:
            kind = get_named_type(output)
            if not isinstance(kind, GraphQLObjectType) or kind.name in found:
                continue
            found[kind.name] = way
            begun += [(field.type, way.to(name)) for name, field in kind.fields.items() if _is_in_snapshots(field)]
    return found


def _is_in_snapshots(field: GraphQLField) -> bool:
    shown = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    assert isinstance(shown, StrawberryField)
    return Part.OUTSIDE not in parts_read(shown) and not any(map(is_required_argument, field.args.values()))


def questions(schema: GraphQLSchema, nodes: int) -> Iterator[tuple[str, str, str]]:
    """Each field's name, and both questions about it."""
    found = ways(schema, nodes)
    own = found["ServiceNode"]
    for kind_name, way in found.items():
        kind = schema.type_map[kind_name]
        assert isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items():
            if _is_in_snapshots(field):
                selected = f"{name} {{ __typename }}" if isinstance(get_named_type(field.type), _OBJECTS) else name
                alone = way.asked(selected)
                yield f"{kind_name}.{name}", f"{{ {alone} }}", f"{{ {own.asked(LIST)} {alone} }}"


_OBJECTS: Final = GraphQLObjectType


def furnished(snapshot: Snapshot) -> Snapshot:
    """The network with something in every place: nobody's field is quick because it is null or empty."""
    state = snapshot.state
    assert state is not None
    nodes = [_node(node, number) for number, node in enumerate(state.nodes)]
    wallets = {contributor.address for node in nodes for contributor in node.contributors}
    return replace(
        snapshot,
        state=NetworkState(
            network=state.network,
            nodes=nodes,
            contribution_contracts=[_contract(node, number) for number, node in enumerate(nodes)],
            accrued={wallet: STAKE + place for place, wallet in enumerate(sorted(wallets))},
            recipients={wallet: Recipient(credited=STAKE // 2, claimed=STAKE // 4) for wallet in wallets},
            past=NodeIndex(map(_left, nodes)),
        ),
    )


def _node(node: ServiceNode, number: int) -> ServiceNode:
    return replace(
        node,
        state=ServiceNodeState.RUNNING if number % REMOVABLE else ServiceNodeState.AWAITING_EXIT,
        contributors=tuple(
            replace(contributor, leave_allowed_at=MOMENT, withdrawable_at=MOMENT) for contributor in node.contributors
        ),
        requested_unlock_height=number,
        requested_unlock_at=MOMENT,
        deregistration_unlock_height=number,
        liquidation_height=number,
        decommission_reasons=tuple(DecommissionReason)[:2],
        last_decommission_reasons=tuple(DecommissionReason)[:2],
        leave_requested_at=MOMENT,
        contribution_contract_address=eth_address(f"{0xC0 << 152 | number:040x}"),
        exit=_exit(number),
    )


def _left(node: ServiceNode) -> ServiceNode:
    """A node that had the same people in it, and is gone."""
    assert node.contract_id is not None
    return replace(
        node,
        id=f"{node.id}past",
        contract_id=node.contract_id + 1_000_000,
        pubkey=node.pubkey[::-1],
        pubkey_bls=None,
        state=ServiceNodeState.EXITED,
    )


def _exit(number: int) -> ServiceNodeExit:
    return ServiceNodeExit(
        kind=ExitKind.EXITED,
        height=number,
        block_number=number,
        at=MOMENT,
        returned_amount=STAKE,
        transaction_hash=f"0x{number:064x}",
    )


def _contract(node: ServiceNode, number: int) -> ContributionContract:
    assert node.contribution_contract_address is not None
    return ContributionContract(
        id=global_id("ContributionContract", node.contribution_contract_address),
        address=node.contribution_contract_address,
        status=ContributionStatus.FINALIZED if number % GATHERING else ContributionStatus.OPEN_FOR_PUBLIC_CONTRIBUTION,
        operator=node.operator,
        pubkey=node.pubkey,
        pubkey_bls=node.pubkey_bls or "",
        fee=1_000,
        contributors=node.contributors,
        reservations=tuple(ReservedPlace(one.address, one.amount, received=False) for one in node.contributors),
        total_contributed=STAKE // 2,
        total_reserved=STAKE // 2,
        staking_requirement=STAKE,
        max_contributors=10,
        minimum_contribution=STAKE // 10,
        open_slots=2,
        manual_finalize=False,
        viable=True,
        created_at_block=number,
        service_node_id=node.id,
        sequence=number,
    )


def main() -> None:
    """Prints the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--nodes", type=int, default=2_000, help="service nodes in the network")
    arguments.add_argument("--rounds", type=int, default=5, help="rounds that the median is taken of")
    arguments.add_argument("--only", default="", help="only fields in whose names this is, such as Wallet.")
    arguments.add_argument(
        "--changes", type=int, default=0, help="nodes that change with a block; without it, each snapshot is the first"
    )
    options = arguments.parse_args()
    bench = Bench(options.nodes, furnished, options.changes)
    gc.collect()
    gc.freeze()  # as the service does once it has started
    schema = bench.ours._schema  # noqa: SLF001 - Strawberry has no other way to it
    the_list = f"{{ {ways(schema, options.nodes)['ServiceNode'].asked(LIST)} }}"
    figures = bench.measure(the_list, options.rounds)
    print(f"the list: {figures.ours * 1_000:.1f} ms; plain Strawberry: {figures.plain * 1_000:.1f} ms")
    columns = f"{'ours/ms':>9}{'of list':>8}{'ahead':>8}"
    print(f"{'':44}{'by itself':^34}{'beside the list':^25}\n{'field':44}{columns}{'kB':>9}{columns}")
    for name, alone, beside in questions(schema, options.nodes):
        if options.only in name:
            _show(name, *(_costs(bench, question, the_list, options.rounds) for question in (alone, beside)))


@dataclass(frozen=True, slots=True)
class Costs:
    """What a question costs: CPU seconds, times the list, times by which plain Strawberry costs more; bytes."""

    ours: float
    of_list: float
    ahead: float
    size: int


def _costs(bench: Bench, question: str, the_list: str, rounds: int) -> Costs:
    """Medians. The list is asked for in every round, for the machine is not always as quick."""
    made = [(bench.asked(the_list)[0], bench.round(question)) for _ in range(rounds)]
    return Costs(
        ours=median(one.ours for _, one in made),
        of_list=median(one.ours / listed for listed, one in made),
        ahead=median(one.plain / one.ours for _, one in made),
        size=made[-1][1].size,
    )


def _show(name: str, alone: Costs, beside: Costs) -> None:
    columns = [f"{costs.ours * 1_000:9.2f}{costs.of_list:8.2f}{costs.ahead:8.1f}" for costs in (alone, beside)]
    misses = alone.of_list > MOST_OF_LIST or beside.ahead < LEAST_OF_PLAIN
    print(f"{name:44}{columns[0]}{alone.size / 1_000:9.0f}{columns[1]}{' !' if misses else ''}", flush=True)


if __name__ == "__main__":
    main()
