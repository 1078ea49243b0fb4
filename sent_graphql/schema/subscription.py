"""The root of all that can be watched. Each field is a question; live queries ask it again whenever it may matter."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from sent_graphql.models.parts import WALLETS, Part
from sent_graphql.resolvers import filters
from sent_graphql.resolvers.changes import Changes, Event, Item
from sent_graphql.resolvers.contribution_contracts import list_contribution_contracts
from sent_graphql.resolvers.orders import contribution_contract_order, service_node_order
from sent_graphql.resolvers.service_nodes import list_service_nodes
from sent_graphql.schema import roots
from sent_graphql.schema.changes import ContributionContractChanges, ServiceNodeChanges
from sent_graphql.schema.fields import Effort, Info, looked_up
from sent_graphql.schema.inputs import ContributionContractFilter, ServiceNodeFilter
from sent_graphql.schema.meta import Meta
from sent_graphql.schema.network import Network
from sent_graphql.schema.service_nodes import ServiceNode
from sent_graphql.schema.wallets import Wallet


def _service_nodes(
    root: strawberry.Parent[Event],
    info: Info,
    filter: Annotated[  # noqa: A002
        ServiceNodeFilter | None,
        strawberry.argument(description="Which nodes; without it, all that have not exited."),
    ] = UNSET,
) -> Changes[Item]:
    wanted = filter.wanted() if filter else filters.ServiceNodeFilter()
    return root.changes(info.context, lambda state: list_service_nodes(state, wanted, service_node_order()).items)


def _contribution_contracts(
    root: strawberry.Parent[Event],
    info: Info,
    filter: Annotated[  # noqa: A002
        ContributionContractFilter | None, strawberry.argument(description="Which contracts; without it, all.")
    ] = UNSET,
) -> Changes[Item]:
    wanted = filter.wanted() if filter else filters.ContributionContractFilter()
    return root.changes(
        info.context, lambda state: list_contribution_contracts(state, wanted, contribution_contract_order()).items
    )


@strawberry.type(
    description="All that can be watched. Every subscription sends the present state at once, then again on each "
    "change of what it selects, and of nothing else; who reads too slowly for that gets several changes as one. Until "
    "the first snapshot is there, all fields but `meta` fail with the code NOT_READY."
)
class Subscription:
    """The fields in the order of the explorer."""

    meta: Meta = looked_up(
        roots.meta,
        description="Which snapshot is the newest, how old it is and how each source fares: a message for each one, "
        "unless what you select is the same in both.",
        reads=Part.META,
    )
    network: Network = looked_up(
        roots.network, description="The network as a whole: its chain, its rules and its totals.", reads=Part.NETWORK
    )
    service_node: ServiceNode | None = looked_up(
        roots.service_node,
        description="One service node by key or number; null while there is none.",
        reads=Part.NODES,
    )
    service_nodes: ServiceNodeChanges = looked_up(
        _service_nodes,
        description="Service nodes that match a filter: first all of them, then what changed.",
        reads=Part.NODES,
        effort=Effort.LIST,
    )
    contribution_contracts: ContributionContractChanges = looked_up(
        _contribution_contracts,
        description="Contribution contracts that match a filter: first all of them, then what changed.",
        reads=Part.CONTRIBUTION_CONTRACTS,
        effort=Effort.LIST,
    )
    wallet: Wallet = looked_up(
        roots.wallet,
        description="What one address has in the network. Never null: an unknown wallet has no stakes and zero "
        "rewards.",
        reads=WALLETS,
    )
