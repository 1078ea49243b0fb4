"""Things found again by their global id."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from sent_graphql.models.global_id import InvalidGlobalIdError, global_id, parse_global_id
from sent_graphql.models.history import StakingEvent
from sent_graphql.models.keys import InvalidKeyError, user_address
from sent_graphql.models.network import ContributionContract, Network, ServiceNode
from sent_graphql.models.registrations import Registration
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.models.wallets import Stake, Wallet, stakes_in
from sent_graphql.resolvers.context import RequestContext
from sent_graphql.resolvers.errors import BadUserInputError
from sent_graphql.resolvers.history import find_event
from sent_graphql.resolvers.registrations import find_registration

GlobalNode: TypeAlias = ServiceNode | ContributionContract | Wallet | Stake | Network | StakingEvent | Registration
Found: TypeAlias = GlobalNode | None


def find_node(context: RequestContext, node_id: str) -> Found | Awaitable[Found]:
    """What `node_id` names; null when there is no such thing now. What the database keeps has to be awaited.

    Raises BadUserInputError when it is no id at all, NotReadyError, or DatabaseAwayError.
    """
    try:
        type_name, local_id = parse_global_id(node_id)
    except InvalidGlobalIdError as error:
        raise BadUserInputError(f"`id` is {error}", argument="id") from None
    if node_id != global_id(type_name, local_id) or (
        type_name == "Wallet" and not _is_canonical(local_id, context.options.nettype)
    ):
        raise BadUserInputError("`id` is not spelled as any `id` field of this service has given it", argument="id")
    if type_name in _STORED:
        return _STORED[type_name](context, node_id, local_id)
    find = _FINDERS.get(type_name)
    return None if find is None else find(context.state(), node_id, local_id)


def _is_canonical(address: str, nettype: str) -> bool:
    try:
        return user_address(address, nettype) == address
    except InvalidKeyError:
        return False


def _service_node(state: NetworkState, node_id: str, _local_id: str) -> ServiceNode | None:
    return state.node_by_id.get(node_id)


def _contribution_contract(state: NetworkState, node_id: str, _local_id: str) -> ContributionContract | None:
    by_id = state.derived(
        "contracts by id", lambda: {contract.id: contract for contract in state.contribution_contracts}
    )
    return by_id.get(node_id)


def _wallet(state: NetworkState, _node_id: str, local_id: str) -> Wallet:
    return state.wallet(local_id)


def _stake(state: NetworkState, node_id: str, local_id: str) -> Stake | None:
    """A stake's local id is made of its node's or contract's id and of its wallet's address."""
    holder_id, _, address = local_id.rpartition(":")
    node = state.node_by_id.get(holder_id)
    stakes = stakes_in((node,), address) if node is not None else state.wallet(address).stakes
    return next((stake for stake in stakes if stake.id == node_id), None)


def _network(state: NetworkState, node_id: str, _local_id: str) -> Network | None:
    return state.network if state.network.id == node_id else None


_FINDERS: Final[Mapping[str, Callable[[NetworkState, str, str], Found]]] = {
    "ServiceNode": _service_node,
    "ContributionContract": _contribution_contract,
    "Wallet": _wallet,
    "Stake": _stake,
    "Network": _network,
}

_STORED: Final[Mapping[str, Callable[[RequestContext, str, str], Awaitable[Found]]]] = {
    "StakingEvent": find_event,
    "Registration": find_registration,
}
