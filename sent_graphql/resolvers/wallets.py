"""What belongs to one wallet beside its stakes and rewards."""

from sent_graphql.models.network import ContributionContract, ServiceNode, ServiceNodeState
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.resolvers.orders import contribution_contract_order, service_node_order


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
