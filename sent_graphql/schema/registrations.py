"""Operators' signed keys: what is kept of them, and how they are taken in."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import UNSET

from sent_graphql.models import proofs
from sent_graphql.models import registrations as models
from sent_graphql.resolvers import registrations as resolvers
from sent_graphql.resolvers.keyset import KeysetPage
from sent_graphql.schema.connections import PageInfo
from sent_graphql.schema.enums import ProofJudge, RegistrationKind
from sent_graphql.schema.fields import Effort, Info, looked_up, sized
from sent_graphql.schema.inputs import given
from sent_graphql.schema.interfaces import Node
from sent_graphql.schema.paging import After, Before, First, Last, page_arguments
from sent_graphql.schema.registration_errors import RegistrationError
from sent_graphql.schema.scalars import Address, BlsPublicKey, Ed25519PublicKey, HexBytes


@strawberry.type(
    description="An operator's signed keys, kept so that a front end can send them to a contract later. Both "
    "signatures were verified when it was stored. The operator itself has signed nothing: whoever holds a node's keys "
    "may name any operator."
)
class Registration(Node):
    """Shows models.registrations.Registration."""

    model = models.Registration

    kind: RegistrationKind = strawberry.field(description="What it was made for.")
    pubkey: Ed25519PublicKey = strawberry.field(description="The node's Ed25519 key.")
    pubkey_bls: BlsPublicKey = strawberry.field(description="The node's BLS key.")
    sig_ed25519: HexBytes = strawberry.field(
        description="Signature of `pubkey` over the bytes of `pubkey` and `pubkeyBls`, 64 bytes: the contract takes "
        "its halves as `serviceNodeSignature1` and `serviceNodeSignature2`."
    )
    sig_bls: HexBytes = strawberry.field(
        description="Proof of possession of `pubkeyBls` for this operator on this network, 128 bytes: the contract's "
        "`sigs0` to `sigs3` are its four parts of 64 hex digits each."
    )
    operator: Address = strawberry.field(description="The operator that the proof names.")
    contract: Address | None = strawberry.field(
        description="The contribution contract that it was made for, which no signature covers; null for a solo node."
    )
    stored_at: datetime = strawberry.field(description="When it was stored, in place of an older one if there was one.")


@strawberry.type(description="A registration in a page, with its cursor.")
class RegistrationEdge:
    """Shows resolvers.paging.Edge."""

    cursor: str = strawberry.field(description="Its place in the order; valid in later requests.")
    node: Registration = strawberry.field(description="The registration.")


@strawberry.type(description="A page of registrations, newest first.")
class RegistrationConnection:
    """Shows resolvers.keyset.KeysetPage."""

    edges: list[RegistrationEdge] = strawberry.field(description="The page's registrations with their cursors.")
    nodes: list[Registration] = strawberry.field(description="The page's registrations without cursors.")
    page_info: PageInfo = strawberry.field(description="Whether there are more pages, and how to get to them.")


@strawberry.input(one_of=True, description="Whose registrations: exactly one of a node's key and an operator.")
class RegistrationLookup:
    """Exactly one part is present."""

    pubkey: Ed25519PublicKey | None = strawberry.field(default=UNSET, description="The node's Ed25519 key.")
    operator: Address | None = strawberry.field(default=UNSET, description="The operator that they name.")


async def registrations(
    info: Info,
    by: Annotated[RegistrationLookup, strawberry.argument(description="Whose registrations.")],
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> KeysetPage[models.Registration]:
    """The registrations of a page."""
    arguments = page_arguments(first, after, last, before)
    pubkey, operator = given(by.pubkey), given(by.operator)
    if pubkey is not None:
        return await resolvers.registrations_of_pubkey(info.context, pubkey, arguments)
    assert operator is not None, "exactly one is given"
    return await resolvers.registrations_of_operator(info.context, operator, arguments)


@strawberry.input(
    description="An operator's signed keys. All are strings, so that a bad value is told in `errors` beside the "
    "others. Keys and signatures are hex digits in any case, with or without 0x."
)
class StoreRegistrationInput:
    """Becomes models.proofs.RegistrationTexts."""

    pubkey: str = strawberry.field(description="The node's Ed25519 key: 64 hex digits.")
    pubkey_bls: str = strawberry.field(description="The node's BLS key: 128 hex digits.")
    sig_ed25519: str = strawberry.field(
        description="Ed25519 signature of `pubkey` over the bytes of `pubkey` and `pubkeyBls`: 128 hex digits."
    )
    sig_bls: str = strawberry.field(
        description="BLS proof of possession of `pubkeyBls` for `operator`, `pubkey` and this network's rewards "
        "contract: `sigs0` to `sigs3`, 256 hex digits."
    )
    operator: str = strawberry.field(
        description="The operator's address on the L2 chain; in mixed case it must have the right checksum."
    )
    contract: str | None = strawberry.field(
        default=UNSET, description="The contribution contract that it is for; left out for a solo node."
    )

    def texts(self) -> proofs.RegistrationTexts:
        """What was typed, unread."""
        return proofs.RegistrationTexts(
            pubkey=self.pubkey,
            pubkey_bls=self.pubkey_bls,
            sig_ed25519=self.sig_ed25519,
            sig_bls=self.sig_bls,
            operator=self.operator,
            contract=given(self.contract),
        )


@strawberry.type(
    description="What `storeRegistration` gives: the registration as it is kept, or what is wrong with it."
)
class StoreRegistrationPayload:
    """Shows models.proofs.StoredRegistration."""

    registration: Registration | None = strawberry.field(
        description="The registration as it is kept; null when it was refused."
    )
    errors: list[RegistrationError] = strawberry.field(
        description="All that is wrong with it, in the order of the input's fields; empty when it is kept.",
        metadata=sized(5),
    )
    judged_by: list[ProofJudge] = strawberry.field(
        description="Who checked the BLS proof. The contract's refusal is final; what it accepts is checked by this "
        "service too, and what it could not be asked by this service alone. Empty when a value could not be read."
    )


async def _store_registration(
    info: Info,
    input: Annotated[StoreRegistrationInput, strawberry.argument(description="The signed keys.")],  # noqa: A002
) -> proofs.StoredRegistration:
    return await resolvers.store_registration(info.context.services, input.texts())


@strawberry.type
class RegistrationMutations:
    """The fields of Mutation that take registrations in."""

    store_registration: StoreRegistrationPayload = looked_up(
        _store_registration,
        description="Stores a node's signed keys, in place of those stored before for the same key and kind. Refused "
        "unless the Ed25519 and the BLS signature both verify. Fails with the code OVERLOADED when too many are being "
        "checked (`retryAfter` in seconds), and with DATABASE_UNAVAILABLE when nothing can be stored.",
        effort=Effort.DEAR,
    )
