"""Requests for the network's signatures, with whatever goes wrong as part of the answer.

An expected failure is no error of GraphQL's: what stands beside it in a document still answers.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from msgspec import Struct

from sent_graphql.models.signatures import ExitSignature, RequestErrorCode, RequestRefusedError, RewardsClaim
from sent_graphql.resolvers.services import Services, Signatures

T = TypeVar("T")


class RequestError(Struct, frozen=True):
    """Why there is no signature."""

    code: RequestErrorCode
    message: str


class RewardsClaimAnswer(Struct, frozen=True):
    """A claim, or why there is none."""

    claim: RewardsClaim | None
    errors: tuple[RequestError, ...]


class ExitSignatureAnswer(Struct, frozen=True):
    """A signature for an exit or a liquidation, or why there is none."""

    exit: ExitSignature | None
    errors: tuple[RequestError, ...]


_NO_SERVICE: Final = RequestError(
    RequestErrorCode.UPSTREAM_UNAVAILABLE, "This service does not ask for signatures: use another one"
)


async def request_rewards_claim(services: Services, address: str) -> RewardsClaimAnswer:
    """The claim of the wallet at a canonical address."""
    return RewardsClaimAnswer(*await _outcome(services, lambda signatures: signatures.rewards_claim(address)))


async def request_exit(services: Services, pubkey: str) -> ExitSignatureAnswer:
    """The signature for the exit of the node with a canonical Ed25519 key."""
    return ExitSignatureAnswer(*await _outcome(services, lambda signatures: signatures.exit(pubkey)))


async def request_liquidation(services: Services, pubkey: str) -> ExitSignatureAnswer:
    """The signature for the liquidation of the node with a canonical Ed25519 key."""
    return ExitSignatureAnswer(*await _outcome(services, lambda signatures: signatures.liquidation(pubkey)))


async def _outcome(
    services: Services, ask: Callable[[Signatures], Awaitable[T]]
) -> tuple[T | None, tuple[RequestError, ...]]:
    if services.signatures is None:
        return None, (_NO_SERVICE,)
    try:
        return await ask(services.signatures), ()
    except RequestRefusedError as error:
        return None, (RequestError(error.code, error.message),)
