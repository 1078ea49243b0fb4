"""The network's signatures, which claims, exits and liquidations need: what is given, and why it was not."""

from datetime import datetime
from typing import Annotated

import strawberry

from sent_graphql.resolvers import signatures as resolvers
from sent_graphql.resolvers.signatures import ExitSignatureAnswer, RewardsClaimAnswer
from sent_graphql.schema.enums import RequestErrorCode
from sent_graphql.schema.fields import Effort, Info, looked_up, sized
from sent_graphql.schema.scalars import Address, BigInt, BlsPublicKey, Ed25519PublicKey, HexBytes

_MESSAGE = "The message that was signed, as the contract puts it together from the other fields."
_SIGNATURE = (
    "The aggregate signature, 128 bytes: the contract's `sigs0` to `sigs3` are its four parts of 64 hex digits each."
)
_NON_SIGNERS = "Contract ids of the registered nodes that did not sign: the contract's argument `ids`, as they are."
_SUFFICIENT = (
    "Enough nodes signed: no more abstained than the contract allows. If false, the contract will refuse the "
    "transaction; ask again later."
)
_ERRORS = "Why there is none; empty where there is one."


@strawberry.type(description="Why a request for the network's signature brought none.")
class RequestError:
    """Shows resolvers.signatures.RequestError."""

    code: RequestErrorCode = strawberry.field(description="The kind of failure.")
    message: str = strawberry.field(description="What is wrong and what to do about it.")


@strawberry.type(
    description="The network's word on what a wallet has earned: the arguments of the rewards contract's "
    "`updateRewardsBalance(address, amount, signature, nonSignerIds)`. Once that is sent, by anybody, the wallet can "
    "claim."
)
class RewardsClaim:
    """Shows models.signatures.RewardsClaim."""

    address: Address = strawberry.field(description="The wallet.")
    amount: BigInt = strawberry.field(
        description="All that the wallet has ever earned, in atomic units; what was claimed already is part of it."
    )
    height: int = strawberry.field(description="Oxen block up to which rewards are counted.")
    message_to_sign: HexBytes = strawberry.field(description=_MESSAGE)
    signature: HexBytes = strawberry.field(description=_SIGNATURE)
    non_signer_ids: list[int] = strawberry.field(description=_NON_SIGNERS)
    sufficient: bool = strawberry.field(description=_SUFFICIENT)


@strawberry.type(
    description="The network's word that a node may be removed: the arguments of the rewards contract's "
    "`exitBLSPublicKeyWithSignature` or `liquidateBLSPublicKeyWithSignature`, each `(pubkeyBls, timestamp, signature, "
    "nonSignerIds)`. One for an exit does not serve for a liquidation, nor the other way round."
)
class ExitSignature:
    """Shows models.signatures.ExitSignature."""

    pubkey_bls: BlsPublicKey = strawberry.field(description="BLS key of the node: two words of 64 hex digits, X and Y.")
    timestamp: BigInt = strawberry.field(
        description="When it was signed: the very number of unix seconds that is part of the message and that the "
        "transaction needs."
    )
    expires_at: datetime = strawberry.field(
        description="When the contract stops accepting it: the transaction has to be in a block before."
    )
    message_to_sign: HexBytes = strawberry.field(description=_MESSAGE)
    signature: HexBytes = strawberry.field(description=_SIGNATURE)
    non_signer_ids: list[int] = strawberry.field(description=_NON_SIGNERS)
    sufficient: bool = strawberry.field(description=_SUFFICIENT)


@strawberry.type(description="What `requestRewardsClaim` gives: a claim, or the reasons why there is none.")
class RewardsClaimPayload:
    """Shows resolvers.signatures.RewardsClaimAnswer."""

    claim: RewardsClaim | None = strawberry.field(description="The claim; null when there is none.")
    errors: list[RequestError] = strawberry.field(description=_ERRORS, metadata=sized(1))


@strawberry.type(
    description="What `requestExit` and `requestLiquidation` give: a signature, or the reasons why there is none."
)
class ExitSignaturePayload:
    """Shows resolvers.signatures.ExitSignatureAnswer."""

    exit: ExitSignature | None = strawberry.field(description="The signature; null when there is none.")
    errors: list[RequestError] = strawberry.field(description=_ERRORS, metadata=sized(1))


async def _request_rewards_claim(
    info: Info, address: Annotated[Address, strawberry.argument(description="The wallet, a 0x address.")]
) -> RewardsClaimAnswer:
    return await resolvers.request_rewards_claim(info.context.services, address)


async def _request_exit(
    info: Info, pubkey: Annotated[Ed25519PublicKey, strawberry.argument(description="Which node.")]
) -> ExitSignatureAnswer:
    return await resolvers.request_exit(info.context.services, pubkey)


async def _request_liquidation(
    info: Info, pubkey: Annotated[Ed25519PublicKey, strawberry.argument(description="Which node.")]
) -> ExitSignatureAnswer:
    return await resolvers.request_liquidation(info.context.services, pubkey)


@strawberry.type
class SignatureMutations:
    """The fields of Mutation that ask the network to sign."""

    request_rewards_claim: RewardsClaimPayload = looked_up(
        _request_rewards_claim,
        description="Asks the network to sign what a wallet has earned in its lifetime, so that it can be credited on "
        "the contract and claimed. Nothing changes by asking; the answer may take half a minute, and is the same until "
        "the next Oxen block.",
        effort=Effort.DEAR,
    )
    request_exit: ExitSignaturePayload = looked_up(
        _request_exit,
        description="Asks the network to sign that a node has left, so that it can be taken off the contract and its "
        "stake returned. For the nodes of `exitList`.",
        effort=Effort.DEAR,
    )
    request_liquidation: ExitSignaturePayload = looked_up(
        _request_liquidation,
        description="Asks the network to sign that a node may be liquidated: taken off the contract, with a small part "
        "of the operator's stake for whoever sends the transaction. For nodes that are `liquidatable`.",
        effort=Effort.DEAR,
    )
