"""What belongs to one wallet beside its stakes and rewards."""

from sent_graphql.models.network import ContributionContract, ServiceNode, ServiceNodeState, Stake, Wallet
from sent_graphql.models.node_index import NodeIndex
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.models.stakes import stake_in
from sent_graphql.resolvers.orders import Order, contribution_contract_order, service_node_order
from sent_graphql.resolvers.paging import Ordered


def staker(state: NetworkState, address: str) -> Wallet:
    """The wallet of somebody who is a contributor: made once, for the lists of contributors name it often.

    Of what users type, wallets are not remembered: there is no end of addresses.
    """
    wallets: dict[str, Wallet] = state.derived("wallets of stakers", dict)
    if address not in wallets:
        wallets[address] = state.wallet(address)
    return wallets[address]


def operated_nodes(state: NetworkState, address: str) -> tuple[ServiceNode, ...]:
    """The nodes that the wallet operates now, by contract id."""
    nodes = state.present.by_operator.get(address, ())
    return service_node_order().arrange(node for node in nodes if node.state is not ServiceNodeState.EXITED).items


def contribution_contracts(state: NetworkState, address: str) -> tuple[ContributionContract, ...]:
    """The contribution contracts that the wallet operates or contributes to, newest first, each once."""
    operated = state.contracts_by_operator.get(address, ())
    joined = state.contracts_by_contributor.get(address, ())
    return (
        contribution_contract_order().arrange({contract.id: contract for contract in operated + joined}.values()).items
    )


def past_stakes(state: NetworkState, address: str) -> Ordered[Stake]:
    """The wallet's stakes in nodes that have left: last out first, those of which no event tells at the end."""
    ended = _ended_stakes(state.present, address)
    if address not in state.past.by_contributor:
        return ended
    # Remembered until somebody leaves, for stakers alone, so that walking the pages costs no more than the first.
    return ended.merged(state.past.derived(("stakes", address), lambda: _ended_stakes(state.past, address)))


def _ended_stakes(index: NodeIndex, address: str) -> Ordered[Stake]:
    ended_at: dict[str, int | None] = {}
    stakes = []
    for node in index.by_contributor.get(address, ()):
        stake = stake_in(node, address)
        if stake is not None and stake.exited:
            stakes.append(stake)
            ended_at[stake.id] = node.exit.block_number if node.exit is not None else None
    order: Order[Stake] = Order("pastStakes", lambda stake: ended_at[stake.id], descending=True)
    return order.arrange(stakes)
