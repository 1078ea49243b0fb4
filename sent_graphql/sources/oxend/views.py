"""From oxend's replies to models.oxend: canonical keys and addresses, null where oxend has a word for nothing."""

from collections.abc import Iterable
from functools import partial
from operator import attrgetter
from typing import Final

from sent_graphql.models.keys import InvalidKeyError, any_address, bls_pubkey, ed25519_pubkey
from sent_graphql.models.oxend import (
    DECOMMISSION_REASONS,
    OxendContribution,
    OxendNode,
    OxendView,
    PendingRegistration,
    RemovedNode,
)
from sent_graphql.models.units import PORTIONS_BASIS, dotted_version, fee_from_percent, fee_from_portions
from sent_graphql.sources.oxend.errors import OxendMalformedReplyError
from sent_graphql.sources.oxend.recall import RoundRecall
from sent_graphql.sources.oxend.replies import (
    NODE_CONTRIBUTORS,
    AccruedRewards,
    BlockHeader,
    Info,
    NodeContributor,
    NodeState,
    PendingEvents,
    RegistrationEvent,
    RemovedContributor,
    RemovedEntry,
    ServiceNodes,
    decode_part,
)

UNASSIGNED_SWARM: Final = 2**64 - 1

LATEST_TIMESTAMP: Final = 250_000_000_000
"""In the year 9892: the calendar ends with the year 9999."""


def oxend_view(
    info: Info,
    header: BlockHeader,
    nodes: ServiceNodes,
    exit_list: Iterable[RemovedEntry],
    pending: PendingEvents,
    accrued: AccruedRewards,
    *,
    block_seconds: int,
    recall: RoundRecall,
) -> OxendView:
    """The view that the replies of one accepted round make; nodes in the order of their keys.

    What `recall` knows is the same object as in the view before. Raises OxendMalformedReplyError for a key that is
    none, a life that is listed twice or an end beyond the calendar.
    """
    view = OxendView(
        nettype=info.nettype,
        version=info.version,
        hard_fork=info.hard_fork,
        chain_height=info.height,
        block_height=header.height,
        block_hash=header.hash.lower(),
        block_timestamp=header.timestamp,
        target_block_seconds=block_seconds,
        staking_requirement=info.staking_requirement,
        max_contributors=info.max_contributors,
        min_operator_contribution=info.min_operator_contribution,
        nodes=_sorted_nodes(nodes, recall),
        exit_list=tuple(removed_node(entry) for entry in exit_list),
        pending_registrations=_newest_registrations(pending),
        pending_unlocks=frozenset(_bls("rpc.get_pending_events", event.bls_pubkey) for event in pending.unlocks),
        accrued={recall.addresses.read(address, any_address): amount for address, amount in accrued.balances.items()},
    )
    _check_lives("rpc.get_service_nodes", view.nodes, view)
    _check_lives("rpc.bls_exit_liquidation_list", view.exit_list, view)
    recall.forget()
    return view


def oxend_node(text: bytes, place: str, recall: RoundRecall) -> OxendNode:
    """An entry of the list of nodes, which lies at that `place` of the reply. Raises OxendMalformedReplyError."""
    command = "rpc.get_service_nodes"
    state = decode_part(command, text, NodeState, place)

    def contributions(text: bytes) -> tuple[OxendContribution, ...]:
        return tuple(map(_contribution, decode_part(command, text, NODE_CONTRIBUTORS, f"{place}.contributors")))

    return OxendNode(
        pubkey=_ed25519(command, state.service_node_pubkey),
        pubkey_bls=_known_bls(command, state.pubkey_bls),
        active=state.active,
        operator=any_address(state.operator_address),
        operator_fee=_fee(command, state.portions_for_operator),
        contributors=recall.contributors.read(bytes(state.contributors), contributions),
        staking_requirement=state.staking_requirement,
        total_contributed=state.total_contributed,
        registration_height=state.registration_height,
        requested_unlock_height=state.requested_unlock_height or None,
        last_reward_block_height=state.last_reward_block_height,
        last_uptime_proof=state.last_uptime_proof or None,
        earned_downtime_blocks=state.earned_downtime_blocks,
        decommission_count=state.decommission_count,
        last_decommission_reasons=decommission_reasons(
            state.last_decommission_reason_consensus_all | state.last_decommission_reason_consensus_any,
            {*state.last_decomm_reasons.all, *state.last_decomm_reasons.some},
        ),
        state_height=state.state_height,
        payable=state.payable,
        swarm_id=_swarm(command, state.swarm_id),
        service_node_version=_version(state.service_node_version),
        storage_server_version=_version(state.storage_server_version),
        lokinet_version=_version(state.lokinet_version),
        public_ip=state.public_ip or None,
    )


