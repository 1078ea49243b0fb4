"""The network as a whole: constants, the top block, the contract's parameters and the counts."""

from collections import Counter
from collections.abc import Iterable

from sent_graphql.models.contracts import ContractParameters, ContractsView
from sent_graphql.models.global_id import global_id
from sent_graphql.models.network import (
    ClaimLimit,
    Network,
    NetworkType,
    NodeCounts,
    ServiceNode,
    ServiceNodeState,
)
from sent_graphql.models.oxend import OxendView
from sent_graphql.models.units import min_operator_contribution
from sent_graphql.pollers.moments import instant
from sent_graphql.settings import NetworkSettings


def network(
    oxend: OxendView, contracts: ContractsView, nodes: Iterable[ServiceNode], constants: NetworkSettings
) -> Network:
    """The network at the blocks of both views. The contract's parameters rule new registrations, so they win."""
    parameters = contracts.parameters
    return Network(
        id=global_id("Network", constants.name),
        net_type=NetworkType(oxend.nettype),
        version=oxend.version,
        hard_fork=oxend.hard_fork,
        block_height=oxend.block_height,
        block_hash=oxend.block_hash,
        block_timestamp=instant(oxend.block_timestamp),
        target_block_seconds=oxend.target_block_seconds,
        staking_requirement=parameters.staking_requirement,
        min_operator_contribution=min_operator_contribution(parameters.staking_requirement),
        max_contributors=parameters.max_contributors,
        unlock_duration_seconds=constants.unlock_seconds,
        deregistration_lock_duration_seconds=constants.deregistration_lock_seconds,
        chain_id=contracts.chain_id,
        l2_height=contracts.block_number,
        contracts=contracts.addresses,
        reward_rate=parameters.reward_rate,
        token_supply=constants.token_supply,
        total_staked=sum(node.deposit for node in contracts.nodes.values()),
        paused=parameters.paused,
        claim_limit=_claim_limit(parameters, contracts.block_timestamp),
        node_counts=_counts(nodes),
    )


def _claim_limit(parameters: ContractParameters, now: int) -> ClaimLimit:
    # The owner may set the cycle; the contract refuses 0, and a length of 1 keeps the arithmetic defined all the same.
    seconds = max(1, parameters.claim_cycle_seconds)
    cycle = now // seconds
    used = parameters.current_claim_total if parameters.current_claim_cycle == cycle else 0
    return ClaimLimit(
        per_cycle=parameters.claim_threshold,
        cycle_seconds=parameters.claim_cycle_seconds,
        remaining=max(0, parameters.claim_threshold - used),
        resets_at=instant((cycle + 1) * seconds),
    )


def _counts(nodes: Iterable[ServiceNode]) -> NodeCounts:
    present = [node for node in nodes if node.state is not ServiceNodeState.EXITED]
    by_state = Counter(node.state for node in present)
    return NodeCounts(
        total=len(present),
        registering=by_state[ServiceNodeState.REGISTERING],
        running=by_state[ServiceNodeState.RUNNING],
        decommissioned=by_state[ServiceNodeState.DECOMMISSIONED],
        awaiting_exit=by_state[ServiceNodeState.AWAITING_EXIT],
        deregistered=by_state[ServiceNodeState.DEREGISTERED],
        leaving=sum(node.leaving for node in present),
    )
