"""Who has staked in a node, as each source tells it; the operator comes first everywhere."""

from collections.abc import Iterable, Mapping

from sent_graphql.models.contracts import ContractNode, Stake
from sent_graphql.models.network import Contributor
from sent_graphql.models.oxend import OxendContribution
from sent_graphql.models.units import SMALL_CONTRIBUTOR_DIVISOR
from sent_graphql.pollers.moments import instant

SMALL_CONTRIBUTOR_LEAVE_DELAY = 30 * 86_400
"""Seconds after a registration before a small contributor may ask first for the exit (the contract's constant)."""


def held(node: ContractNode, reserved: Mapping[str, int]) -> tuple[Contributor, ...]:
    """Contributors of a node that the contract holds; `reserved` by address, as oxend has it."""
    small_may_ask_at = instant(node.added_at + SMALL_CONTRIBUTOR_LEAVE_DELAY)
    asked = node.leave_requested_at is not None
    return tuple(
        Contributor(
            address=stake.address,
            beneficiary=stake.beneficiary,
            amount=stake.amount,
            reserved=reserved.get(stake.address, stake.amount),
            is_operator=position == 0,
            leave_allowed_at=None
            if asked or stake.amount * SMALL_CONTRIBUTOR_DIVISOR >= node.deposit
            else small_may_ask_at,
        )
        for position, stake in enumerate(node.contributors)
    )


def told(contributions: Iterable[OxendContribution]) -> tuple[Contributor, ...]:
    """Contributors of a node as oxend lists them."""
    return tuple(
        Contributor(
            address=contribution.address,
            beneficiary=contribution.beneficiary,
            amount=contribution.amount,
            reserved=contribution.reserved,
            is_operator=position == 0,
        )
        for position, contribution in enumerate(contributions)
    )


def staked(stakes: Iterable[Stake], reserved: Mapping[str, int] | None = None) -> tuple[Contributor, ...]:
    """Contributors of a node that the contract no longer holds, as its registration's event named them."""
    known = reserved or {}
    return tuple(
        Contributor(
            address=stake.address,
            beneficiary=stake.beneficiary,
            amount=stake.amount,
            reserved=known.get(stake.address, stake.amount),
            is_operator=position == 0,
        )
        for position, stake in enumerate(stakes)
    )
