"""Stakes as their wallets see them: one for each staker of a node or of a contract that gathers a stake."""

from collections.abc import Iterable

from msgspec import structs

from sent_graphql.models.contracts import ContributionStatus
from sent_graphql.models.global_id import global_id
from sent_graphql.models.network import ContributionContract, Contributor, ServiceNode, ServiceNodeState, Stake


def present_stakes(
    address: str, nodes: Iterable[ServiceNode], contracts: Iterable[ContributionContract]
) -> tuple[Stake, ...]:
    """The wallet's present stakes in these: in nodes that still hold the money, then in contracts that gather it."""
    held = (stake_in(node, address) for node in nodes if node.state is not ServiceNodeState.EXITED)
    gathered = (
        _in_contract(contributor, contract)
        for contract in contracts
        if contract.status is not ContributionStatus.FINALIZED
        for contributor in _once_each(contract.contributors)
        if contributor.address == address
    )
    return (*(stake for stake in held if stake is not None), *gathered)


def stake_in(node: ServiceNode, address: str) -> Stake | None:
    """The stake that the wallet has, or had, in the node."""
    own = [contributor for contributor in node.contributors if contributor.address == address]
    if not own:
        return None
    (contributor,) = own if len(own) == 1 else _once_each(own)
    return _in_node(contributor, node)


def _once_each(contributors: Iterable[Contributor]) -> Iterable[Contributor]:
    """Contributors by address: who is listed twice has one stake, of both amounts."""
    once: dict[str, Contributor] = {}
    for contributor in contributors:
        known = once.get(contributor.address)
        amount = contributor.amount + (known.amount if known is not None else 0)
        once[contributor.address] = contributor if known is None else structs.replace(known, amount=amount)
    return once.values()


def _in_node(contributor: Contributor, node: ServiceNode) -> Stake:
    return Stake(
        id=_stake_id(node.id, contributor),
        address=contributor.address,
        beneficiary=contributor.beneficiary,
        amount=contributor.amount,
        is_operator=contributor.is_operator,
        exited=node.state is ServiceNodeState.EXITED,
        state=node.state,
        service_node_id=node.id,
        contribution_contract_address=None,
    )


def _in_contract(contributor: Contributor, contract: ContributionContract) -> Stake:
    return Stake(
        id=_stake_id(contract.id, contributor),
        address=contributor.address,
        beneficiary=contributor.beneficiary,
        amount=contributor.amount,
        is_operator=contributor.is_operator,
        exited=False,
        state=None,
        service_node_id=None,
        contribution_contract_address=contract.address,
    )


def _stake_id(holder_id: str, contributor: Contributor) -> str:
    return global_id("Stake", f"{holder_id}:{contributor.address}")
