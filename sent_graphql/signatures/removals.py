"""The network's word that a node may be taken off the contract, by its exit or by its liquidation."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from sent_graphql.models.signatures import ExitSignature
from sent_graphql.settings import SignaturesSettings
from sent_graphql.signatures.breaker import Breaker
from sent_graphql.signatures.desk import Desk
from sent_graphql.signatures.inspection import Inspector
from sent_graphql.signatures.refusals import invalid
from sent_graphql.signatures.shelf import Shelf
from sent_graphql.signatures.verification import SignedKind, Statement
from sent_graphql.sources.oxend.calls import OxendRpc
from sent_graphql.sources.oxend.replies import RemovalSignature

CLOCK_LEEWAY: Final = 300
"""Seconds that a timestamp may be ahead of our clock. Nodes sign none that is 180 s away from theirs."""


class _Asked(Struct, frozen=True):
    """One node's exit and its liquidation are two signatures, though oxend itself keeps only the one asked for last."""

    pubkey: str
    liquidate: bool


class _Kept(Struct, frozen=True):
    signature: ExitSignature
    aggregate_pubkey: str


class RemovalSignatures:
    """Exits and liquidations by node. One is kept until it nears its end, or until the contract's nodes change."""

    def __init__(
        self,
        settings: SignaturesSettings,
        rpc: OxendRpc,
        inspector: Inspector,
        *,
        aggregate_pubkey: Callable[[], str | None],
        clock: Callable[[], float],
        time: Callable[[], float],
    ) -> None:
        """`aggregate_pubkey`: the current one, null while unknown. `clock` never goes back, `time` is unix seconds."""
        self._settings = settings
        self._rpc = rpc
        self._inspector = inspector
        self._aggregate_pubkey = aggregate_pubkey
        self._time = time
        self.breaker = Breaker("removal", settings, clock)
        self._desk: Desk[_Asked, RemovalSignature, ExitSignature] = Desk(settings, self.breaker)
        self._shelf: Shelf[_Asked, _Kept] = Shelf(settings.cache_entries, self._is_good)

    async def request(self, pubkey: str, *, liquidate: bool) -> ExitSignature:
        """The signature for the node with this canonical Ed25519 key. Raises RequestRefusedError."""
        asked = _Asked(pubkey, liquidate)
        kept = self._shelf.get(asked)
        if kept is not None:
            return kept.signature
        return await self._desk.request(
            asked,
            ask=lambda: self._rpc.bls_exit_liquidation_request(
                pubkey, liquidate=liquidate, timeout=self._settings.timeout
            ),
            accept=lambda reply: self._accept(asked, reply),
        )

    @property
    def refused(self) -> int:
        """Requests that there was no room for."""
        return self._desk.refused

    async def close(self) -> None:
        """Ends what is under way."""
        await self._desk.close()

    async def _accept(self, asked: _Asked, reply: RemovalSignature) -> ExitSignature:
        if reply.timestamp > self._time() + CLOCK_LEEWAY:
            raise invalid("its timestamp is in the future")
        kind = SignedKind.LIQUIDATION if asked.liquidate else SignedKind.EXIT
        statement = Statement(kind, reply.bls_pubkey, reply.timestamp)
        signers = await self._inspector.approve(reply, statement, pubkey=asked.pubkey)
        ends = reply.timestamp + signers.signature_expiry
        if ends <= self._time():
            raise invalid("it has expired")
        signature = ExitSignature(
            pubkey_bls=reply.bls_pubkey,
            timestamp=reply.timestamp,
            expires_at=datetime.fromtimestamp(ends, UTC),
            message_to_sign=reply.msg_to_sign,
            signature=reply.signature,
            non_signer_ids=reply.non_signer_indices,
            sufficient=len(reply.non_signer_indices) <= signers.non_signer_threshold,
        )
        self._shelf.put(asked, _Kept(signature, signers.aggregate_pubkey))
        return signature

    def _is_good(self, kept: _Kept) -> bool:
        left = kept.signature.expires_at.timestamp() - self._time()
        return left > self._settings.exit_margin and kept.aggregate_pubkey == self._aggregate_pubkey()
