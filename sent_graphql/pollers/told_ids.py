"""Contract ids of lives that the contract held before anybody looked, as its events tell them."""

from functools import cached_property

from sent_graphql.models.contracts import ContractsView
from sent_graphql.models.oxend import OxendView
from sent_graphql.pollers.lives import Lives, held_alias


class ToldIds:
    """The contract ids of lives that oxend has told of and that have left the contract.

    It is the id under which the keys left the contract last, unless that was before oxend registered this life, or
    the id is remembered as another life's.
    """

    def __init__(self, oxend: OxendView, contracts: ContractsView, lives: Lives) -> None:
        self._oxend = oxend
        self._contracts = contracts
        self._lives = lives

    def of(self, pubkey: str, registration_height: int) -> int | None:
        """The contract id of the life of `pubkey` that oxend confirmed in that block; null where no event tells."""
        contract_id = self._last_exits.get(pubkey)
        if contract_id is None:
            return None
        if self._contracts.exits[contract_id].timestamp < self._oxend.timestamp_of(registration_height):
            return None
        life = self._lives.find([held_alias(pubkey, contract_id)])
        if life is not None and life.registration_height not in (None, registration_height):
            return None
        return contract_id

    @cached_property
    def _last_exits(self) -> dict[str, int]:
        registrations = self._contracts.registrations
        return {
            registrations[contract_id].pubkey: contract_id
            for contract_id in sorted(self._contracts.exits)
            if contract_id in registrations
        }
