"""Everything that gives aggregate signatures, as one part of the service."""

import time
from collections.abc import Callable

from sent_graphql.models.signatures import ExitSignature, RewardsClaim, SignerSet
from sent_graphql.settings import SignaturesSettings
from sent_graphql.signatures.breaker import Breaker
from sent_graphql.signatures.claims import RewardsClaims, Top
from sent_graphql.signatures.inspection import Inspector, LatestSigners, Workers
from sent_graphql.signatures.removals import RemovalSignatures
from sent_graphql.signatures.verification import Domain
from sent_graphql.sources.oxend.calls import OxendRpc


class SignatureService:
    """Claims, exits and liquidations.

    Each request that is not answered from what is kept reaches oxend, where every active node is asked to sign, and
    costs a check of half a second here. Bounds hold for all clients together; a bound per client belongs in front of
    the three methods, where the client is known.
    """

    def __init__(
        self,
        settings: SignaturesSettings,
        domain: Domain,
        *,
        rpc: OxendRpc,
        top: Callable[[], Top | None],
        known_signers: Callable[[], SignerSet | None],
        latest_signers: LatestSigners,
        workers: Workers,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`top` and `known_signers` are of the newest views, null before the first.

        `clock` never goes back, `now` is unix seconds.
        """
        self._known_signers = known_signers
        inspector = Inspector(
            domain,
            known_signers=known_signers,
            latest_signers=latest_signers,
            workers=workers,
            timeout=settings.timeout,
        )
        self._claims = RewardsClaims(
            settings, rpc, inspector, top=top, aggregate_pubkey=self._aggregate_pubkey, clock=clock
        )
        self._removals = RemovalSignatures(
            settings, rpc, inspector, aggregate_pubkey=self._aggregate_pubkey, clock=clock, time=now
        )

    @property
    def breakers(self) -> tuple[Breaker, ...]:
        """What leaves oxend alone when it does not answer, one for each kind of request."""
        return (self._claims.breaker, self._removals.breaker)

    @property
    def refused(self) -> int:
        """Requests that there was no room for."""
        return self._claims.refused + self._removals.refused

    async def rewards_claim(self, address: str) -> RewardsClaim:
        """The network's word on the lifetime rewards of a canonical address. Raises RequestRefusedError."""
        return await self._claims.request(address)

    async def exit(self, pubkey: str) -> ExitSignature:
        """The network's word that the node of a canonical Ed25519 key may exit. Raises RequestRefusedError."""
        return await self._removals.request(pubkey, liquidate=False)

    async def liquidation(self, pubkey: str) -> ExitSignature:
        """The network's word that the node may be liquidated. Raises RequestRefusedError."""
        return await self._removals.request(pubkey, liquidate=True)

    async def close(self) -> None:
        """Ends what is under way."""
        await self._claims.close()
        await self._removals.close()

    def _aggregate_pubkey(self) -> str | None:
        signers = self._known_signers()
        return None if signers is None else signers.aggregate_pubkey
