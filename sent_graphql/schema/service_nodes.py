"""A service node and the people who staked in it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from sent_graphql.models import network as models
from sent_graphql.models import wallets
from sent_graphql.models.parts import WALLETS, Part
from sent_graphql.schema.enums import DecommissionReason, ExitKind, ServiceNodeState, SourceName
from sent_graphql.schema.fields import Info, looked_up, sized
from sent_graphql.schema.interfaces import Node
from sent_graphql.schema.scalars import Address, BigInt, BlsPublicKey, Ed25519PublicKey, EthHash, HexBytes

if TYPE_CHECKING:
    from sent_graphql.schema.contribution_contracts import ContributionContract
    from sent_graphql.schema.wallets import Wallet


def _contributor_wallet(root: strawberry.Parent[models.Contributor], info: Info) -> wallets.Wallet:
    return info.context.state().wallet(root.address)


def _registering_contract(
    root: strawberry.Parent[models.ServiceNode], info: Info
) -> models.ContributionContract | None:
    address = root.contribution_contract_address
    return None if address is None else info.context.state().contract_by_address.get(address)


@strawberry.type(description="One stake in a service node or in a contribution contract, and whose it is.")
class Contributor:
    """Shows models.network.Contributor."""

    address: Address = strawberry.field(description="Who staked, and to whom the stake is returned.")
    beneficiary: Address = strawberry.field(
        description="Who gets the rewards of this stake; the staker, unless another one was named."
    )
    amount: BigInt = strawberry.field(description="The stake in atomic units.")
    reserved: BigInt = strawberry.field(
        description="What was reserved for this contributor, in atomic units; equals `amount` where nothing else was."
    )
    is_operator: bool = strawberry.field(description="This contributor operates the node.")
    leave_allowed_at: datetime | None = strawberry.field(
        description="In a node: from when this contributor may request its exit; whoever holds less than a quarter has "
        "to wait 30 days from the registration. Null when it may be requested at any time, and in "
        "contribution contracts."
    )
    withdrawable_at: datetime | None = strawberry.field(
        description="In a contribution contract that is not finalized: from when this contribution may be withdrawn, "
        "24 hours after the contributor's last one. Null when that is not known, for the operator, whose withdrawal "
        "resets the contract at any time, and in nodes."
    )
    wallet: Annotated["Wallet", strawberry.lazy("sent_graphql.schema.wallets")] = looked_up(
        _contributor_wallet,
        description="The staker's wallet: all its stakes and its rewards.",
        reads=WALLETS,
        key="address",
    )


@strawberry.type(
    description="How a service node ended: when oxend dropped it, and the transaction that took it off the rewards "
    "contract. What no source tells is null."
)
class ServiceNodeExit:
    """Shows models.network.ServiceNodeExit."""

    kind: ExitKind = strawberry.field(description="What ended it.")
    height: int | None = strawberry.field(
        description="Oxen block in which it left; null when it was gone before this service saw it leave."
    )
    block_number: BigInt | None = strawberry.field(
        description="L2 block in which the rewards contract let it go; null when it was never on the contract, and "
        "until the scan of past events has reached that block."
    )
    at: datetime | None = strawberry.field(description="Time of that L2 block; null when that is.")
    returned_amount: BigInt | None = strawberry.field(
        description="What goes back to its stakers, in atomic units: its stake less any penalty. Null when "
        "`blockNumber` is."
    )
    transaction_hash: EthHash | None = strawberry.field(
        description="The L2 transaction that took it off the contract; null when `blockNumber` is."
    )


@strawberry.type(
    description="One life of a service node, from registration to exit. The same keys registered again are another "
    "node with another id. A node that has left (state EXITED) lives on as it was last seen; of one that came and went "
    "unseen there is what the contract's events tell, and what only oxend knew is null."
)
class ServiceNode(Node):
    """Shows models.network.ServiceNode."""

    model = models.ServiceNode

    contract_id: int | None = strawberry.field(
        description="Its number in the rewards contract, kept after it has left; null when the contract never held it, "
        "and for a node that has left until the scan of past events has reached its exit."
    )
    pubkey: Ed25519PublicKey = strawberry.field(description="The Ed25519 key by which the Oxen network knows it.")
    pubkey_bls: BlsPublicKey | None = strawberry.field(
        description="The BLS key by which the contracts know it; null for nodes that registered before there was one."
    )
    state: ServiceNodeState = strawberry.field(description="Where it is in its life.")
    leaving: bool = strawberry.field(
        description="Its exit was requested: on the contract, or already confirmed by oxend (which stays true once it "
        "has left)."
    )
    operator: Address = strawberry.field(description="Who operates it.")
    operator_fee: int | None = strawberry.field(
        description="The operator's share of the rewards before the rest is split by stake, in hundredths of a percent "
        "from 0 to 10000; null while no source has told it."
    )
    contributors: list[Contributor] = strawberry.field(
        description="Everyone who staked in it, the operator first; still so after it has left.",
        metadata=sized(10),
    )
    staking_requirement: BigInt = strawberry.field(
        description="Stake that it had to bring when it was registered, in atomic units."
    )
    total_contributed: BigInt = strawberry.field(description="Sum of its contributors' stakes in atomic units.")
    registration_height: int | None = strawberry.field(
        description="Oxen block in which oxend registered it; null until then."
    )
    requested_unlock_height: int | None = strawberry.field(
        description="Oxen block after which it leaves; null when no exit was requested or oxend has not confirmed it "
        "yet."
    )
    requested_unlock_at: datetime | None = strawberry.field(
        description="About when it leaves, reckoned from `requestedUnlockHeight` and the block time to the minute; "
        "null when that is."
    )
    deregistration_unlock_height: int | None = strawberry.field(
        description="For a node that was deregistered, the Oxen block from which its stake is unlocked; null otherwise."
    )
    liquidation_height: int | None = strawberry.field(
        description="For a node that oxend has dropped, the Oxen block from which anyone may liquidate it for a "
        "reward, as long as the contract holds it; null otherwise."
    )
    liquidatable: bool = strawberry.field(
        description="It waits to be removed and `liquidationHeight` has been reached: anyone may liquidate it now."
    )
    last_reward_block_height: int | None = strawberry.field(
        description="Oxen block in which its turn for rewards last came; null where oxend does not know it."
    )
    last_uptime_proof: datetime | None = strawberry.field(
        description="When it last proved that it is up; null when oxend has no proof."
    )
    earned_downtime_blocks: int | None = strawberry.field(
        description="How many blocks it may be decommissioned before it is deregistered, earned by good service; "
        "while it is decommissioned the number falls. As it was last after it has left; null where oxend never knew "
        "the node."
    )
    decommission_count: int | None = strawberry.field(
        description="How often it has been decommissioned since it was registered; null where oxend does not know it."
    )
    decommission_reasons: list[DecommissionReason] = strawberry.field(
        description="Why it is decommissioned now; empty when it is not."
    )
    last_decommission_reasons: list[DecommissionReason] = strawberry.field(
        description="Why it was decommissioned the last time, kept after it has come back; empty when it never was."
    )
    state_height: int | None = strawberry.field(
        description="Oxen block since which it is in or out of service; null where oxend does not know it."
    )
    payable: bool | None = strawberry.field(
        description="It takes part in the rewards of coming blocks; null where oxend does not know it."
    )
    swarm_id: HexBytes | None = strawberry.field(
        description="The storage swarm that it serves, as 16 hex digits; null when it is in none."
    )
    service_node_version: str | None = strawberry.field(
        description="Version of its oxend as in its last proof, such as 11.0.6; null without a proof."
    )
    storage_server_version: str | None = strawberry.field(
        description="Version of its storage server as in its last proof; null without a proof."
    )
    lokinet_version: str | None = strawberry.field(
        description="Version of its Lokinet router as in its last proof; null without a proof."
    )
    public_ip: str | None = strawberry.field(
        description="IPv4 address that it announces in its proofs; null without a proof."
    )
    added_at: datetime | None = strawberry.field(
        description="When the rewards contract added it; null when that is not known."
    )
    leave_requested_at: datetime | None = strawberry.field(
        description="When its exit was requested on the rewards contract; null when it was not."
    )
    contribution_contract: (
        Annotated["ContributionContract", strawberry.lazy("sent_graphql.schema.contribution_contracts")] | None
    ) = looked_up(
        _registering_contract,
        description="The contribution contract that registered it; null when none did, and until the scan of past "
        "events has reached its registration.",
        reads=Part.CONTRIBUTION_CONTRACTS,
    )
    exit: ServiceNodeExit | None = strawberry.field(description="How it ended; null while its state is not EXITED.")
    known_to: list[SourceName] = strawberry.field(
        description="Which sides know it now: OXEND, CONTRACTS or both. A node that one alone knows is on its way in "
        "or out, or in dispute; one that has left both is known from history alone, and the list is empty."
    )
