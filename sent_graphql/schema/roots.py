"""What questions and subscriptions have in common: where their fields begin."""

from typing import Annotated

import strawberry

from sent_graphql.models import network as models
from sent_graphql.models import wallets
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.schema.fields import Info
from sent_graphql.schema.inputs import ServiceNodeLookup, given
from sent_graphql.schema.scalars import Address


def meta(info: Info) -> Snapshot:
    """The snapshot that answers."""
    return info.context.snapshot


def network(info: Info) -> models.Network:
    """The network of that snapshot."""
    return info.context.state().network


def service_node(
    info: Info, by: Annotated[ServiceNodeLookup, strawberry.argument(description="Which node.")]
) -> models.ServiceNode | None:
    """The one node that is looked up."""
    state = info.context.state()
    pubkey, pubkey_bls, contract_id = given(by.pubkey), given(by.pubkey_bls), given(by.contract_id)
    if pubkey is not None:
        return state.node_by_pubkey.get(pubkey)
    if pubkey_bls is not None:
        return state.node_by_bls.get(pubkey_bls)
    return None if contract_id is None else state.node_by_contract_id.get(contract_id)


def wallet(
    info: Info, address: Annotated[Address, strawberry.argument(description="Address of the wallet.")]
) -> wallets.Wallet:
    """What one address has."""
    return info.context.state().wallet(address)
