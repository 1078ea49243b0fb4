"""Registrations taken in or only looked at, with what is wrong with them as part of the answer."""

from sent_graphql.models.proofs import RegistrationTexts, StoredRegistration
from sent_graphql.models.validation import ProposedRegistration, RegistrationValidation
from sent_graphql.resolvers.context import RequestContext
from sent_graphql.resolvers.errors import DatabaseAwayError, OverloadedError
from sent_graphql.resolvers.services import Services
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.workers.errors import WorkersError


async def store_registration(services: Services, texts: RegistrationTexts) -> StoredRegistration:
    """Keeps a good one. Raises OverloadedError or DatabaseAwayError: it was not kept, and may be sent again."""
    if services.registration_desk is None:
        raise DatabaseAwayError
    try:
        return await services.registration_desk.store(texts)
    except WorkersError as error:
        raise OverloadedError(str(error), retry_after=error.retry_after) from None
    except DatabaseUnavailableError:
        raise DatabaseAwayError from None


async def validate_registration(context: RequestContext, proposed: ProposedRegistration) -> RegistrationValidation:
    """Judges one. Raises NotReadyError, or OverloadedError: it was not judged, and may be sent again."""
    validator = context.services.registration_validator
    assert validator is not None, "every service has one"
    try:
        return await validator.validate(proposed, context.state())
    except WorkersError as error:
        raise OverloadedError(str(error), retry_after=error.retry_after) from None
