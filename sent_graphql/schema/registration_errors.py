"""What is wrong with a registration, as an answer rather than an error of GraphQL's."""

import strawberry

from sent_graphql.schema.enums import RegistrationErrorCode
from sent_graphql.schema.scalars import BigInt

_UNIT = "atomic units where amounts are meant, wallets for TOO_MANY, hundredths of a percent for INVALID_FEE"


@strawberry.type(
    description="One thing that is wrong with a registration. All that is wrong is told at once, in the order of the "
    "input's fields. The numbers say what would be right; each is null where the code does not speak of it."
)
class RegistrationError:
    """Shows models.registrations.RegistrationError."""

    code: RegistrationErrorCode = strawberry.field(description="The kind of problem.")
    message: str = strawberry.field(description="What is wrong and what would be right, for people.")
    field: str | None = strawberry.field(description="The field of the input that is meant, such as `stake`.")
    index: int | None = strawberry.field(
        description="Position in `reserved`, from 0; null where the problem is not about one of its entries."
    )
    address: str | None = strawberry.field(
        description="The wallet or contract that is meant: in its EIP-55 form where it is an address, else as it was "
        "given, cut when very long."
    )
    total: BigInt | None = strawberry.field(description=f"What the given parts come to ({_UNIT}).")
    minimum: BigInt | None = strawberry.field(description=f"The least that would be right ({_UNIT}).")
    maximum: BigInt | None = strawberry.field(description=f"The most that would be right ({_UNIT}).")
    required: BigInt | None = strawberry.field(description="The one amount that would be right, in atomic units.")
