"""The archive: every node that has left, as it was seen last or as the contract's events tell of it.

It grows with history, so nothing is done to all of it unless something in it changes: in most blocks nobody leaves,
and the next archive is the same object.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from msgspec import Struct, structs

from sent_graphql.models.contracts import ContractsView, NodeExit, NodeRegistration
from sent_graphql.models.global_id import global_id, parse_global_id
from sent_graphql.models.network import ServiceNode
from sent_graphql.models.node_index import NO_NODES, NodeIndex
from sent_graphql.pollers.exits import past_node, unseen_node
from sent_graphql.pollers.lives import SHIFTED_BLOCKS, Life, held_alias, registered_alias
from sent_graphql.pollers.told_ids import ToldIds


class Events(Struct, frozen=True, kw_only=True):
    """What the contract's events tell of nodes, by contract id."""

    registrations: Mapping[int, NodeRegistration]
    exits: Mapping[int, NodeExit]
    complete: bool
    """Whether the scan of past events has come to its end."""

    def of(self, node: ServiceNode) -> tuple[NodeRegistration | None, NodeExit | None]:
        """What they tell of this node. After a reorganisation of the L2 its contract id may be another node's."""
        if node.contract_id is None:
            return None, None
        registration = self.registrations.get(node.contract_id)
        if registration is not None and node.pubkey != registration.pubkey:
            return None, None
        return registration, self.exits.get(node.contract_id)

    def are(self, other: "Events") -> bool:
        """Whether both are of the same views."""
        return (
            self.registrations is other.registrations and self.exits is other.exits and self.complete is other.complete
        )


class Archive(Struct, frozen=True, kw_only=True):
    """Lives that have ended. A life that comes back (a reorganisation of either side) leaves it."""

    records: Mapping[str, ServiceNode] = {}
    """What has been seen of them last, by global id. Those that nobody saw are missing."""
    nodes: NodeIndex = NO_NODES
    """All of them, as they are shown."""
    lives: Mapping[str, Life] = {}
    """Under every alias that they may come back by."""
    events: Events = Events(registrations={}, exits={}, complete=False)
    """What `nodes` were made from."""

    def remembering(self, records: Iterable[ServiceNode]) -> "Archive":
        """With what earlier runs have kept; what is in it already is newer. It is shown from the next step on."""
        known = {alias for node in self.records.values() for alias in aliases_of(node)}
        added = {node.id: node for node in records if known.isdisjoint(aliases_of(node))}
        return structs.replace(
            self,
            records={**added, **self.records},
            lives={**self.lives, **_lives(added.values())},
            events=EMPTY_ARCHIVE.events,
        )

    def next(
        self,
        before: Iterable[ServiceNode],
        present: NodeIndex,
        names: AbstractSet[str],
        contracts: ContractsView,
        told: ToldIds,
    ) -> "Archive":
        """The archive after a step from the nodes `before` to those at `present`, whose aliases are `names`."""
        events = Events(registrations=contracts.registrations, exits=contracts.exits, complete=contracts.scan.complete)
        gone = [node for node in before if node.id not in present.by_id and names.isdisjoint(aliases_of(node))]
        departed = [node for node in gone if _was_a_node(node, present, events)]
        returned = {global_id("ServiceNode", self.lives[alias].id) for alias in self.lives.keys() & names}
        if not departed and not returned and self.events.are(events):
            return self
        kept = [node for node in self.records.values() if node.id not in returned]
        records = {node.id: _with_told_id(node, told) for node in (*kept, *departed)}
        seen = tuple(self._seen(records, events))
        nodes = (*seen, *self._unseen(seen, present, events))
        return Archive(
            records=records,
            nodes=self.nodes if nodes == self.nodes.nodes else NodeIndex(nodes),
            lives=_lives((*records.values(), *nodes)),
            events=events,
        )

    def _seen(self, records: Mapping[str, ServiceNode], events: Events) -> Iterator[ServiceNode]:
        """Those that were seen while they lived, but for what a reorganisation of the L2 has taken back altogether."""
        for record in records.values():
            registration, event = told = events.of(record)
            if record.contract_id is not None and events.complete and registration is None and event is None:
                continue
            shown = self.nodes.by_id.get(record.id)
            same = self.records.get(record.id) is record and _same(told, self.events.of(record))
            yield shown if shown is not None and same else past_node(record, registration, event)

    def _unseen(self, seen: Iterable[ServiceNode], present: NodeIndex, events: Events) -> Iterator[ServiceNode]:
        """Those that came and went while nobody looked."""
        elsewhere = {node.contract_id for node in seen} | present.by_contract_id.keys()
        for contract_id, event in events.exits.items():
            registration = events.registrations.get(contract_id)
            if registration is None or contract_id in elsewhere:
                continue
            shown = self.nodes.by_contract_id.get(contract_id)
            same = shown is not None and shown.id not in self.records
            if shown is not None and same and _same((registration, event), self.events.of(shown)):
                yield shown
            else:
                yield unseen_node(registration, event)


EMPTY_ARCHIVE = Archive()


def _was_a_node(node: ServiceNode, present: NodeIndex, events: Events) -> bool:
    """Whether what is gone was more than a registration that oxend never confirmed, and has not got another name."""
    _, event = events.of(node)
    if event is not None:
        return True
    if node.registration_height is None:
        return False
    again = present.by_pubkey.get(node.pubkey)
    if again is None or again.registration_height is None:
        return True
    # One that a reorganisation of oxend has moved to another block is the same registration.
    return abs(again.registration_height - node.registration_height) > SHIFTED_BLOCKS


def _with_told_id(record: ServiceNode, told: ToldIds) -> ServiceNode:
    if record.contract_id is not None or record.registration_height is None:
        return record
    contract_id = told.of(record.pubkey, record.registration_height)
    return record if contract_id is None else structs.replace(record, contract_id=contract_id)


def _same(one: tuple[object, object], other: tuple[object, object]) -> bool:
    return one[0] is other[0] and one[1] is other[1]


def aliases_of(node: ServiceNode) -> list[str]:
    """What a node that has left may come back as."""
    names = []
    if node.contract_id is not None:
        names.append(held_alias(node.pubkey, node.contract_id))
    if node.registration_height is not None:
        names.append(registered_alias(node.pubkey, node.registration_height))
    return names


def _lives(nodes: Iterable[ServiceNode]) -> dict[str, Life]:
    lives = {}
    for node in nodes:
        life = Life(parse_global_id(node.id)[1], node.contract_id, node.registration_height)
        lives.update(dict.fromkeys(aliases_of(node), life))
    return lives
