"""The events of the contracts."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import UNSET

from sent_graphql.models import history as models
from sent_graphql.models import network as network_models
from sent_graphql.models.parts import Part
from sent_graphql.resolvers import history as resolvers
from sent_graphql.resolvers.filters import bounded_set
from sent_graphql.resolvers.keyset import KeysetPage
from sent_graphql.schema.connections import PageInfo
from sent_graphql.schema.contribution_contracts import ContributionContract
from sent_graphql.schema.enums import StakingEventKind
from sent_graphql.schema.fields import Info, looked_up, sized
from sent_graphql.schema.inputs import given
from sent_graphql.schema.interfaces import Node
from sent_graphql.schema.paging import After, Before, First, Last, page_arguments
from sent_graphql.schema.scalars import Address, BigInt, Ed25519PublicKey, EthHash
from sent_graphql.schema.service_nodes import ServiceNode


def _event_node(root: strawberry.Parent[models.StakingEvent], info: Info) -> network_models.ServiceNode | None:
    contract_id = root.contract_id
    return None if contract_id is None else info.context.state().node_by_contract_id.get(contract_id)


def _event_contract(
    root: strawberry.Parent[models.StakingEvent], info: Info
) -> network_models.ContributionContract | None:
    address = root.contribution_contract_address
    return None if address is None else info.context.state().contract_by_address.get(address)


@strawberry.type(description="One argument of an event, as the contract's ABI names it.")
class EventArgument:
    """Shows models.history.EventArgument."""

    name: str = strawberry.field(description="Its name in the ABI.")
    value: str = strawberry.field(
        description="Its value: numbers in decimal digits, addresses with their checksum, lists and structs as JSON."
    )


@strawberry.type(
    description="One log of the contracts: what happened, when, and whom it concerns. A log that a reorganisation of "
    "the L2 chain has moved to another block is another event with another id."
)
class StakingEvent(Node):
    """Shows models.history.StakingEvent."""

    model = models.StakingEvent

    kind: StakingEventKind = strawberry.field(description="What happened.")
    contract: Address = strawberry.field(description="The contract that tells it.")
    block_number: BigInt = strawberry.field(description="L2 block that it is in.")
    block_hash: EthHash = strawberry.field(description="Hash of that block.")
    timestamp: datetime = strawberry.field(description="Time of that block.")
    transaction_hash: EthHash = strawberry.field(description="The transaction that it is of.")
    log_index: int = strawberry.field(description="Its place among the logs of its block.")
    initiator: Address | None = strawberry.field(
        description="Who brought it about, where the event says so. In a registration through a contribution contract "
        "it is that contract. Null where the event does not tell."
    )
    wallet: Address | None = strawberry.field(
        description="The wallet that it concerns, as its kind says; null where it concerns none."
    )
    amount: BigInt | None = strawberry.field(
        description="The amount that it is about in atomic units, as its kind says; null where there is none."
    )
    contract_id: int | None = strawberry.field(
        description="Number in the rewards contract of the node that it is about; null where it is about none."
    )
    arguments: list[EventArgument] = strawberry.field(
        description="All that the event says, in the order of the ABI.", metadata=sized(5)
    )
    service_node: ServiceNode | None = looked_up(
        _event_node,
        description="The life of a node with this `contractId`, also when it has left; null where there is none.",
        reads=Part.NODES,
    )
    contribution_contract: ContributionContract | None = looked_up(
        _event_contract,
        description="The contribution contract that tells it, that was opened, or that has registered the node; null "
        "where there is none.",
        reads=Part.CONTRIBUTION_CONTRACTS,
    )


@strawberry.type(description="An event in a page, with its cursor.")
class StakingEventEdge:
    """Shows resolvers.paging.Edge."""

    cursor: str = strawberry.field(description="Its place among all events; valid in later requests.")
    node: StakingEvent = strawberry.field(description="The event.")


@strawberry.type(description="A page of events, newest first.")
class StakingEventConnection:
    """Shows resolvers.keyset.KeysetPage."""

    edges: list[StakingEventEdge] = strawberry.field(description="The page's events with their cursors.")
    nodes: list[StakingEvent] = strawberry.field(description="The page's events without cursors.")
    page_info: PageInfo = strawberry.field(description="Whether there are more pages, and how to get to them.")


@strawberry.input(description="Which events: those that fit all parts given. An empty list of kinds matches nothing.")
class StakingEventFilter:
    """Becomes models.history.EventFilter."""

    kinds: list[StakingEventKind] | None = strawberry.field(
        default=UNSET, description="What happened; any if left out."
    )
    contract_id: int | None = strawberry.field(
        default=UNSET, description="The node that it is about, by its number in the rewards contract: one life."
    )
    pubkey: Ed25519PublicKey | None = strawberry.field(
        default=UNSET,
        description="The Ed25519 key of the node that it is about: all lives of the key, and what happened to "
        "contribution contracts while they were for it.",
    )
    wallet: Address | None = strawberry.field(default=UNSET, description="The event's `wallet`.")
    contribution_contract: Address | None = strawberry.field(
        default=UNSET,
        description="A contribution contract: what it told, that it was opened, and the nodes that it registered.",
    )
    from_block: BigInt | None = strawberry.field(default=UNSET, description="First L2 block, inclusive.")
    to_block: BigInt | None = strawberry.field(default=UNSET, description="Last L2 block, inclusive.")

    def wanted(self) -> models.EventFilter:
        """The filter as the history takes it; BadUserInputError for what cannot be used."""
        return models.EventFilter(
            kinds=bounded_set(given(self.kinds), argument="filter.kinds"),
            contract_id=given(self.contract_id),
            pubkey=given(self.pubkey),
            wallet=given(self.wallet),
            contribution_contract=given(self.contribution_contract),
            from_block=resolvers.block_number(given(self.from_block), argument="filter.fromBlock"),
            to_block=resolvers.block_number(given(self.to_block), argument="filter.toBlock"),
        )


async def events(
    info: Info,
    filter: Annotated[  # noqa: A002
        StakingEventFilter | None, strawberry.argument(description="Which events; without it, all.")
    ] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> KeysetPage[models.StakingEvent]:
    """The events of a page."""
    wanted = filter.wanted() if filter else models.EventFilter()
    return await resolvers.list_events(info.context, wanted, page_arguments(first, after, last, before))
