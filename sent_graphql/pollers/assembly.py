"""Both views joined into one state of the network. Pure: the same views give the same state."""

from collections.abc import Mapping
from typing import TypeVar

from msgspec import Struct

from sent_graphql.models.contracts import ContractsView
from sent_graphql.models.network import ContributionContract, ServiceNode
from sent_graphql.models.oxend import OxendView
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.pollers.contribution_contracts import contribution_contract
from sent_graphql.pollers.lives import Life, Lives, held_alias, pending_alias, registered_alias
from sent_graphql.pollers.matching import NodeRecord, match
from sent_graphql.pollers.networks import network
from sent_graphql.pollers.nodes import differences, service_node
from sent_graphql.settings import NetworkSettings

T = TypeVar("T")


class Difference(Struct, frozen=True, order=True):
    """Both sides contradict each other on `field` of a node; the contract's value is shown."""

    pubkey: str
    field: str


class Assembly(Struct, frozen=True):
    """A joined state, the lives in it, and what the sides disagree on."""

    state: NetworkState
    lives: Lives
    differences: frozenset[Difference]


def assemble(
    oxend: OxendView,
    contracts: ContractsView,
    constants: NetworkSettings,
    lives: Lives,
    previous: NetworkState | None = None,
) -> Assembly:
    """Joins both views. `lives` are those of the last assembly; unchanged parts of `previous` are used again."""
    aliases: dict[str, Life] = {}
    nodes: list[ServiceNode] = []
    contradictions: set[Difference] = set()
    past = _exited_ids_by_pubkey(contracts)
    for record in match(oxend, contracts, lives):
        life = _life(record, lives, past)
        aliases.update(dict.fromkeys(_lasting_aliases(record), life))
        registration = contracts.registrations.get(life.contract_id) if life.contract_id is not None else None
        nodes.append(service_node(record, life, registration, oxend, constants.deregistration_lock_seconds))
        contradictions.update(Difference(record.pubkey, field) for field in differences(record))
    nodes.sort(key=_default_order)
    if previous is not None:
        nodes = [_shared(node, previous.node_by_id.get(node.id)) for node in nodes]
    state = NetworkState(
        network=network(oxend, contracts, nodes, constants),
        nodes=nodes,
        contribution_contracts=_contribution_contracts(contracts, nodes, previous),
        accrued=oxend.accrued,
        recipients=contracts.recipients,
    )
    return Assembly(state=state, lives=Lives(by_alias=aliases), differences=frozenset(contradictions))


def _life(record: NodeRecord, lives: Lives, past: Mapping[str, int]) -> Life:
    """The remembered life of this record, or a new one named after what is known of it first."""
    known = lives.find(_aliases(record))
    contract_id = record.held.contract_id if record.held is not None else known.contract_id if known else None
    if contract_id is None and record.removed is not None:
        contract_id = past.get(record.pubkey)
    confirmed = record.registered or record.removed
    height = confirmed.registration_height if confirmed else known.registration_height if known else None
    life = Life(known.id if known else _new_life_id(record), contract_id, height)
    return known if known == life else life


def _new_life_id(record: NodeRecord) -> str:
    if record.held is not None:
        return f"{record.pubkey}.{record.held.contract_id}"
    if record.pending is not None:
        return f"{record.pubkey}.p{record.pending.l2_height}"
    confirmed = record.registered or record.removed
    assert confirmed is not None
    return f"{record.pubkey}.h{confirmed.registration_height}"


def _aliases(record: NodeRecord) -> list[str]:
    """Under what a life may be remembered, the surest name first."""
    aliases = _lasting_aliases(record)
    if record.registered is not None:
        aliases.append(pending_alias(record.pubkey))
    return aliases


def _lasting_aliases(record: NodeRecord) -> list[str]:
    aliases = []
    if record.held is not None:
        aliases.append(held_alias(record.held.contract_id))
    confirmed = record.registered or record.removed
    if confirmed is not None:
        aliases.append(registered_alias(confirmed.pubkey, confirmed.registration_height))
    elif record.pending is not None:
        aliases.append(pending_alias(record.pending.pubkey))
    return aliases


def _exited_ids_by_pubkey(contracts: ContractsView) -> Mapping[str, int]:
    """Contract id of the life of each key that left the contract last, as far as events tell."""
    return {
        registration.pubkey: registration.contract_id
        for registration in sorted(contracts.registrations.values(), key=lambda event: event.contract_id)
        if registration.contract_id in contracts.exits
    }


def _contribution_contracts(
    contracts: ContractsView, nodes: list[ServiceNode], previous: NetworkState | None
) -> list[ContributionContract]:
    registrations = {
        registration.contribution_contract: registration
        for registration in sorted(contracts.registrations.values(), key=lambda event: event.contract_id)
    }
    by_contract_id = {node.contract_id: node for node in nodes}
    made = []
    for sequence, (address, state) in enumerate(contracts.contribution_contracts.items()):
        registration = registrations.get(address)
        node = by_contract_id.get(registration.contract_id) if registration is not None else None
        made.append(contribution_contract(state, sequence, node, registration, contracts.parameters))
    if previous is None:
        return made
    return [_shared(contract, previous.contract_by_address.get(contract.address)) for contract in made]


def _default_order(node: ServiceNode) -> tuple[bool, int, str]:
    return (node.contract_id is None, node.contract_id or 0, node.id)


def _shared(new: T, old: T | None) -> T:
    return old if old == new and old is not None else new
