"""Contribution contracts, in which several people gather the stake of one node."""

import strawberry

from sent_graphql.models import network as models
from sent_graphql.models.parts import Part
from sent_graphql.schema.enums import ContributionStatus
from sent_graphql.schema.fields import Info, looked_up, sized
from sent_graphql.schema.interfaces import Node
from sent_graphql.schema.scalars import Address, BigInt, BlsPublicKey, Ed25519PublicKey
from sent_graphql.schema.service_nodes import Contributor, ServiceNode


def _registered_node(root: strawberry.Parent[models.ContributionContract], info: Info) -> models.ServiceNode | None:
    node_id = root.service_node_id
    return None if node_id is None else info.context.state().node_by_id.get(node_id)


@strawberry.type(description="A place that the operator of a contribution contract keeps for one address.")
class Reservation:
    """Shows models.contracts.ReservedPlace."""

    address: Address = strawberry.field(description="For whom the place is kept.")
    amount: BigInt = strawberry.field(description="Least that this contributor must bring, in atomic units.")
    received: bool = strawberry.field(description="The contributor has brought it.")


@strawberry.type(
    description="A contract in which an operator and others gather the stake of one node. When the stake is "
    "complete it registers the node; after that, or when the operator cancels, it may be reset and used again."
)
class ContributionContract(Node):
    """Shows models.network.ContributionContract."""

    model = models.ContributionContract

    address: Address = strawberry.field(description="Address of the contract on the L2 chain.")
    status: ContributionStatus = strawberry.field(description="How far it has come.")
    operator: Address = strawberry.field(description="Who opened it and will operate the node.")
    pubkey: Ed25519PublicKey = strawberry.field(description="Ed25519 key of the node that it registers.")
    pubkey_bls: BlsPublicKey = strawberry.field(description="BLS key of the node that it registers.")
    fee: int = strawberry.field(
        description="The operator's share of the rewards before the rest is split by stake, in hundredths of a percent "
        "from 0 to 10000."
    )
    contributors: list[Contributor] = strawberry.field(
        description="Who has contributed so far, the operator first; once finalized, who contributed to the node.",
        metadata=sized(10),
    )
    reservations: list[Reservation] = strawberry.field(
        description="The places that the operator keeps for certain addresses; empty when there are none.",
        metadata=sized(10),
    )
    total_contributed: BigInt = strawberry.field(description="Sum of the contributions so far, in atomic units.")
    total_reserved: BigInt = strawberry.field(
        description="Sum of the reservations that have not been received yet, in atomic units."
    )
    staking_requirement: BigInt = strawberry.field(
        description="Stake that it has to gather, in atomic units, fixed when it was made or last reset."
    )
    max_contributors: int = strawberry.field(description="Most contributors, the operator included.")
    minimum_contribution: BigInt | None = strawberry.field(
        description="Least that a new contributor without a reservation must bring now, in atomic units; null when "
        "there is no room for one."
    )
    open_slots: int = strawberry.field(
        description="How many more contributors without a reservation fit: `maxContributors` less the contributors and "
        "the reservations not yet received; 0 once finalized."
    )
    manual_finalize: bool = strawberry.field(
        description="The operator finalizes by hand; otherwise the last contribution does it."
    )
    viable: bool = strawberry.field(
        description="False when the rewards contract's requirement has changed since, so that no one can contribute "
        "any more: the operator has to reset it or make another."
    )
    created_at_block: BigInt | None = strawberry.field(
        description="L2 block in which the factory made it; null when that is not known."
    )
    service_node: ServiceNode | None = looked_up(
        _registered_node,
        description="The node that it registered last; null when it has registered none yet.",
        reads=Part.NODES,
    )
