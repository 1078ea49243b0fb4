"""The root of all questions. Each is answered from the one snapshot of its request."""

from collections.abc import Awaitable
from typing import Annotated

import strawberry
from strawberry import UNSET

from sent_graphql.models import network as models
from sent_graphql.models.parts import WALLETS, Part
from sent_graphql.resolvers import filters
from sent_graphql.resolvers.contribution_contracts import list_contribution_contracts
from sent_graphql.resolvers.global_nodes import Found, find_node
from sent_graphql.resolvers.orders import contribution_contract_order, service_node_order
from sent_graphql.resolvers.paging import Page, paginate
from sent_graphql.resolvers.service_nodes import exit_list, list_service_nodes
from sent_graphql.schema import roots
from sent_graphql.schema.connections import ContributionContractConnection, ServiceNodeConnection
from sent_graphql.schema.contribution_contracts import ContributionContract
from sent_graphql.schema.fields import Effort, Info, looked_up
from sent_graphql.schema.history import StakingEventConnection, events
from sent_graphql.schema.inputs import (
    ContributionContractFilter,
    ContributionContractOrder,
    ServiceNodeFilter,
    ServiceNodeOrder,
)
from sent_graphql.schema.interfaces import Node
from sent_graphql.schema.meta import Meta
from sent_graphql.schema.network import Network
from sent_graphql.schema.paging import After, Before, First, Last, page_arguments
from sent_graphql.schema.registrations import RegistrationConnection, registrations
from sent_graphql.schema.scalars import Address
from sent_graphql.schema.service_nodes import ServiceNode
from sent_graphql.schema.validation import RegistrationValidation, validate_registration
from sent_graphql.schema.wallets import Wallet


def _node(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="What an `id` field has given.")],  # noqa: A002
) -> Found | Awaitable[Found]:
    return find_node(info.context, id)


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
    return paginate(listed, page_arguments(first, after, last, before), context.options)


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
    return paginate(listed, page_arguments(first, after, last, before), context.options)


def _exit_list(info: Info) -> tuple[models.ServiceNode, ...]:
    return exit_list(info.context.state())


@strawberry.type(
    description="All that can be asked about the staking network. Every answer of one request is from one snapshot, "
    "which `meta` describes; the database adds registrations, and events up to that snapshot's L2 block. Until the "
    "first snapshot is there, all fields but `meta` and `registrations` fail with the code NOT_READY."
)
class Query:
    """The fields in the order of the explorer."""

    node: Node | None = looked_up(
        _node,
        description="Anything that has an `id`, found again by it; null when there is no such thing any more.",
    )
    meta: Meta = looked_up(
        roots.meta,
        description="Which snapshot answers this request, how old it is and how each source fares.",
        reads=Part.META,
    )
    network: Network = looked_up(
        roots.network, description="The network as a whole: its chain, its rules and its totals.", reads=Part.NETWORK
    )
    service_node: ServiceNode | None = looked_up(
        roots.service_node, description="One service node by key or number; null when there is none.", reads=Part.NODES
    )
    service_nodes: ServiceNodeConnection = looked_up(
        _service_nodes,
        description="Service nodes, filtered, sorted and in pages.",
        reads=Part.NODES,
        effort=Effort.LIST,
    )
    contribution_contract: ContributionContract | None = looked_up(
        _contribution_contract,
        description="One contribution contract by its address; null when there is none there.",
        reads=Part.CONTRIBUTION_CONTRACTS,
    )
    contribution_contracts: ContributionContractConnection = looked_up(
        _contribution_contracts,
        description="Contribution contracts, filtered, sorted and in pages.",
        reads=Part.CONTRIBUTION_CONTRACTS,
        effort=Effort.LIST,
    )
    wallet: Wallet = looked_up(
        roots.wallet,
        description="What one address has in the network. Never null: an unknown wallet has no stakes and zero "
        "rewards.",
        reads=WALLETS,
    )
    exit_list: list[ServiceNode] = looked_up(
        _exit_list,
        description="Nodes that oxend has dropped and whose stake the contract still holds (AWAITING_EXIT and "
        "DEREGISTERED), by `contractId`: they may be exited, or liquidated once `liquidatable`.",
        reads=Part.NODES,
        items=100,
    )
    registrations: RegistrationConnection = looked_up(
        registrations,
        description="Stored registrations, newest first, in pages. Answers also before the first snapshot; fails with "
        "DATABASE_UNAVAILABLE when the database does not answer.",
        reads=Part.OUTSIDE,
    )
    events: StakingEventConnection = looked_up(
        events,
        description="What happened on the contracts, newest first, in pages: as far as `meta.sources` says that the "
        "DATABASE has come, and never beyond `network.l2Height`. With `last` the oldest are given. Fails with "
        "DATABASE_UNAVAILABLE when the database does not answer.",
    )
    validate_registration: RegistrationValidation = looked_up(
        validate_registration,
        description="Checks a registration before it is sent to the contracts, and stores nothing. What is wrong with "
        "it is a result, not an error. Fails with the code OVERLOADED (`retryAfter` in seconds) when too many "
        "signatures are being checked.",
        effort=Effort.DEAR,
    )
