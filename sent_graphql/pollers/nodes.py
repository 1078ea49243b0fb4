"""One life of a node as the service shows it: each value from the side that rules it, else from the other."""

from collections.abc import Iterable

from sent_graphql.models.contracts import ContractNode, NodeRegistration, Stake
from sent_graphql.models.global_id import global_id
from sent_graphql.models.network import Contributor, DecommissionReason, ServiceNode, ServiceNodeState, SourceName
from sent_graphql.models.oxend import OxendContribution, OxendNode, OxendView, PendingRegistration, RemovedNode
from sent_graphql.models.units import SMALL_CONTRIBUTOR_DIVISOR
from sent_graphql.pollers.lives import Life
from sent_graphql.pollers.matching import NodeRecord
from sent_graphql.pollers.moments import instant, instant_or_none, to_the_minute
from sent_graphql.pollers.states import IN_EXIT_LIST, state_of

SMALL_CONTRIBUTOR_LEAVE_DELAY = 30 * 86_400
"""Seconds after a registration before a small contributor may ask first for the exit (the contract's constant)."""


def service_node(
    record: NodeRecord,
    life: Life,
    registration: NodeRegistration | None,
    oxend: OxendView,
    deregistration_lock_seconds: int,
) -> ServiceNode:
    """What the service shows of the life that `record` tells of, at the blocks of both views."""
    state = state_of(record)
    confirmed = record.registered or record.removed
    running = record.registered
    removed = record.removed
    held = record.held
    contributors = _contributors(record, registration)
    unlock_height = confirmed.requested_unlock_height if confirmed else None
    leave_requested_at = held.leave_requested_at if held else None
    pubkey_bls = _pubkey_bls(record)
    last_reasons = tuple(DecommissionReason(name) for name in confirmed.last_decommission_reasons) if confirmed else ()
    return ServiceNode(
        id=global_id("ServiceNode", life.id),
        contract_id=life.contract_id,
        pubkey=record.pubkey,
        pubkey_bls=pubkey_bls,
        state=state,
        leaving=unlock_height is not None or (leave_requested_at is not None or pubkey_bls in oxend.pending_unlocks),
        operator=_operator(record, contributors),
        operator_fee=_operator_fee(record, registration),
        contributors=contributors,
        staking_requirement=_staking_requirement(record, contributors),
        total_contributed=sum(contributor.amount for contributor in contributors),
        registration_height=confirmed.registration_height if confirmed else None,
        requested_unlock_height=unlock_height,
        requested_unlock_at=None
        if unlock_height is None
        else instant(to_the_minute(oxend.timestamp_of(unlock_height + 1))),
        deregistration_unlock_height=removed.height + deregistration_lock_seconds // oxend.target_block_seconds
        if removed is not None and state is ServiceNodeState.DEREGISTERED
        else None,
        liquidation_height=removed.liquidation_height if removed else None,
        liquidatable=removed is not None and state in IN_EXIT_LIST and oxend.chain_height >= removed.liquidation_height,
        last_reward_block_height=confirmed.last_reward_block_height if confirmed else None,
        last_uptime_proof=instant_or_none(running.last_uptime_proof) if running else None,
        earned_downtime_blocks=running.earned_downtime_blocks if running else None,
        decommission_count=confirmed.decommission_count if confirmed else None,
        decommission_reasons=last_reasons if state is ServiceNodeState.DECOMMISSIONED else (),
        last_decommission_reasons=last_reasons,
        state_height=running.state_height if running else removed.height if removed else None,
        payable=running.payable if running else None,
        swarm_id=running.swarm_id if running else None,
        service_node_version=running.service_node_version if running else None,
        storage_server_version=running.storage_server_version if running else None,
        lokinet_version=running.lokinet_version if running else None,
        public_ip=running.public_ip if running else None,
        added_at=instant(held.added_at) if held else None,
        leave_requested_at=instant_or_none(leave_requested_at),
        contribution_contract_address=registration.contribution_contract if registration else None,
        known_to=_known_to(record),
    )


