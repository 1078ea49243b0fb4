"""The root of all questions. Each is answered from the one snapshot of its request."""

from typing import Annotated, TypeAlias

import strawberry
from strawberry import UNSET

from sent_graphql.models import network as models
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.resolvers import filters
from sent_graphql.resolvers.contribution_contracts import list_contribution_contracts
from sent_graphql.resolvers.global_nodes import GlobalNode, find_node
from sent_graphql.resolvers.orders import contribution_contract_order, service_node_order
from sent_graphql.resolvers.paging import Page, PageArguments, paginate
from sent_graphql.resolvers.service_nodes import exit_list, list_service_nodes
from sent_graphql.schema.connections import ContributionContractConnection, ServiceNodeConnection
from sent_graphql.schema.contribution_contracts import ContributionContract
from sent_graphql.schema.fields import Info, looked_up
from sent_graphql.schema.inputs import (
    ContributionContractFilter,
    ContributionContractOrder,
    ServiceNodeFilter,
    ServiceNodeLookup,
    ServiceNodeOrder,
    given,
)
from sent_graphql.schema.interfaces import Node
from sent_graphql.schema.meta import Meta
from sent_graphql.schema.network import Network
from sent_graphql.schema.scalars import Address
from sent_graphql.schema.service_nodes import ServiceNode
from sent_graphql.schema.wallets import Wallet

First: TypeAlias = Annotated[
    int | None,
    strawberry.argument(
        description="How many items to give from the front of the range; 0 gives only the counts. When neither `first` "
        "nor `last` is given a page has 100 items, unless the service is set up otherwise; more than its maximum "
        "(2500) is refused, and so is `first` together with `last`."
    ),
]
After: TypeAlias = Annotated[
    str | None, strawberry.argument(description="Cursor that the range begins behind, from the same list and order.")
]
Last: TypeAlias = Annotated[
    int | None,
    strawberry.argument(description="How many items to give from the back of the range; they keep their order."),
]
Before: TypeAlias = Annotated[
    str | None, strawberry.argument(description="Cursor that the range ends before, from the same list and order.")
]


def _node(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="What an `id` field has given.")],  # noqa: A002
) -> GlobalNode | None:
    return find_node(info.context, id)


def _meta(info: Info) -> Snapshot:
    return info.context.snapshot


def _network(info: Info) -> models.Network:
    return info.context.state().network


def _service_node(
    info: Info, by: Annotated[ServiceNodeLookup, strawberry.argument(description="Which node.")]
) -> models.ServiceNode | None:
    state = info.context.state()
    pubkey, pubkey_bls, contract_id = given(by.pubkey), given(by.pubkey_bls), given(by.contract_id)
    if pubkey is not None:
        return state.node_by_pubkey.get(pubkey)
    if pubkey_bls is not None:
        return state.node_by_bls.get(pubkey_bls)
    return None if contract_id is None else state.node_by_contract_id.get(contract_id)


def _service_nodes(
    info: Info,
    filter: Annotated[  # noqa: A002
        ServiceNodeFilter | None,
        strawberry.argument(description="Which nodes; without it, all that have not exited."),
    ] = UNSET,
    order_by: Annotated[
        ServiceNodeOrder | None,
        strawberry.argument(description="How to sort; without it, by ascending `contractId`."),
    ] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Page[models.ServiceNode]:
    context = info.context
    wanted = filter.wanted() if filter else filters.ServiceNodeFilter()
    order = order_by.wanted() if order_by else service_node_order()
    listed = list_service_nodes(context.state(), wanted, order)
    return paginate(listed, _page_arguments(first, after, last, before), context.options)


def _contribution_contract(
    info: Info, address: Annotated[Address, strawberry.argument(description="Address of the contract.")]
) -> models.ContributionContract | None:
    return info.context.state().contract_by_address.get(address)


def _contribution_contracts(
    info: Info,
    filter: Annotated[  # noqa: A002
        ContributionContractFilter | None, strawberry.argument(description="Which contracts; without it, all.")
    ] = UNSET,
    order_by: Annotated[
        ContributionContractOrder | None,
        strawberry.argument(description="How to sort; without it, the newest first."),
    ] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Page[models.ContributionContract]:
    context = info.context
    wanted = filter.wanted() if filter else filters.ContributionContractFilter()
    order = order_by.wanted() if order_by else contribution_contract_order()
    listed = list_contribution_contracts(context.state(), wanted, order)
    return paginate(listed, _page_arguments(first, after, last, before), context.options)


def _wallet(
    info: Info, address: Annotated[Address, strawberry.argument(description="Address of the wallet.")]
) -> models.Wallet:
    return info.context.state().wallet(address)


def _exit_list(info: Info) -> tuple[models.ServiceNode, ...]:
    return exit_list(info.context.state())


def _page_arguments(first: int | None, after: str | None, last: int | None, before: str | None) -> PageArguments:
    return PageArguments(first=given(first), after=given(after), last=given(last), before=given(before))


@strawberry.type(
    description="All that can be asked about the staking network. Every answer of one request is from one snapshot, "
    "which `meta` describes. Until the first snapshot is there, all fields but `meta` fail with the code NOT_READY."
)
class Query:
    """The fields in the order of the explorer."""

    node: Node | None = looked_up(
        _node, description="Anything that has an `id`, found again by it; null when there is no such thing any more."
    )
    meta: Meta = looked_up(
        _meta, description="Which snapshot answers this request, how old it is and how each source fares."
    )
    network: Network = looked_up(_network, description="The network as a whole: its chain, its rules and its totals.")
    service_node: ServiceNode | None = looked_up(
        _service_node, description="One service node by key or number; null when there is none."
    )
    service_nodes: ServiceNodeConnection = looked_up(
        _service_nodes, description="Service nodes, filtered, sorted and in pages."
    )
    contribution_contract: ContributionContract | None = looked_up(
        _contribution_contract, description="One contribution contract by its address; null when there is none there."
    )
    contribution_contracts: ContributionContractConnection = looked_up(
        _contribution_contracts, description="Contribution contracts, filtered, sorted and in pages."
    )
    wallet: Wallet = looked_up(
        _wallet,
        description="What one address has in the network. Never null: an unknown wallet has no stakes and zero "
        "rewards.",
    )
    exit_list: list[ServiceNode] = looked_up(
        _exit_list,
        description="Nodes that oxend has dropped and whose stake the contract still holds (AWAITING_EXIT and "
        "DEREGISTERED), by `contractId`: they may be exited, or liquidated once `liquidatable`.",
    )
