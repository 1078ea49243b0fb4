"""What belongs to one wallet beside its stakes and rewards."""

from typing import Final

from sent_graphql.models.network import ContributionContract, ServiceNode, ServiceNodeState
from sent_graphql.models.node_index import NodeIndex
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.models.wallets import Stake, stakes_in
from sent_graphql.resolvers.orders import Order, contribution_contract_order, service_node_order
from sent_graphql.resolvers.paging import Ordered

_EXITED: Final = ServiceNodeState.EXITED
_OLDEST_FIRST: Final = service_node_order()
_NEWEST_FIRST: Final = contribution_contract_order()


def operated_nodes(state: NetworkState, address: str) -> tuple[ServiceNode, ...]:
    """The nodes that the wallet operates now, by contract id."""
    nodes = state.present.by_operator.get(address, ())
    operated = (node for node in nodes if node.state is not _EXITED)
    return tuple(sorted(operated, key=_OLDEST_FIRST.position))


def contribution_contracts(state: NetworkState, address: str) -> tuple[ContributionContract, ...]:
    """The contribution contracts that the wallet operates or contributes to, newest first, each once."""
    operated = state.contracts_by_operator.get(address, ())
    joined = state.contracts_by_contributor.get(address, ())
    each_once = {contract.id: contract for contract in operated + joined}
    return tuple(sorted(each_once.values(), key=_NEWEST_FIRST.position))


def past_stakes(state: NetworkState, address: str) -> Ordered[Stake]:
    """The wallet's stakes in nodes that have left: last out first, those of which no event tells at the end."""
    ended = _NONE
    if address in state.past.by_contributor:
        # Remembered until somebody leaves, for stakers alone, so that walking the pages costs no more than the first.
        ended = state.past.derived(("stakes", address), lambda: _ended_stakes(state.past, address))
    return ended.merged(_ended_stakes(state.present, address))


def _ended_at(stake: Stake) -> int | None:
    node = stake.service_node
    return None if node is None or node.exit is None else node.exit.block_number


_LAST_OUT_FIRST: Final = Order("pastStakes", _ended_at, descending=True)
_NONE: Final = _LAST_OUT_FIRST.arrange(())


def _ended_stakes(index: NodeIndex, address: str) -> Ordered[Stake]:
    ended = [node for node in index.by_contributor.get(address, ()) if node.state is _EXITED]
    return _LAST_OUT_FIRST.arrange(stakes_in(ended, address)) if ended else _NONE
