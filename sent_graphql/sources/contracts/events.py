"""What past events tell that no view of the contracts does, each with the block that tells it."""

from msgspec import Struct

from sent_graphql.models.contracts import NodeRegistration


class Registered(Struct, frozen=True, tag=True):
    """NewServiceNodeV2. `initiator` is who called: in the newer generation the contribution contract, if one did."""

    registration: NodeRegistration
    initiator: str
    transaction: str

    @property
    def block(self) -> int:
        """Block of the event."""
        return self.registration.block_number


class Exited(Struct, frozen=True, tag=True):
    """ServiceNodeExit: the node is no longer held."""

    block: int
    contract_id: int


class WalletCredited(Struct, frozen=True, tag=True):
    """RewardsBalanceUpdated or RewardsClaimed: the wallet has rewards on chain."""

    block: int
    wallet: str


class ContractCreated(Struct, frozen=True, tag=True):
    """NewServiceNodeContributionContract of either generation. `index`: of the log in its block, for the order."""

    block: int
    index: int
    address: str


class Finalized(Struct, frozen=True, tag=True):
    """Finalized of a contribution contract, either generation; the registration is in the same transaction."""

    block: int
    address: str
    transaction: str


PastEvent = Registered | Exited | WalletCredited | ContractCreated | Finalized