def removed_node(entry: RemovedEntry) -> RemovedNode:
    """An entry of the exit list."""
    command, info = "rpc.bls_exit_liquidation_list", entry.info
    return RemovedNode(
        pubkey=_ed25519(command, entry.service_node_pubkey),
        pubkey_bls=_known_bls(command, info.bls_public_key),
        kind=entry.type,
        height=entry.height,
        liquidation_height=entry.liquidation_height,
        operator=any_address(info.operator_address),
        operator_fee=_fee(command, info.portions_for_operator),
        contributors=tuple(_removed_contribution(contributor) for contributor in info.contributors),
        staking_requirement=info.staking_requirement,
        total_contributed=info.total_contributed,
        registration_height=info.registration_height,
        requested_unlock_height=info.requested_unlock_height or None,
        last_reward_block_height=info.last_reward_block_height,
        decommission_count=info.decommission_count,
        last_decommission_reasons=decommission_reasons(
            info.last_decommission_reason_consensus_all | info.last_decommission_reason_consensus_any, ()
        ),
    )


def pending_registration(event: RegistrationEvent) -> PendingRegistration:
    """A registration that awaits oxend's confirmation."""
    command = "rpc.get_pending_events"
    return PendingRegistration(
        pubkey=_ed25519(command, event.sn_pubkey),
        pubkey_bls=_bls(command, event.bls_pubkey),
        fee=fee_from_percent(event.fee),
        contributors=tuple(_contribution(contributor) for contributor in event.contributors),
        height=event.height,
        l2_height=event.l2_height,
    )


def decommission_reasons(bits: int, words: Iterable[str]) -> tuple[str, ...]:
    """All reasons that either form names, in oxend's order; words that a later oxend may add are left out."""
    named = set(words)
    return tuple(reason for index, reason in enumerate(DECOMMISSION_REASONS) if bits >> index & 1 or reason in named)


def _sorted_nodes(nodes: ServiceNodes, recall: RoundRecall) -> tuple[OxendNode, ...]:
    """oxend lists nodes in the order of a hash map, which would make two equal answers differ."""
    read = [
        recall.nodes.read(bytes(text), partial(oxend_node, place=f"service_node_states[{number}]", recall=recall))
        for number, text in enumerate(nodes.service_node_states)
    ]
    return tuple(sorted(read, key=attrgetter("pubkey")))


def _newest_registrations(pending: PendingEvents) -> tuple[PendingRegistration, ...]:
    """One for each key: oxend goes on listing one that it denied when the same keys come again."""
    ordered = sorted(map(pending_registration, pending.registrations), key=lambda event: event.l2_height)
    return tuple({event.pubkey: event for event in ordered}.values())


def _check_lives(command: str, nodes: Iterable[OxendNode | RemovedNode], view: OxendView) -> None:
    """What no list of oxend's can truly hold, and what the join relies on not to be there."""
    seen: set[tuple[str, int]] = set()
    for node in nodes:
        life = (node.pubkey, node.registration_height)
        if life in seen:
            raise OxendMalformedReplyError(command, f"the node {node.pubkey} is listed twice")
        seen.add(life)
        unlock = node.requested_unlock_height
        if unlock is not None and not 0 <= view.timestamp_of(unlock + 1) <= LATEST_TIMESTAMP:
            raise OxendMalformedReplyError(command, f"`requested_unlock_height` {unlock} is beyond the calendar")


def _contribution(contributor: NodeContributor) -> OxendContribution:
    return _stake(contributor.address, contributor.beneficiary, contributor.amount, contributor.reserved)


def _removed_contribution(contributor: RemovedContributor) -> OxendContribution:
    return _stake(contributor.address, contributor.ethereum_beneficiary, contributor.amount, contributor.reserved)


def _stake(address: str, beneficiary: str | None, amount: int, reserved: int | None) -> OxendContribution:
    return OxendContribution(
        address=any_address(address),
        beneficiary=any_address(beneficiary or address),
        amount=amount,
        reserved=amount if reserved is None else reserved,
    )


def _fee(command: str, portions: int | None) -> int | None:
    if portions is not None and portions > PORTIONS_BASIS:
        raise OxendMalformedReplyError(command, f"`portions_for_operator` is more than the whole, {PORTIONS_BASIS}")
    return None if portions is None else fee_from_portions(portions)


def _swarm(command: str, swarm_id: int | None) -> str | None:
    if swarm_id is not None and swarm_id > UNASSIGNED_SWARM:
        raise OxendMalformedReplyError(command, "`swarm_id` has more than 64 bits")
    return None if swarm_id is None or swarm_id == UNASSIGNED_SWARM else f"{swarm_id:016x}"


def _version(version: tuple[int, int, int] | None) -> str | None:
    return None if version is None else dotted_version(version)


def _ed25519(command: str, text: str) -> str:
    try:
        return ed25519_pubkey(text)
    except InvalidKeyError as error:
        raise OxendMalformedReplyError(command, str(error)) from error


def _bls(command: str, text: str) -> str:
    try:
        return bls_pubkey(text)
    except InvalidKeyError as error:
        raise OxendMalformedReplyError(command, str(error)) from error


def _known_bls(command: str, text: str | None) -> str | None:
    """The BLS key, or None where oxend has none: absent, or all zeros in old records."""
    return None if text is None or not text.strip("0") else _bls(command, text)
