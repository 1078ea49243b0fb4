"""Wallets' `recipients`: read when a wallet is discovered, and again when events name it."""

from collections.abc import Collection

from sent_graphql.models.contracts import Recipient
from sent_graphql.models.keys import ZERO_ADDRESS
from sent_graphql.sources.contracts import decoding
from sent_graphql.sources.contracts.abi import View
from sent_graphql.sources.contracts.block_batch import BlockBatch, Slot


class RecipientReads:
    """The reads of one refresh, spread over its batches."""

    def __init__(self, rewards: str, known: dict[str, Recipient]) -> None:
        self._rewards = rewards
        self._known = known
        self._slots: dict[str, Slot[Recipient]] = {}

    def add(self, batch: BlockBatch, wallets: Collection[str], changed: Collection[str] = ()) -> None:
        """Add those of `wallets` that are new, and all that `changed`."""
        wanted = (set(wallets) - self._known.keys()) | set(changed)
        wanted.discard(ZERO_ADDRESS)
        for wallet in sorted(wanted - self._slots.keys()):
            self._slots[wallet] = batch.call(self._rewards, View.RECIPIENTS, decoding.recipient, wallet)

    def recipients(self) -> dict[str, Recipient]:
        """Every wallet known, by address: the same object where none was read."""
        if not self._slots:
            return self._known
        return self._known | {wallet: slot.value for wallet, slot in self._slots.items()}
