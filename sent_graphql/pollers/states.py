"""The state of a node: the first line that holds."""

from sent_graphql.models.network import ServiceNodeState
from sent_graphql.pollers.matching import NodeRecord


def state_of(record: NodeRecord) -> ServiceNodeState:
    """Where the life that `record` tells of stands now."""
    if record.registered is not None:
        return ServiceNodeState.RUNNING if record.registered.active else ServiceNodeState.DECOMMISSIONED
    if record.removed is not None:
        if record.held is None:
            return ServiceNodeState.EXITED
        if record.removed.kind == "deregister":
            return ServiceNodeState.DEREGISTERED
        return ServiceNodeState.AWAITING_EXIT
    return ServiceNodeState.REGISTERING


IN_EXIT_LIST = frozenset({ServiceNodeState.AWAITING_EXIT, ServiceNodeState.DEREGISTERED})
"""Off oxend's list of nodes, their stake still held by the contract."""

OFF_OXENDS_LIST = IN_EXIT_LIST | {ServiceNodeState.EXITED}
"""Off oxend's list of nodes, whoever holds their stake."""
