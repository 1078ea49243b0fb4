"""Registrations taken in, found again, or only looked at; what is wrong with them is part of the answer."""

import re
from typing import Final

from sent_graphql.models.proofs import RegistrationTexts, StoredRegistration
from sent_graphql.models.registrations import Registration, RegistrationKind
from sent_graphql.models.validation import ProposedRegistration, RegistrationValidation
from sent_graphql.resolvers.context import RequestContext
from sent_graphql.resolvers.database import from_database
from sent_graphql.resolvers.errors import DatabaseAwayError, OverloadedError
from sent_graphql.resolvers.keyset import KeysetPage, window
from sent_graphql.resolvers.orders import Order, unix_microseconds
from sent_graphql.resolvers.paging import PageArguments
from sent_graphql.resolvers.services import Registrations, Services
from sent_graphql.workers.errors import WorkersError

REGISTRATION_ORDER: Final[Order[Registration]] = Order(
    "registrations.STORED_AT.DESC", lambda registration: unix_microseconds(registration.stored_at), descending=True
)
"""Newest first."""

_KEY_AND_KIND: Final = re.compile(
    rf"(?P<pubkey>[0-9a-f]{{64}})\.(?P<kind>{'|'.join(kind.value for kind in RegistrationKind)})"
)


async def store_registration(services: Services, texts: RegistrationTexts) -> StoredRegistration:
    """Keeps a good one. Raises OverloadedError or DatabaseAwayError: it was not kept, and may be sent again."""
    if services.registration_desk is None:
        raise DatabaseAwayError
    try:
        return await from_database(services.registration_desk.store(texts))
    except WorkersError as error:
        raise OverloadedError(str(error), retry_after=error.retry_after) from None


async def validate_registration(context: RequestContext, proposed: ProposedRegistration) -> RegistrationValidation:
    """Judges one. Raises NotReadyError, or OverloadedError: it was not judged, and may be sent again."""
    validator = context.services.registration_validator
    assert validator is not None, "every service has one"
    try:
        return await validator.validate(proposed, context.state())
    except WorkersError as error:
        raise OverloadedError(str(error), retry_after=error.retry_after) from None


async def registrations_of_pubkey(
    context: RequestContext, pubkey: str, arguments: PageArguments
) -> KeysetPage[Registration]:
    """Those of one node key, newest first. Raises BadUserInputError or DatabaseAwayError; needs no snapshot."""
    part = window(REGISTRATION_ORDER, arguments, context.options)
    return KeysetPage(REGISTRATION_ORDER, await from_database(_kept(context).of_pubkey(pubkey, part)))


async def registrations_of_operator(
    context: RequestContext, operator: str, arguments: PageArguments
) -> KeysetPage[Registration]:
    """Those that name this operator, newest first. Raises BadUserInputError or DatabaseAwayError; needs no snapshot."""
    part = window(REGISTRATION_ORDER, arguments, context.options)
    return KeysetPage(REGISTRATION_ORDER, await from_database(_kept(context).of_operator(operator, part)))


async def find_registration(context: RequestContext, _registration_id: str, local_id: str) -> Registration | None:
    """The one of that id; null when it is not kept. Raises DatabaseAwayError; needs no snapshot."""
    match = _KEY_AND_KIND.fullmatch(local_id)
    if match is None:
        return None
    return await from_database(_kept(context).find(match["pubkey"], RegistrationKind(match["kind"])))


def _kept(context: RequestContext) -> Registrations:
    if context.services.registrations is None:
        raise DatabaseAwayError
    return context.services.registrations
