"""How a node ended, and what is shown of it once both sides have forgotten it."""

from msgspec import structs

from sent_graphql.models.contracts import NodeExit, NodeRegistration
from sent_graphql.models.global_id import global_id
from sent_graphql.models.network import Contributor, ExitKind, ServiceNode, ServiceNodeExit, ServiceNodeState
from sent_graphql.pollers.contributors import staked
from sent_graphql.pollers.lives import held_id
from sent_graphql.pollers.moments import instant, instant_or_none


def ending(event: NodeExit | None, *, deregistered: bool, height: int | None) -> ServiceNodeExit:
    """The end of a node: what the contract's event tells, and the Oxen block in which oxend dropped it."""
    kind = ExitKind.DEREGISTERED if deregistered else ExitKind.EXITED
    if event is None:
        return ServiceNodeExit(
            kind=kind, height=height, block_number=None, at=None, returned_amount=None, transaction_hash=None
        )
    return ServiceNodeExit(
        kind=ExitKind.LIQUIDATED if event.liquidated else kind,
        height=height,
        block_number=event.block_number,
        at=instant(event.timestamp),
        returned_amount=event.returned_amount,
        transaction_hash=event.transaction_hash,
    )


def past_node(last: ServiceNode, registration: NodeRegistration | None, event: NodeExit | None) -> ServiceNode:
    """A node that has left: as it was seen `last`, without what is only true of present ones.

    Its contributors are those of its registration, which is the whole truth about them; where no event tells of it,
    those that were seen last.
    """
    contributors = _contributors(last, registration)
    fee = registration.fee if registration is not None else None
    return structs.replace(
        last,
        state=ServiceNodeState.EXITED,
        leaving=last.requested_unlock_height is not None,
        operator_fee=last.operator_fee if fee is None else fee,
        contributors=contributors,
        total_contributed=sum(contributor.amount for contributor in contributors),
        liquidatable=False,
        decommission_reasons=(),
        payable=None,
        swarm_id=None,
        added_at=last.added_at or instant_or_none(registration.added_at if registration is not None else None),
        contribution_contract_address=last.contribution_contract_address
        if registration is None
        else registration.contribution_contract,
        known_to=(),
        exit=ending(event, deregistered=_was_deregistered(last), height=_removal_height(last)),
    )


def unseen_node(registration: NodeRegistration, event: NodeExit) -> ServiceNode:
    """A node that has come and gone while nobody looked: all that the contract's events tell of it."""
    contributors = staked(registration.contributors)
    total = sum(contributor.amount for contributor in contributors)
    return ServiceNode(
        id=global_id("ServiceNode", held_id(registration.pubkey, registration.contract_id)),
        contract_id=registration.contract_id,
        pubkey=registration.pubkey,
        pubkey_bls=registration.pubkey_bls,
        state=ServiceNodeState.EXITED,
        leaving=False,
        operator=registration.operator,
        operator_fee=registration.fee,
        contributors=contributors,
        # The contract takes a registration only with all of the stake.
        staking_requirement=total,
        total_contributed=total,
        registration_height=None,
        requested_unlock_height=None,
        requested_unlock_at=None,
        deregistration_unlock_height=None,
        liquidation_height=None,
        liquidatable=False,
        last_reward_block_height=None,
        last_uptime_proof=None,
        earned_downtime_blocks=None,
        decommission_count=None,
        decommission_reasons=(),
        last_decommission_reasons=(),
        state_height=None,
        payable=None,
        swarm_id=None,
        service_node_version=None,
        storage_server_version=None,
        lokinet_version=None,
        public_ip=None,
        added_at=instant_or_none(registration.added_at),
        leave_requested_at=None,
        contribution_contract_address=registration.contribution_contract,
        known_to=(),
        exit=ending(event, deregistered=False, height=None),
    )


def _contributors(last: ServiceNode, registration: NodeRegistration | None) -> tuple[Contributor, ...]:
    if registration is not None and registration.contributors:
        reserved = {contributor.address: contributor.reserved for contributor in last.contributors}
        return staked(registration.contributors, reserved)
    return tuple(structs.replace(contributor, leave_allowed_at=None) for contributor in last.contributors)


def _was_deregistered(last: ServiceNode) -> bool:
    return last.deregistration_unlock_height is not None


def _removal_height(last: ServiceNode) -> int | None:
    """Where oxend had dropped it, the block in which it did is the last change of its state."""
    return last.state_height if last.liquidation_height is not None else None
