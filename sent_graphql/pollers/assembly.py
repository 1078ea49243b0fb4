"""Both views joined into one state of the network. Pure: the same views give the same state."""

from typing import TypeVar

from msgspec import Struct

from sent_graphql.models.contracts import ContractsView
from sent_graphql.models.global_id import global_id
from sent_graphql.models.network import ContributionContract, ServiceNode
from sent_graphql.models.node_index import NO_NODES, NodeIndex
from sent_graphql.models.oxend import OxendView
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.pollers.archive import EMPTY_ARCHIVE, Archive
from sent_graphql.pollers.contribution_contracts import contribution_contract
from sent_graphql.pollers.lives import Life, Lives, held_alias, held_id, pending_alias, registered_alias
from sent_graphql.pollers.matching import NodeRecord, match
from sent_graphql.pollers.networks import network
from sent_graphql.pollers.nodes import Background, differences, service_node
from sent_graphql.pollers.told_ids import ToldIds
from sent_graphql.settings import NetworkSettings

T = TypeVar("T")


class Difference(Struct, frozen=True, order=True):
    """Both sides contradict each other on `field` of a node; the contract's value is shown."""

    pubkey: str
    field: str


class Assembly(Struct, frozen=True):
    """A joined state, the lives in it, those that have left, and what the sides disagree on."""

    state: NetworkState
    lives: Lives
    archive: Archive
    differences: frozenset[Difference]


def assemble(
    oxend: OxendView,
    contracts: ContractsView,
    constants: NetworkSettings,
    lives: Lives,
    previous: NetworkState | None = None,
    archive: Archive = EMPTY_ARCHIVE,
) -> Assembly:
    """Joins both views. `lives`, `previous` and `archive` are those of the last assembly.

    Unchanged parts of `previous` are used again; what is in it and neither side knows any more goes into the archive.
    """
    aliases: dict[str, Life] = {}
    nodes: list[ServiceNode] = []
    contradictions: set[Difference] = set()
    remembered = Lives(by_alias=lives.by_alias, departed=archive.lives)
    told = ToldIds(oxend, contracts, remembered)
    before = previous.present if previous is not None else NO_NODES
    for record in match(oxend, contracts, remembered):
        life = _life(record, remembered, told, contracts)
        aliases.update(dict.fromkeys(_present_aliases(record, life), life))
        background = _background(life, contracts, before, archive)
        nodes.append(service_node(record, life, background, oxend, constants.deregistration_lock_seconds))
        contradictions.update(Difference(record.pubkey, field) for field in differences(record))
    nodes.sort(key=_default_order)
    nodes = [_shared(node, before.by_id.get(node.id)) for node in nodes]
    present = NodeIndex(nodes)
    archive = archive.next(before.nodes, present, contracts, told)
    state = NetworkState(
        network=network(oxend, contracts, nodes, constants),
        nodes=present,
        past=archive.nodes,
        contribution_contracts=_contribution_contracts(contracts, present, archive.nodes, previous),
        accrued=oxend.accrued,
        recipients=contracts.recipients,
    )
    return Assembly(state=state, lives=Lives(by_alias=aliases), archive=archive, differences=frozenset(contradictions))


def _life(record: NodeRecord, lives: Lives, told: ToldIds, contracts: ContractsView) -> Life:
    """The remembered life of this record, or a new one named after what is known of it first."""
    known = _known(record, lives, contracts)
    contract_id = _contract_id(record, known, told)
    if known is None and contract_id is not None:
        known = lives.find([held_alias(record.pubkey, contract_id)])
    confirmed = record.registered or record.removed
    height = confirmed.registration_height if confirmed else known.registration_height if known else None
    life = Life(known.id if known else _new_life_id(record, contract_id), contract_id, height)
    return known if known == life else life


def _contract_id(record: NodeRecord, known: Life | None, told: ToldIds) -> int | None:
    """The contract's number for the life: as it is now, as it is remembered, as events tell."""
    if record.held is not None:
        return record.held.contract_id
    if known is not None and known.contract_id is not None and not told.is_anothers(known.contract_id, record.pubkey):
        return known.contract_id
    return told.of(record.pubkey, record.removed.registration_height) if record.removed is not None else None


def _new_life_id(record: NodeRecord, contract_id: int | None) -> str:
    if contract_id is not None:
        return held_id(record.pubkey, contract_id)
    if record.pending is not None:
        return f"{record.pubkey}.p{record.pending.l2_height}"
    confirmed = record.registered or record.removed
    assert confirmed is not None
    return f"{record.pubkey}.h{confirmed.registration_height}"


def _known(record: NodeRecord, lives: Lives, contracts: ContractsView) -> Life | None:
    """The life that the record is remembered as, by the surest name first."""
    known = lives.find(_aliases(record))
    if known is not None or not (record.registered or record.pending):
        return known
    # Keys alone name a registration that oxend has not confirmed: one that has left the contract since was another.
    pending = lives.find([pending_alias(record.pubkey)])
    return None if pending is not None and pending.contract_id in contracts.exits else pending


def _aliases(record: NodeRecord) -> list[str]:
    """What a life is remembered under for as long as it is there, and afterwards."""
    aliases = []
    if record.held is not None:
        aliases.append(held_alias(record.held.pubkey, record.held.contract_id))
    confirmed = record.registered or record.removed
    if confirmed is not None:
        aliases.append(registered_alias(confirmed.pubkey, confirmed.registration_height))
    return aliases


def _present_aliases(record: NodeRecord, life: Life) -> list[str]:
    """The same, with the number that it had on the contract, and what it goes by until oxend has confirmed it."""
    aliases = _aliases(record)
    if record.held is None and life.contract_id is not None:
        aliases.append(held_alias(record.pubkey, life.contract_id))
    if record.pending is not None:
        aliases.append(pending_alias(record.pending.pubkey))
    return aliases


def _background(life: Life, contracts: ContractsView, before: NodeIndex, archive: Archive) -> Background:
    node_id = global_id("ServiceNode", life.id)
    last = before.by_id.get(node_id) or archive.records.get(node_id)
    if life.contract_id is None:
        return Background(last=last)
    return Background(contracts.registrations.get(life.contract_id), contracts.exits.get(life.contract_id), last)


def _contribution_contracts(
    contracts: ContractsView, present: NodeIndex, past: NodeIndex, previous: NetworkState | None
) -> list[ContributionContract]:
    registrations = {
        registration.contribution_contract: registration
        for registration in contracts.registrations.values()
        if registration.contribution_contract is not None
    }
    made = []
    for sequence, (address, state) in enumerate(contracts.contribution_contracts.items()):
        registration = registrations.get(address)
        contract_id = registration.contract_id if registration is not None else None
        node = None
        if contract_id is not None:
            node = present.by_contract_id.get(contract_id) or past.by_contract_id.get(contract_id)
        made.append(contribution_contract(state, sequence, node, registration, contracts.parameters))
    if previous is None:
        return made
    return [_shared(contract, previous.contract_by_address.get(contract.address)) for contract in made]


def _default_order(node: ServiceNode) -> tuple[bool, int, str]:
    return (node.contract_id is None, node.contract_id or 0, node.id)


def _shared(new: T, old: T | None) -> T:
    return old if old == new and old is not None else new
