"""What can be asked: look-ups, filters and orders, and how they become the resolvers' own.

A part that is left out and one that is null mean the same: no restriction.
"""

from typing import TypeVar

import strawberry
from strawberry import UNSET

from sent_graphql.models.network import ContributionContract as ContributionContractModel
from sent_graphql.models.network import ServiceNode as ServiceNodeModel
from sent_graphql.resolvers import filters, orders
from sent_graphql.schema.enums import (
    ContributionContractOrderField,
    ContributionStatus,
    OrderDirection,
    ServiceNodeOrderField,
    ServiceNodeState,
)
from sent_graphql.schema.scalars import Address, BlsPublicKey, Ed25519PublicKey

T = TypeVar("T")


def given(value: T | None) -> T | None:
    """What the user gave; null when it was left out."""
    return None if value is UNSET else value


@strawberry.input(
    one_of=True,
    description="Which service node: exactly one of its keys or numbers. A key finds the living node that has it, else "
    "the one that left last.",
)
class ServiceNodeLookup:
    """Exactly one part is present."""

    pubkey: Ed25519PublicKey | None = strawberry.field(default=UNSET, description="The node's Ed25519 key.")
    pubkey_bls: BlsPublicKey | None = strawberry.field(default=UNSET, description="The node's BLS key.")
    contract_id: int | None = strawberry.field(default=UNSET, description="The node's number in the rewards contract.")


@strawberry.input(
    description="Which service nodes to list: those that fit all parts given. Nodes that have exited are listed only "
    "when `states` names EXITED. A list may have at most 2500 items; an empty one matches nothing."
)
class ServiceNodeFilter:
    """Becomes resolvers.filters.ServiceNodeFilter."""

    pubkeys: list[Ed25519PublicKey] | None = strawberry.field(
        default=UNSET, description="Ed25519 keys of the nodes; keys that no node has are passed over."
    )
    states: list[ServiceNodeState] | None = strawberry.field(
        default=UNSET, description="States that the nodes may be in; without it, all but EXITED."
    )
    leaving: bool | None = strawberry.field(
        default=UNSET, description="true: only nodes whose exit was requested; false: only the others."
    )
    operator: Address | None = strawberry.field(default=UNSET, description="Who operates the nodes.")
    contributor: Address | None = strawberry.field(
        default=UNSET, description="Who has a stake in the nodes, as staker; the operator is one too."
    )
    liquidatable: bool | None = strawberry.field(
        default=UNSET, description="true: only nodes that anyone may liquidate now; false: only the others."
    )
    pubkey_prefix: str | None = strawberry.field(
        default=UNSET,
        description="What the nodes' Ed25519 keys begin with: 4 to 64 hex digits, in any case, with or without 0x.",
    )
    min_operator_fee: int | None = strawberry.field(
        default=UNSET, description="Lowest fee in hundredths of a percent; nodes of unknown fee are left out."
    )
    max_operator_fee: int | None = strawberry.field(
        default=UNSET, description="Highest fee in hundredths of a percent; nodes of unknown fee are left out."
    )

    def wanted(self) -> filters.ServiceNodeFilter:
        """The resolvers' filter; BadUserInputError for what cannot be used."""
        prefix = given(self.pubkey_prefix)
        return filters.ServiceNodeFilter(
            pubkeys=filters.bounded_set(given(self.pubkeys), argument="filter.pubkeys"),
            states=filters.bounded_set(given(self.states), argument="filter.states"),
            leaving=given(self.leaving),
            operator=given(self.operator),
            contributor=given(self.contributor),
            liquidatable=given(self.liquidatable),
            pubkey_prefix=None if prefix is None else filters.key_prefix(prefix, argument="filter.pubkeyPrefix"),
            min_operator_fee=given(self.min_operator_fee),
            max_operator_fee=given(self.max_operator_fee),
        )


@strawberry.input(description="How to sort service nodes. Nodes without the value come last in both directions.")
class ServiceNodeOrder:
    """Becomes an Order of service nodes."""

    field: ServiceNodeOrderField = strawberry.field(description="What to sort by.")
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.ASC, description="Which end comes first; the smallest unless told otherwise."
    )

    def wanted(self) -> orders.Order[ServiceNodeModel]:
        """The resolvers' order."""
        return orders.service_node_order(self.field, self.direction)


@strawberry.input(
    description="Which contribution contracts to list: those that fit all parts given. A list may have at most 2500 "
    "items; an empty one matches nothing."
)
class ContributionContractFilter:
    """Becomes resolvers.filters.ContributionContractFilter."""

    pubkey: Ed25519PublicKey | None = strawberry.field(
        default=UNSET, description="Ed25519 key of the node that the contracts are for."
    )
    statuses: list[ContributionStatus] | None = strawberry.field(
        default=UNSET, description="How far the contracts may have come; without it, any."
    )
    operator: Address | None = strawberry.field(default=UNSET, description="Who opened the contracts.")
    contributor: Address | None = strawberry.field(
        default=UNSET, description="Who has contributed, as staker; the operator is one too."
    )
    viable: bool | None = strawberry.field(
        default=UNSET, description="true: only contracts that can still be filled; false: only the others."
    )
    open_to_public: bool | None = strawberry.field(
        default=UNSET,
        description="true: only contracts that are open, viable and have room for a contributor without a reservation; "
        "false: only the others.",
    )
    max_fee: int | None = strawberry.field(
        default=UNSET, description="Highest operator's fee, in hundredths of a percent."
    )

    def wanted(self) -> filters.ContributionContractFilter:
        """The resolvers' filter; BadUserInputError for what cannot be used."""
        return filters.ContributionContractFilter(
            pubkey=given(self.pubkey),
            statuses=filters.bounded_set(given(self.statuses), argument="filter.statuses"),
            operator=given(self.operator),
            contributor=given(self.contributor),
            viable=given(self.viable),
            open_to_public=given(self.open_to_public),
            max_fee=given(self.max_fee),
        )


@strawberry.input(
    description="How to sort contribution contracts. Contracts without the value come last in both directions."
)
class ContributionContractOrder:
    """Becomes an Order of contribution contracts."""

    field: ContributionContractOrderField = strawberry.field(description="What to sort by.")
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.ASC, description="Which end comes first; the smallest unless told otherwise."
    )

    def wanted(self) -> orders.Order[ContributionContractModel]:
        """The resolvers' order."""
        return orders.contribution_contract_order(self.field, self.direction)
