"""Service nodes of a snapshot: looked up by key, listed, and those that wait to be removed."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from sent_graphql.models.network import ServiceNode, ServiceNodeState
from sent_graphql.models.node_index import NodeIndex
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.resolvers.filters import ServiceNodeFilter
from sent_graphql.resolvers.orders import Order, service_node_order
from sent_graphql.resolvers.paging import Ordered

REMOVABLE_STATES: Final = frozenset({ServiceNodeState.AWAITING_EXIT, ServiceNodeState.DEREGISTERED})
"""oxend has dropped the node, the rewards contract still holds its stake."""

_NO_FILTER: Final = ServiceNodeFilter()
_EXITED_ALONE: Final = ServiceNodeFilter(states=frozenset({ServiceNodeState.EXITED}))


def list_service_nodes(
    state: NetworkState, wanted: ServiceNodeFilter, order: Order[ServiceNode]
) -> Ordered[ServiceNode]:
    """The nodes that match, in the order asked for.

    A filter that an index serves costs what it finds; the whole network is sorted once per snapshot and order, and
    what is past once until somebody leaves.
    """
    indexes = (state.present, state.past) if wanted.wants_exited else (state.present,)
    candidates = [nodes for index in indexes if (nodes := _candidates(index, wanted)) is not None]
    if candidates:
        return order.arrange(node for nodes in candidates for node in nodes if wanted.matches(node))
    whole = _listing(state, wanted, order)
    return whole if wanted in (_NO_FILTER, _EXITED_ALONE) else whole.where(wanted.matches)


def exit_list(state: NetworkState) -> tuple[ServiceNode, ...]:
    """The nodes that may be exited or liquidated, by contract id."""
    return state.derived(
        "exit list",
        lambda: service_node_order().arrange(node for node in state.nodes if node.state in REMOVABLE_STATES).items,
    )


def _listing(state: NetworkState, wanted: ServiceNodeFilter, order: Order[ServiceNode]) -> Ordered[ServiceNode]:
    """The shortest of the sorted lists in which all that match are."""
    if not wanted.wants_exited:
        return _living(state, order)
    return _all_exited(state, order) if wanted.states == _EXITED_ALONE.states else _whole(state, order)


def _living(state: NetworkState, order: Order[ServiceNode]) -> Ordered[ServiceNode]:
    return state.derived(
        ("living", order.scope),
        lambda: order.arrange(node for node in state.nodes if node.state is not ServiceNodeState.EXITED),
    )


def _all_exited(state: NetworkState, order: Order[ServiceNode]) -> Ordered[ServiceNode]:
    """Those that oxend still lists, among those that are past."""
    return state.derived(
        ("exited", order.scope),
        lambda: order.arrange(node for node in state.nodes if node.state is ServiceNodeState.EXITED).merged(
            _past(state.past, order)
        ),
    )


def _whole(state: NetworkState, order: Order[ServiceNode]) -> Ordered[ServiceNode]:
    return state.derived(("all states", order.scope), lambda: _living(state, order).merged(_all_exited(state, order)))


def _past(past: NodeIndex, order: Order[ServiceNode]) -> Ordered[ServiceNode]:
    return past.derived(order.scope, lambda: order.arrange(past.nodes))


def _candidates(index: NodeIndex, wanted: ServiceNodeFilter) -> Iterable[ServiceNode] | None:
    """Nodes from the index that narrows most, among which all that match are; null when no index serves."""
    if wanted.pubkeys is not None:
        lives = index.derived("lives by pubkey", lambda: _lives_by_pubkey(index))
        return [node for pubkey in wanted.pubkeys for node in lives.get(pubkey, ())]
    if wanted.operator is not None:
        return index.by_operator.get(wanted.operator, ())
    if wanted.contributor is not None:
        return index.by_contributor.get(wanted.contributor, ())
    if wanted.pubkey_prefix is not None:
        return _with_prefix(index, wanted.pubkey_prefix)
    return None


def _lives_by_pubkey(index: NodeIndex) -> dict[str, list[ServiceNode]]:
    """Every life of each key; keys ascending."""
    lives: dict[str, list[ServiceNode]] = {}
    for node in sorted(index.nodes, key=lambda node: node.pubkey):
        lives.setdefault(node.pubkey, []).append(node)
    return lives


def _with_prefix(index: NodeIndex, prefix: str) -> list[ServiceNode]:
    nodes, pubkeys = index.derived("nodes by ascending pubkey", lambda: _ascending_pubkeys(index))
    start = bisect_left(pubkeys, prefix)
    # "g" sorts behind every hex digit, so this is the end of what begins with the prefix.
    return nodes[start : bisect_left(pubkeys, prefix + "g", lo=start)]


def _ascending_pubkeys(index: NodeIndex) -> tuple[list[ServiceNode], list[str]]:
    nodes = sorted(index.nodes, key=lambda node: node.pubkey)
    return nodes, [node.pubkey for node in nodes]
