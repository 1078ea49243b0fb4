"""Service nodes of a snapshot: looked up by key, listed, and those that wait to be removed."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from sent_graphql.models.network import ServiceNode, ServiceNodeState
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.resolvers.filters import ServiceNodeFilter
from sent_graphql.resolvers.orders import Order, service_node_order
from sent_graphql.resolvers.paging import Ordered

REMOVABLE_STATES: Final = frozenset({ServiceNodeState.AWAITING_EXIT, ServiceNodeState.DEREGISTERED})
"""oxend has dropped the node, the rewards contract still holds its stake."""


def list_service_nodes(
    state: NetworkState, wanted: ServiceNodeFilter, order: Order[ServiceNode]
) -> Ordered[ServiceNode]:
    """The nodes that match, in the order asked for.

    A filter that an index serves costs what it finds; the whole network is sorted once per snapshot and order.
    """
    candidates = _candidates(state, wanted)
    if candidates is not None:
        return order.arrange(node for node in candidates if wanted.matches(node))
    if wanted == ServiceNodeFilter():
        return _whole_network(state, order, with_exited=False)
    return _whole_network(state, order, with_exited=wanted.wants_exited).where(wanted.matches)


def exit_list(state: NetworkState) -> tuple[ServiceNode, ...]:
    """The nodes that may be exited or liquidated, by contract id."""
    return state.derived(
        "exit list",
        lambda: service_node_order().arrange(node for node in state.nodes if node.state in REMOVABLE_STATES).items,
    )


def _whole_network(state: NetworkState, order: Order[ServiceNode], *, with_exited: bool) -> Ordered[ServiceNode]:
    return state.derived(
        ("whole network", order.scope, with_exited),
        lambda: order.arrange(node for node in state.nodes if with_exited or node.state is not ServiceNodeState.EXITED),
    )


def _candidates(state: NetworkState, wanted: ServiceNodeFilter) -> Iterable[ServiceNode] | None:
    """Nodes from the index that narrows most, among which all that match are; null when no index serves."""
    if wanted.pubkeys is not None:
        lives = state.derived("lives by pubkey", lambda: _lives_by_pubkey(state))
        return [node for pubkey in wanted.pubkeys for node in lives.get(pubkey, ())]
    if wanted.operator is not None:
        return state.nodes_by_operator.get(wanted.operator, ())
    if wanted.contributor is not None:
        return state.nodes_by_contributor.get(wanted.contributor, ())
    if wanted.pubkey_prefix is not None:
        return _with_prefix(state, wanted.pubkey_prefix)
    return None


def _lives_by_pubkey(state: NetworkState) -> dict[str, list[ServiceNode]]:
    """Every life of each key, past ones too; keys ascending."""
    lives: dict[str, list[ServiceNode]] = {}
    for node in sorted(state.nodes, key=lambda node: node.pubkey):
        lives.setdefault(node.pubkey, []).append(node)
    return lives


def _with_prefix(state: NetworkState, prefix: str) -> list[ServiceNode]:
    nodes, pubkeys = state.derived("nodes by ascending pubkey", lambda: _ascending_pubkeys(state))
    start = bisect_left(pubkeys, prefix)
    # "g" sorts behind every hex digit, so this is the end of what begins with the prefix.
    return nodes[start : bisect_left(pubkeys, prefix + "g", lo=start)]


def _ascending_pubkeys(state: NetworkState) -> tuple[list[ServiceNode], list[str]]:
    nodes = sorted(state.nodes, key=lambda node: node.pubkey)
    return nodes, [node.pubkey for node in nodes]
