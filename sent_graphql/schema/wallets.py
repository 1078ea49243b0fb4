"""A wallet: its stakes, its rewards and what it operates."""

import strawberry
from strawberry import UNSET

from sent_graphql.models import network
from sent_graphql.models import wallets as models
from sent_graphql.models.parts import Part
from sent_graphql.models.registrations import Registration as StoredRegistration
from sent_graphql.resolvers import wallets as resolvers
from sent_graphql.resolvers.keyset import KeysetPage
from sent_graphql.resolvers.paging import Page, paginate
from sent_graphql.resolvers.registrations import registrations_of_operator
from sent_graphql.schema.connections import PageInfo
from sent_graphql.schema.contribution_contracts import ContributionContract
from sent_graphql.schema.enums import ServiceNodeState
from sent_graphql.schema.fields import Info, looked_up, sized
from sent_graphql.schema.interfaces import Node
from sent_graphql.schema.paging import After, Before, First, Last, page_arguments
from sent_graphql.schema.registrations import RegistrationConnection
from sent_graphql.schema.scalars import Address, BigInt
from sent_graphql.schema.service_nodes import ServiceNode


def _stake_node(root: strawberry.Parent[models.Stake], _info: Info) -> network.ServiceNode | None:
    return root.service_node


def _stake_contract(root: strawberry.Parent[models.Stake], _info: Info) -> network.ContributionContract | None:
    return root.contribution_contract


def _operated_nodes(root: strawberry.Parent[models.Wallet], info: Info) -> tuple[network.ServiceNode, ...]:
    return resolvers.operated_nodes(info.context.state(), root.address)


def _wallet_contracts(root: strawberry.Parent[models.Wallet], info: Info) -> tuple[network.ContributionContract, ...]:
    return resolvers.contribution_contracts(info.context.state(), root.address)


@strawberry.type(
    description="A wallet's rewards: lifetime totals in atomic units. They grow on the Oxen side, are credited on the "
    "contract by a signed balance update, and can then be claimed."
)
class Rewards:
    """Shows models.wallets.Rewards."""

    accrued: BigInt = strawberry.field(description="All that oxend has ever accrued for the wallet, in atomic units.")
    credited: BigInt = strawberry.field(
        description="All that the rewards contract has ever credited to the wallet, in atomic units."
    )
    claimed: BigInt = strawberry.field(description="All that the wallet has ever claimed, in atomic units.")
    claimable: BigInt = strawberry.field(
        description="What can be claimed at once, in atomic units: `credited` less `claimed`."
    )
    pending: BigInt = strawberry.field(
        description="Accrued and not yet credited, in atomic units, never below 0: a balance update signed by the "
        "network has to be sent to the contract before it can be claimed."
    )


def _past_stakes(
    root: strawberry.Parent[models.Wallet],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Page[models.Stake]:
    context = info.context
    ended = resolvers.past_stakes(context.state(), root.address)
    return paginate(ended, page_arguments(first, after, last, before), context.options)


@strawberry.type(
    description="A wallet's stake, as staker, in one node (which may have left) or in one contribution contract that "
    "is not finalized."
)
class Stake(Node):
    """Shows models.wallets.Stake."""

    model = models.Stake

    address: Address = strawberry.field(description="Who staked, and to whom the stake is returned.")
    beneficiary: Address = strawberry.field(description="Who gets the rewards of this stake.")
    amount: BigInt = strawberry.field(description="The stake in atomic units.")
    is_operator: bool = strawberry.field(description="The staker operates the node.")
    exited: bool = strawberry.field(
        description="The stake has ended: its node has left the contract, and what is due of it goes back to the "
        "staker as rewards (see `ServiceNode.exit`)."
    )
    state: ServiceNodeState | None = strawberry.field(
        description="State of the node that it is in; null in a contribution contract."
    )
    service_node: ServiceNode | None = looked_up(
        _stake_node, description="The node that it is in; null in a contribution contract.", reads=Part.NODES
    )
    contribution_contract: ContributionContract | None = looked_up(
        _stake_contract,
        description="The contribution contract that it is in; null in a node.",
        reads=Part.CONTRIBUTION_CONTRACTS,
    )


@strawberry.type(description="A stake in a page, with its cursor.")
class StakeEdge:
    """Shows resolvers.paging.Edge."""

    cursor: str = strawberry.field(description="Its place in the order; valid in later requests for the same list.")
    node: Stake = strawberry.field(description="The stake.")


@strawberry.type(description="A page of stakes.")
class StakeConnection:
    """Shows resolvers.paging.Page."""

    edges: list[StakeEdge] = strawberry.field(description="The page's stakes with their cursors.")
    nodes: list[Stake] = strawberry.field(description="The page's stakes without cursors.")
    page_info: PageInfo = strawberry.field(description="Whether there are more pages, and how to get to them.")


async def _registrations(
    root: strawberry.Parent[models.Wallet],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> KeysetPage[StoredRegistration]:
    return await registrations_of_operator(info.context, root.address, page_arguments(first, after, last, before))


@strawberry.type(
    description="Everything that one address has in the network. Every address is a wallet: one that never took part "
    "has no stakes and zero rewards."
)
class Wallet(Node):
    """Shows models.wallets.Wallet."""

    model = models.Wallet

    address: Address = strawberry.field(description="The wallet's address.")
    stakes: list[Stake] = strawberry.field(
        description="Its present stakes as staker, in nodes (also those that wait to be removed) and in contribution "
        "contracts that are not finalized.",
        metadata=sized(20),
    )
    past_stakes: StakeConnection = looked_up(
        _past_stakes,
        description="Its stakes that have ended, as staker in nodes that have left, in pages: the one that left the "
        "contract last comes first, those of which no event tells come at the end.",
        reads=Part.NODES,
    )
    operated_nodes: list[ServiceNode] = looked_up(
        _operated_nodes,
        description="The nodes that it operates and that have not exited, by `contractId`.",
        reads=Part.NODES,
        items=20,
    )
    contribution_contracts: list[ContributionContract] = looked_up(
        _wallet_contracts,
        description="The contribution contracts that it operates or contributes to, newest first.",
        reads=Part.CONTRIBUTION_CONTRACTS,
        items=10,
    )
    registrations: RegistrationConnection = looked_up(
        _registrations,
        description="The stored registrations that name it as operator, newest first. Fails with DATABASE_UNAVAILABLE "
        "when the database does not answer.",
        reads=Part.OUTSIDE,
    )
    total_staked: BigInt = strawberry.field(description="Sum of its present stakes in atomic units.")
    rewards: Rewards = strawberry.field(description="Its rewards, as beneficiary of its own stakes or of others'.")
