"""Who earns what: a block's reward split among nodes, and a stake given back. Thousandths of an atomic unit."""

from collections.abc import Iterable, Iterator

from sent_graphql.localdev.constants import BLOCK_REWARD, MILLI
from sent_graphql.localdev.service_nodes import NodeStake, Registration
from sent_graphql.models.units import FEE_BASIS


def block_shares(payable: Iterable[Registration]) -> Iterator[tuple[str, int]]:
    """Beneficiary and share of everybody who earns in a block in which the nodes `payable` are paid.

    A node's part is the same for all; of it the operator's fee comes first, and the rest goes by stake. All shares
    are rounded down, so their sum is never more than the reward.
    """
    nodes = tuple(payable)
    if not nodes:
        return
    part = BLOCK_REWARD * MILLI // len(nodes)
    for node in nodes:
        yield from node_shares(node, part)


def node_shares(node: Registration, part: int) -> Iterator[tuple[str, int]]:
    """Beneficiary and share of everybody in `part`, which one node has earned."""
    fee = part * node.fee // FEE_BASIS
    if fee:
        yield node.contributors[0].beneficiary, fee
    deposit = node.deposit
    for stake in node.contributors:
        yield stake.beneficiary, (part - fee) * stake.amount // deposit


def returned_stakes(contributors: tuple[NodeStake, ...], returned_amount: int) -> Iterator[tuple[str, int]]:
    """Staker (not beneficiary) and stake of everybody who gets it back; a slash comes off the operator's part."""
    slashed = sum(stake.amount for stake in contributors) - returned_amount
    for position, stake in enumerate(contributors):
        kept = stake.amount - slashed if position == 0 else stake.amount
        yield stake.address, max(0, kept) * MILLI
