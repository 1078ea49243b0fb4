"""One life of a node as the service shows it: each value from the side that rules it, else from the other."""

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter

from msgspec import Struct, structs

from sent_graphql.models.contracts import NodeExit, NodeRegistration
from sent_graphql.models.global_id import global_id
from sent_graphql.models.network import Contributor, DecommissionReason, ServiceNode, ServiceNodeState, SourceName
from sent_graphql.models.oxend import OxendNode, OxendView, PendingRegistration, RemovedNode
from sent_graphql.pollers import contributors as who
from sent_graphql.pollers.exits import ending
from sent_graphql.pollers.lives import Life
from sent_graphql.pollers.matching import NodeRecord
from sent_graphql.pollers.moments import instant, instant_or_none, to_the_minute
from sent_graphql.pollers.states import IN_EXIT_LIST, state_of


class Background(Struct, frozen=True, gc=False):
    """What is known of a life beside what both sides say of it now."""

    registration: NodeRegistration | None = None
    exit: NodeExit | None = None
    last: ServiceNode | None = None
    """As it was seen before."""
    contributors: tuple[Contributor, ...] | None = None
    """Where they are known to be the same as before."""


class _Proven(Struct, frozen=True, gc=False):
    """What a node's proofs told last: oxend forgets it when the node leaves its list."""

    last_uptime_proof: datetime | None = None
    earned_downtime_blocks: int | None = None
    service_node_version: str | None = None
    storage_server_version: str | None = None
    lokinet_version: str | None = None
    public_ip: str | None = None


_NOTHING_PROVEN = _Proven()

_STAKE = attrgetter("address", "beneficiary", "amount")
"""What both sides tell of a contributor."""


def service_node(
    record: NodeRecord,
    life: Life,
    background: Background,
    oxend: OxendView,
    deregistration_lock_seconds: int,
) -> ServiceNode:
    """What the service shows of the life that `record` tells of, at the blocks of both views."""
    state = state_of(record)
    confirmed = record.registered or record.removed
    running = record.registered
    removed = record.removed
    held = record.held
    registration = background.registration
    contributors = background.contributors
    if contributors is None:
        contributors = _contributors(record, registration)
    unlock_height = confirmed.requested_unlock_height if confirmed else None
    requested_on_contract = held.leave_requested_at if held else None
    pubkey_bls = _pubkey_bls(record)
    proven = _proven(record, background.last)
    deregistered = removed is not None and removed.kind == "deregister"
    last_reasons = tuple(DecommissionReason(name) for name in confirmed.last_decommission_reasons) if confirmed else ()
    node = ServiceNode(
        id=global_id("ServiceNode", life.id),
        contract_id=life.contract_id,
        pubkey=record.pubkey,
        pubkey_bls=pubkey_bls,
        state=state,
        leaving=unlock_height is not None or requested_on_contract is not None or pubkey_bls in oxend.pending_unlocks,
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
        if removed is not None and deregistered
        else None,
        liquidation_height=removed.liquidation_height if removed else None,
        liquidatable=removed is not None and state in IN_EXIT_LIST and oxend.chain_height >= removed.liquidation_height,
        last_reward_block_height=confirmed.last_reward_block_height if confirmed else None,
        last_uptime_proof=proven.last_uptime_proof,
        earned_downtime_blocks=proven.earned_downtime_blocks,
        decommission_count=confirmed.decommission_count if confirmed else None,
        decommission_reasons=last_reasons if state is ServiceNodeState.DECOMMISSIONED else (),
        last_decommission_reasons=last_reasons,
        state_height=running.state_height if running else removed.height if removed else None,
        payable=running.payable if running else None,
        swarm_id=running.swarm_id if running else None,
        service_node_version=proven.service_node_version,
        storage_server_version=proven.storage_server_version,
        lokinet_version=proven.lokinet_version,
        public_ip=proven.public_ip,
        added_at=_added_at(record, background),
        leave_requested_at=_leave_requested_at(record, background.last),
        contribution_contract_address=registration.contribution_contract if registration else None,
        known_to=_known_to(record),
        exit=ending(background.exit, deregistered=deregistered, height=removed.height)
        if removed is not None and state is ServiceNodeState.EXITED
        else None,
    )
    if record.oxend is None and life.registration_height is not None and background.last is not None:
        return _with_last_words(node, background.last)
    return node


def _with_last_words(node: ServiceNode, last: ServiceNode) -> ServiceNode:
    """What oxend has said of a node that it has forgotten, while the contract, as far as it is read, holds it still."""
    return structs.replace(
        node,
        leaving=node.leaving or last.requested_unlock_height is not None,
        registration_height=last.registration_height,
        requested_unlock_height=last.requested_unlock_height,
        requested_unlock_at=last.requested_unlock_at,
        deregistration_unlock_height=last.deregistration_unlock_height,
        liquidation_height=last.liquidation_height,
        last_reward_block_height=last.last_reward_block_height,
        last_uptime_proof=last.last_uptime_proof,
        earned_downtime_blocks=last.earned_downtime_blocks,
        decommission_count=last.decommission_count,
        last_decommission_reasons=last.last_decommission_reasons,
        state_height=last.state_height,
        service_node_version=last.service_node_version,
        storage_server_version=last.storage_server_version,
        lokinet_version=last.lokinet_version,
        public_ip=last.public_ip,
    )


def differences(record: NodeRecord) -> Iterable[str]:
    """Names of the values on which both sides contradict each other; the contract's are shown."""
    oxend, held = record.oxend, record.held
    if oxend is None or held is None:
        return
    if list(map(_STAKE, oxend.contributors)) != list(map(_STAKE, held.contributors)):
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
        return who.held(record.held, {contribution.address: contribution.reserved for contribution in told})
    if told:
        return who.told(told)
    return who.staked(registration.contributors) if registration is not None else ()


def _proven(record: NodeRecord, last: ServiceNode | None) -> _Proven:
    running = record.registered
    if running is not None:
        return _Proven(
            last_uptime_proof=instant_or_none(running.last_uptime_proof),
            earned_downtime_blocks=running.earned_downtime_blocks,
            service_node_version=running.service_node_version,
            storage_server_version=running.storage_server_version,
            lokinet_version=running.lokinet_version,
            public_ip=running.public_ip,
        )
    if record.removed is None or last is None:
        return _NOTHING_PROVEN
    return _Proven(
        last_uptime_proof=last.last_uptime_proof,
        earned_downtime_blocks=last.earned_downtime_blocks,
        service_node_version=last.service_node_version,
        storage_server_version=last.storage_server_version,
        lokinet_version=last.lokinet_version,
        public_ip=last.public_ip,
    )


def _added_at(record: NodeRecord, background: Background) -> datetime | None:
    if record.held is not None:
        return instant(record.held.added_at)
    if background.registration is not None and background.registration.added_at is not None:
        return instant(background.registration.added_at)
    return background.last.added_at if background.last is not None else None


def _leave_requested_at(record: NodeRecord, last: ServiceNode | None) -> datetime | None:
    if record.held is not None:
        return instant_or_none(record.held.leave_requested_at)
    return last.leave_requested_at if record.removed is not None and last is not None else None


def _known_to(record: NodeRecord) -> tuple[SourceName, ...]:
    sides = ((record.oxend, SourceName.OXEND), (record.held, SourceName.CONTRACTS))
    return tuple(name for told, name in sides if told is not None)
