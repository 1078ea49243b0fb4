"""Contract ids of lives that the contract held before anybody looked, as its events tell them."""

from functools import cached_property

from sent_graphql.models.contracts import ContractsView
from sent_graphql.models.oxend import OxendView
from sent_graphql.pollers.lives import SHIFTED_BLOCKS, Lives, held_alias


class ToldIds:
    """The contract ids of lives that oxend has told of and that have left the contract.

    It is the id under which the keys left the contract first after oxend had registered them: they cannot be
    registered again before. Ids that are remembered as another life's are passed over.
    """

    def __init__(self, oxend: OxendView, contracts: ContractsView, lives: Lives) -> None:
        self._oxend = oxend
        self._contracts = contracts
        self._lives = lives

    def of(self, pubkey: str, registration_height: int) -> int | None:
        """The contract id of the life of `pubkey` that oxend confirmed in that block; null where no event tells."""
        registered_at = self._oxend.timestamp_of(registration_height)
        for contract_id in self._exited.get(pubkey, ()):
            if self._contracts.exits[contract_id].timestamp < registered_at:
                continue
            life = self._lives.find([held_alias(pubkey, contract_id)])
            known = life.registration_height if life is not None else None
            if known is None or abs(known - registration_height) <= SHIFTED_BLOCKS:
                return contract_id
        return None

    def is_anothers(self, contract_id: int, pubkey: str) -> bool:
        """Whether a reorganisation of the L2 has given the id to another key."""
        holder = self._contracts.nodes.get(contract_id) or self._contracts.registrations.get(contract_id)
        return holder is not None and holder.pubkey != pubkey

    @cached_property
    def _exited(self) -> dict[str, list[int]]:
        """By Ed25519 key, ascending."""
        exited: dict[str, list[int]] = {}
        for contract_id in sorted(self._contracts.exits):
            registration = self._contracts.registrations.get(contract_id)
            if registration is not None:
                exited.setdefault(registration.pubkey, []).append(contract_id)
        return exited
