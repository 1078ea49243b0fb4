"""Contribution contracts of a snapshot: listed, and those of one wallet."""

from collections.abc import Iterable

from sent_graphql.models.network import ContributionContract
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.resolvers.filters import ContributionContractFilter
from sent_graphql.resolvers.orders import Order
from sent_graphql.resolvers.paging import Ordered


def list_contribution_contracts(
    state: NetworkState, wanted: ContributionContractFilter, order: Order[ContributionContract]
) -> Ordered[ContributionContract]:
    """The contracts that match, in the order asked for. What an index serves costs what it finds."""
    candidates = _candidates(state, wanted)
    if candidates is not None:
        return order.arrange(contract for contract in candidates if wanted.matches(contract))
    whole = state.derived(("all contracts", order.scope), lambda: order.arrange(state.contribution_contracts))
    return whole if wanted == ContributionContractFilter() else whole.where(wanted.matches)


def _candidates(state: NetworkState, wanted: ContributionContractFilter) -> Iterable[ContributionContract] | None:
    """Contracts from the index that narrows most, among which all that match are; null when no index serves."""
    if wanted.pubkey is not None:
        return state.derived("contracts by pubkey", lambda: _by_pubkey(state)).get(wanted.pubkey, ())
    if wanted.operator is not None:
        return state.contracts_by_operator.get(wanted.operator, ())
    if wanted.contributor is not None:
        return state.contracts_by_contributor.get(wanted.contributor, ())
    return None


def _by_pubkey(state: NetworkState) -> dict[str, list[ContributionContract]]:
    groups: dict[str, list[ContributionContract]] = {}
    for contract in state.contribution_contracts:
        groups.setdefault(contract.pubkey, []).append(contract)
    return groups
