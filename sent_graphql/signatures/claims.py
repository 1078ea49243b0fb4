"""The network's word on a wallet's rewards."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from sent_graphql.models.keys import ZERO_ADDRESS, InvalidKeyError, eth_address
from sent_graphql.models.signatures import RequestErrorCode, RequestRefusedError, RewardsClaim
from sent_graphql.settings import SignaturesSettings
from sent_graphql.signatures.breaker import Breaker
from sent_graphql.signatures.desk import Desk
from sent_graphql.signatures.inspection import Inspector
from sent_graphql.signatures.refusals import invalid
from sent_graphql.signatures.shelf import Shelf
from sent_graphql.signatures.verification import SignedKind, Statement
from sent_graphql.sources.oxend.calls import OxendRpc
from sent_graphql.sources.oxend.replies import RewardsSignature

HEIGHT_LEEWAY: Final = 720
"""Blocks that a reply may be away from the top block that is known here: a day of a real network."""


class Top(Struct, frozen=True):
    """oxend's top block as far as it is known here."""

    height: int
    hash: str


class _Kept(Struct, frozen=True):
    claim: RewardsClaim
    top: Top | None
    aggregate_pubkey: str


class RewardsClaims:
    """Claims by wallet. One is kept until the next block, or until the contract's nodes change."""

    def __init__(
        self,
        settings: SignaturesSettings,
        rpc: OxendRpc,
        inspector: Inspector,
        *,
        top: Callable[[], Top | None],
        aggregate_pubkey: Callable[[], str | None],
        clock: Callable[[], float],
    ) -> None:
        """`top` and `aggregate_pubkey`: what is current now; null while unknown. `clock` never goes back."""
        self._settings = settings
        self._rpc = rpc
        self._inspector = inspector
        self._top = top
        self._aggregate_pubkey = aggregate_pubkey
        self.breaker = Breaker("rewards", settings, clock)
        self._desk: Desk[str, RewardsSignature, RewardsClaim] = Desk(settings, self.breaker)
        self._shelf: Shelf[str, _Kept] = Shelf(settings.cache_entries, self._is_good)

    async def request(self, address: str) -> RewardsClaim:
        """The claim of the wallet at a canonical address. Raises RequestRefusedError."""
        if not address.startswith("0x") or address == ZERO_ADDRESS:
            raise RequestRefusedError(
                RequestErrorCode.NO_REWARDS,
                "The contract pays rewards to wallets of the L2 chain alone: ask for the claim of a 0x address that "
                "is not zero",
            )
        kept = self._shelf.get(address)
        if kept is not None:
            return kept.claim
        top = self._top()
        return await self._desk.request(
            address,
            ask=lambda: self._rpc.bls_rewards_request(address, timeout=self._settings.timeout),
            accept=lambda reply: self._accept(address, reply, top),
        )

    @property
    def refused(self) -> int:
        """Requests that there was no room for."""
        return self._desk.refused

    async def close(self) -> None:
        """Ends what is under way."""
        await self._desk.close()

    async def _accept(self, address: str, reply: RewardsSignature, top: Top | None) -> RewardsClaim:
        if _canonical(reply.address) != address:
            raise invalid("it is for another wallet")
        if reply.amount == 0:
            raise invalid("it is over no rewards")
        if top is not None and abs(reply.height - top.height) > HEIGHT_LEEWAY:
            raise invalid(f"it is of height {reply.height}, far from the top block")
        signers = await self._inspector.approve(reply, Statement(SignedKind.REWARD, address, reply.amount))
        claim = RewardsClaim(
            address=address,
            amount=reply.amount,
            height=reply.height,
            message_to_sign=reply.msg_to_sign,
            signature=reply.signature,
            non_signer_ids=reply.non_signer_indices,
            sufficient=len(reply.non_signer_indices) <= signers.non_signer_threshold,
        )
        self._shelf.put(address, _Kept(claim, top, signers.aggregate_pubkey))
        return claim

    def _is_good(self, kept: _Kept) -> bool:
        return kept.top is not None and kept.top == self._top() and kept.aggregate_pubkey == self._aggregate_pubkey()


def _canonical(address: str) -> str | None:
    try:
        return eth_address(address)
    except InvalidKeyError:
        return None
