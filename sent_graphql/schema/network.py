"""The network as a whole."""

from datetime import datetime

import strawberry

from sent_graphql.models import network as models
from sent_graphql.schema.enums import NetworkType
from sent_graphql.schema.interfaces import Node
from sent_graphql.schema.scalars import Address, BigInt, HexBytes


@strawberry.type(description="Where the staking contracts of the served network are on the L2 chain.")
class ContractAddresses:
    """Shows models.contracts.ContractAddresses."""

    service_node_rewards: Address = strawberry.field(
        description="The rewards contract: it holds the stakes, keeps the list of nodes and pays claims out."
    )
    contribution_factory: Address | None = strawberry.field(
        description="The factory that makes contribution contracts; null where none is configured."
    )
    reward_rate_pool: Address | None = strawberry.field(
        description="The pool that rewards flow from; null where none is configured."
    )
    token: Address | None = strawberry.field(
        description="The token that is staked and paid; null where none is configured."
    )


@strawberry.type(
    description="What all wallets together may still claim. The rewards contract counts claims in cycles and refuses "
    "those that exceed the limit of the present one."
)
class ClaimLimit:
    """Shows models.network.ClaimLimit."""

    per_cycle: BigInt = strawberry.field(description="What may be claimed in one cycle, in atomic units.")
    cycle_seconds: int = strawberry.field(description="Length of a cycle in seconds.")
    remaining: BigInt = strawberry.field(description="What may still be claimed in the present cycle, in atomic units.")
    resets_at: datetime = strawberry.field(description="When the next cycle begins and the whole limit is there again.")


@strawberry.type(description="How many service nodes there are in each state.")
class NodeCounts:
    """Shows models.network.NodeCounts."""

    total: int = strawberry.field(description="All nodes that have not exited.")
    registering: int = strawberry.field(description="Nodes in state REGISTERING.")
    running: int = strawberry.field(description="Nodes in state RUNNING.")
    decommissioned: int = strawberry.field(description="Nodes in state DECOMMISSIONED.")
    awaiting_exit: int = strawberry.field(description="Nodes in state AWAITING_EXIT.")
    deregistered: int = strawberry.field(description="Nodes in state DEREGISTERED.")
    leaving: int = strawberry.field(
        description="Nodes whose exit was requested, in whichever state; they are counted in their state too."
    )


@strawberry.type(description="The staking network as a whole: its chain, its rules and its totals.")
class Network(Node):
    """Shows models.network.Network."""

    model = models.Network

    net_type: NetworkType = strawberry.field(description="Which network this is.")
    version: str = strawberry.field(description="Version of the oxend that answers, such as 11.0.6.")
    hard_fork: int = strawberry.field(description="Number of the hard fork whose rules hold for the next block.")
    block_height: int = strawberry.field(description="Height of the top block of the Oxen chain.")
    block_hash: HexBytes = strawberry.field(description="Hash of the top block of the Oxen chain.")
    block_timestamp: datetime = strawberry.field(description="When the top block of the Oxen chain was made.")
    target_block_seconds: int = strawberry.field(description="Seconds that the network aims at between two blocks.")
    staking_requirement: BigInt = strawberry.field(
        description="Stake that a new node needs, in atomic units, by the rewards contract. Nodes that are already "
        "registered keep the requirement of their time."
    )
    min_operator_contribution: BigInt = strawberry.field(
        description="Least that the operator of a new node must stake, in atomic units: a quarter of the requirement, "
        "rounded up."
    )
    max_contributors: int = strawberry.field(description="Most contributors of one node, the operator included.")
    unlock_duration_seconds: int = strawberry.field(
        description="How long a node stays in service after its exit was requested, in seconds."
    )
    deregistration_lock_duration_seconds: int = strawberry.field(
        description="How long the stake of a deregistered node stays locked, in seconds."
    )
    chain_id: BigInt = strawberry.field(description="Chain id of the L2 that the staking contracts are on.")
    l2_height: BigInt = strawberry.field(description="Block of the L2 that the contracts' data is from.")
    contracts: ContractAddresses = strawberry.field(description="Where the staking contracts are.")
    reward_rate: BigInt | None = strawberry.field(
        description="Rewards of the whole network in atomic units per 120 seconds, whatever its block time; null where "
        "no pool is configured."
    )
    token_supply: BigInt | None = strawberry.field(
        description="Supply of the whole token in atomic units, from the settings; null when it is not known (the L2 "
        "token counts only what was bridged)."
    )
    total_staked: BigInt = strawberry.field(
        description="Sum of the deposits that the rewards contract holds now, in atomic units."
    )
    paused: bool = strawberry.field(
        description="The rewards contract is paused: no registration, exit or balance update goes through."
    )
    claim_limit: ClaimLimit = strawberry.field(description="What all wallets together may still claim in this cycle.")
    node_counts: NodeCounts = strawberry.field(description="How many nodes are in each state.")