def staked(stakes: Iterable[Stake]) -> tuple[Contributor, ...]:
    """Contributors of a node that the contract no longer holds, as its registration's event named them."""
    return tuple(
        Contributor(
            address=stake.address,
            beneficiary=stake.beneficiary,
            amount=stake.amount,
            reserved=stake.amount,
            is_operator=position == 0,
        )
        for position, stake in enumerate(stakes)
    )


def differences(record: NodeRecord) -> Iterable[str]:
    """Names of the values on which both sides contradict each other; the contract's are shown."""
    oxend, held = record.oxend, record.held
    if oxend is None or held is None:
        return
    told = [(c.address, c.beneficiary, c.amount) for c in oxend.contributors]
    kept = [(c.address, c.beneficiary, c.amount) for c in held.contributors]
    if told != kept:
        yield "contributors"
    if oxend.pubkey != held.pubkey:
        yield "pubkey"
    if not isinstance(oxend, PendingRegistration):
        if oxend.staking_requirement != held.deposit:
            yield "stakingRequirement"
        if oxend.operator != held.operator:
            yield "operator"


def _pubkey_bls(record: NodeRecord) -> str | None:
    if record.held is not None:
        return record.held.pubkey_bls
    return record.oxend.pubkey_bls if record.oxend is not None else None


def _operator(record: NodeRecord, contributors: tuple[Contributor, ...]) -> str:
    if record.held is not None:
        return record.held.operator
    confirmed: OxendNode | RemovedNode | None = record.registered or record.removed
    return confirmed.operator if confirmed is not None else contributors[0].address


def _operator_fee(record: NodeRecord, registration: NodeRegistration | None) -> int | None:
    if registration is not None and registration.fee is not None:
        return registration.fee
    if record.pending is not None:
        return record.pending.fee
    confirmed = record.registered or record.removed
    return confirmed.operator_fee if confirmed is not None else None


def _staking_requirement(record: NodeRecord, contributors: tuple[Contributor, ...]) -> int:
    if record.held is not None:
        return record.held.deposit
    confirmed = record.registered or record.removed
    if confirmed is not None:
        return confirmed.staking_requirement
    # A pending registration is always fully funded: what was brought is what was required.
    return sum(contributor.amount for contributor in contributors)


def _contributors(record: NodeRecord, registration: NodeRegistration | None) -> tuple[Contributor, ...]:
    told = record.oxend.contributors if record.oxend is not None else ()
    if record.held is not None:
        reserved = {contribution.address: contribution.reserved for contribution in told}
        return _held_contributors(record.held, reserved)
    if told:
        return tuple(_told_contributor(position, contribution) for position, contribution in enumerate(told))
    return staked(registration.contributors) if registration is not None else ()


def _held_contributors(held: ContractNode, reserved: dict[str, int]) -> tuple[Contributor, ...]:
    small_may_ask_at = instant(held.added_at + SMALL_CONTRIBUTOR_LEAVE_DELAY)
    asked = held.leave_requested_at is not None
    return tuple(
        Contributor(
            address=stake.address,
            beneficiary=stake.beneficiary,
            amount=stake.amount,
            reserved=reserved.get(stake.address, stake.amount),
            is_operator=position == 0,
            leave_allowed_at=None
            if asked or stake.amount * SMALL_CONTRIBUTOR_DIVISOR >= held.deposit
            else small_may_ask_at,
        )
        for position, stake in enumerate(held.contributors)
    )


def _told_contributor(position: int, contribution: OxendContribution) -> Contributor:
    return Contributor(
        address=contribution.address,
        beneficiary=contribution.beneficiary,
        amount=contribution.amount,
        reserved=contribution.reserved,
        is_operator=position == 0,
    )


def _known_to(record: NodeRecord) -> tuple[SourceName, ...]:
    sides = ((record.oxend, SourceName.OXEND), (record.held, SourceName.CONTRACTS))
    return tuple(name for told, name in sides if told is not None)
