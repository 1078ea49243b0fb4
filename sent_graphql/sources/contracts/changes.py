"""What the logs since the last view say must be read again."""

from msgspec import Struct, field

from sent_graphql.models.contracts import ContractAddresses, ContractsView
from sent_graphql.models.history import StakingEventKind
from sent_graphql.sources.contracts.facts import WALLET_KINDS
from sent_graphql.sources.contracts.logs import Log
from sent_graphql.sources.contracts.staking_events import DecodedLog, decode_logs


class Changes(Struct):
    """What a range of logs says has changed."""

    decoded: list[DecodedLog] = field(default_factory=list)
    """The logs that are history, in the order of the chain."""
    node_ids: set[int] = field(default_factory=set)
    """Nodes that are held and must be read again."""
    exited_ids: set[int] = field(default_factory=set)
    """Nodes that have left."""
    wallets: set[str] = field(default_factory=set)
    """Wallets whose `recipients` must be read again."""
    contracts: set[str] = field(default_factory=set)
    """Contribution contracts that must be read again."""
    created: dict[str, int] = field(default_factory=dict)
    """Contribution contracts that were made, in that order, each with its block."""

    def untold(self, before: ContractsView, after: ContractsView) -> list[str]:
        """The nodes and wallets that are not what they were, though these changes do not name them."""
        nodes = (
            f"node {contract_id}"
            for contract_id, node in after.nodes.items()
            if contract_id not in self.node_ids and before.nodes.get(contract_id, node) != node
        )
        wallets = (
            address
            for address, recipient in after.recipients.items()
            if address not in self.wallets and before.recipients.get(address, recipient) != recipient
        )
        return [*nodes, *wallets]


def read_changes(logs: list[Log], addresses: ContractAddresses) -> Changes:
    """What `logs` of our contracts and of contribution contracts say has changed."""
    ours = (addresses.service_node_rewards, addresses.contribution_factory, addresses.reward_rate_pool)
    changes = Changes(
        decoded=decode_logs(logs, addresses), contracts={log.address for log in logs if log.address not in ours}
    )
    for log in changes.decoded:
        if log.kind is StakingEventKind.SERVICE_NODE_EXIT_REQUEST and log.contract_id is not None:
            changes.node_ids.add(log.contract_id)
        elif log.kind is StakingEventKind.SERVICE_NODE_EXIT and log.contract_id is not None:
            changes.exited_ids.add(log.contract_id)
        elif log.kind in WALLET_KINDS and log.wallet is not None:
            changes.wallets.add(log.wallet)
        elif log.kind is StakingEventKind.NEW_CONTRIBUTION_CONTRACT and log.contribution_contract is not None:
            changes.created[log.contribution_contract] = log.log.block
    return changes
