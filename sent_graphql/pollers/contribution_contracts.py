"""Contribution contracts as the service shows them, with the node that each has registered."""

from sent_graphql.models.contracts import (
    ContractParameters,
    ContributionContractState,
    ContributionStatus,
    NodeRegistration,
)
from sent_graphql.models.global_id import global_id
from sent_graphql.models.network import ContributionContract, Contributor, ServiceNode
from sent_graphql.pollers.contributors import staked
from sent_graphql.pollers.moments import instant

WITHDRAWAL_DELAY = 86_400
"""Seconds after the last contribution before it may be withdrawn (the contract's constant)."""


def contribution_contract(
    state: ContributionContractState,
    sequence: int,
    node: ServiceNode | None,
    registration: NodeRegistration | None,
    parameters: ContractParameters,
) -> ContributionContract:
    """What the service shows of one contract; `node` and `registration` are of the one that it registered last.

    Once finalized, the contributors are the node's: the contract itself forgets those that have been paid back.
    """
    finalized = state.status is ContributionStatus.FINALIZED
    contributors = _finalized_contributors(node, registration) if finalized else _open_contributors(state)
    awaited = sum(not place.received for place in state.reservations)
    return ContributionContract(
        id=global_id("ContributionContract", state.address),
        address=state.address,
        status=state.status,
        operator=state.operator,
        pubkey=state.pubkey,
        pubkey_bls=state.pubkey_bls,
        fee=state.fee,
        contributors=contributors,
        reservations=state.reservations,
        total_contributed=sum(contributor.amount for contributor in contributors)
        if finalized and contributors
        else state.total_contributed,
        total_reserved=state.total_reserved,
        staking_requirement=state.staking_requirement,
        max_contributors=state.max_contributors,
        minimum_contribution=None if finalized else state.minimum_contribution,
        open_slots=0 if finalized else max(0, state.max_contributors - len(contributors) - awaited),
        manual_finalize=state.manual_finalize,
        viable=state.staking_requirement == parameters.staking_requirement
        and state.max_contributors == parameters.max_contributors,
        created_at_block=state.created_at_block,
        service_node_id=node.id if node is not None else None,
        sequence=sequence,
    )


def _finalized_contributors(node: ServiceNode | None, registration: NodeRegistration | None) -> tuple[Contributor, ...]:
    if node is not None:
        return node.contributors
    return staked(registration.contributors) if registration is not None else ()


def _open_contributors(state: ContributionContractState) -> tuple[Contributor, ...]:
    reserved = {place.address: place.amount for place in state.reservations}
    return tuple(
        Contributor(
            address=contribution.address,
            beneficiary=contribution.beneficiary,
            amount=contribution.amount,
            reserved=reserved.get(contribution.address, contribution.amount),
            is_operator=contribution.address == state.operator,
            withdrawable_at=None
            if contribution.address == state.operator or contribution.contributed_at is None
            else instant(contribution.contributed_at + WITHDRAWAL_DELAY),
        )
        for contribution in state.contributions
    )
