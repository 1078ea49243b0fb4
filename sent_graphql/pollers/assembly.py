"""Both views joined into one state of the network. Pure: the same views give the same state."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from msgspec import Struct

from sent_graphql.models.contracts import ContractsView
from sent_graphql.models.network import ContributionContract
from sent_graphql.models.node_index import NO_NODES, NodeIndex
from sent_graphql.models.oxend import OxendView
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.pollers.archive import EMPTY_ARCHIVE, Archive
from sent_graphql.pollers.contribution_contracts import contribution_contract
from sent_graphql.pollers.joining import Joined, Joining
from sent_graphql.pollers.lives import Lives
from sent_graphql.pollers.matching import match
from sent_graphql.pollers.networks import network
from sent_graphql.settings import NetworkSettings

T = TypeVar("T")

NOBODY_KNOWN: Final[Mapping[int, Joined]] = {}


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
    known: Mapping[int, Joined]
    """Nodes that need not be joined again while both sides say the same of them, by contract id."""


def assemble(
    oxend: OxendView,
    contracts: ContractsView,
    constants: NetworkSettings,
    lives: Lives,
    previous: NetworkState | None = None,
    archive: Archive = EMPTY_ARCHIVE,
    known: Mapping[int, Joined] = NOBODY_KNOWN,
) -> Assembly:
    """Joins both views. `lives`, `previous`, `archive` and `known` are those of the last assembly.

    Unchanged parts of `previous` are used again; what is in it and neither side knows any more goes into the archive.
    """
    remembered = Lives(by_alias=lives.by_alias, departed=archive.lives)
    before = previous.present if previous is not None else NO_NODES
    joining = Joining(
        oxend,
        contracts,
        remembered,
        before=before,
        archive=archive,
        lock_seconds=constants.deregistration_lock_seconds,
    )
    joined = [
        joining.joined(record, None if record.held is None else known.get(record.held.contract_id))
        for record in match(oxend, contracts, remembered)
    ]
    present = before.next(one.node for one in sorted(joined, key=_default_order))
    names = {name for one in joined for name in one.names}
    archive = archive.next(before.nodes, present, names, contracts, joining.told)
    state = NetworkState(
        network=network(oxend, contracts, present.nodes, constants),
        nodes=present,
        past=archive.nodes,
        contribution_contracts=_contribution_contracts(contracts, present, archive.nodes, previous),
        accrued=oxend.accrued,
        recipients=contracts.recipients,
        previous=previous,
    )
    return Assembly(
        state=state,
        lives=Lives(by_alias={alias: one.life for one in joined for alias in one.aliases}),
        archive=archive,
        differences=frozenset(Difference(one.node.pubkey, field) for one in joined for field in one.differences),
        known={one.record.held.contract_id: one for one in joined if one.lasts and one.record.held is not None},
    )


def _contribution_contracts(
    contracts: ContractsView, present: NodeIndex, past: NodeIndex, previous: NetworkState | None
) -> Sequence[ContributionContract]:
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
    made = [_shared(contract, previous.contract_by_address.get(contract.address)) for contract in made]
    return _shared(tuple(made), previous.contribution_contracts)


def _default_order(one: Joined) -> tuple[bool, int, str]:
    contract_id = one.node.contract_id
    return (contract_id is None, contract_id or 0, one.node.id)


def _shared(new: T, old: T | None) -> T:
    return old if old == new and old is not None else new
