"""The configured addresses in canonical form."""

from sent_graphql.models.contracts import ContractAddresses
from sent_graphql.models.keys import eth_address
from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.errors import SourceMisconfiguredError


def contract_addresses(settings: ContractsSettings) -> ContractAddresses:
    """Where the contracts are; raises SourceMisconfiguredError without a rewards contract, which is required."""
    if settings.service_node_rewards is None:
        raise SourceMisconfiguredError("contracts.service_node_rewards is not set: the rewards contract is required")
    return ContractAddresses(
        service_node_rewards=eth_address(settings.service_node_rewards),
        contribution_factory=_canonical(settings.contribution_factory),
        reward_rate_pool=_canonical(settings.reward_rate_pool),
        token=_canonical(settings.token),
    )


def event_sources(addresses: ContractAddresses) -> list[str]:
    """The contracts whose events are followed, besides the contribution contracts that they tell of."""
    wanted = (addresses.service_node_rewards, addresses.contribution_factory, addresses.reward_rate_pool)
    return [address for address in wanted if address is not None]


def _canonical(address: str | None) -> str | None:
    return None if address is None else eth_address(address)
