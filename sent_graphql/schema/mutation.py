"""The root of all that is done rather than asked. The fields of one document run one after the other."""

import strawberry

from sent_graphql.schema.registrations import RegistrationMutations
from sent_graphql.schema.signatures import SignatureMutations


@strawberry.type(
    description="What can be done. The fields of a document run one after the other; what fails as may be expected is "
    "told in the `errors` of its own answer, so that the others still answer."
)
class Mutation(RegistrationMutations, SignatureMutations):
    """Put together from the fields of each room."""
