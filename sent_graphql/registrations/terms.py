"""Who is to stake how much, read from what somebody typed: what cannot be read is told, the rest is kept."""

import re
from collections.abc import Sequence
from typing import Final

from sent_graphql.models.registrations import RegistrationError, RegistrationErrorCode, RegistrationKind
from sent_graphql.models.validation import ProposedRegistration, ProposedReservation
from sent_graphql.registrations.parsing import read_address
from sent_graphql.registrations.rules import ReservedShare, Terms

MAX_AMOUNT_DIGITS: Final = 78
"""Of the largest number that a contract can hold (2^256)."""

_AMOUNT = re.compile(rf"[0-9]{{1,{MAX_AMOUNT_DIGITS}}}")
_UNREAD: Final = ReservedShare(None, None)


def read_terms(
    proposed: ProposedRegistration, operator: str | None, *, max_reserved: int
) -> tuple[Terms, list[RegistrationError]]:
    """The stakes and the fee, and what of them cannot be read. `operator`: its canonical address, if it is known.

    Whoever reserves places means to share: that is a contract's registration, also where the contract is missing. The
    first `max_reserved` places are read, the others only counted.
    """
    problems: list[RegistrationError] = []
    is_shared = proposed.texts.contract is not None or bool(proposed.reserved)
    if is_shared and proposed.texts.contract is None:
        problems.append(
            RegistrationError(
                code=RegistrationErrorCode.INVALID_CONTRACT_ADDRESS,
                message="Only a contribution contract can reserve places: name it, or leave `reserved` empty",
                field="contract",
            )
        )
    terms = Terms(
        kind=RegistrationKind.CONTRACT if is_shared else RegistrationKind.SOLO,
        operator=operator,
        stake=_read_amount(proposed.stake, "stake", RegistrationErrorCode.INVALID_OPERATOR_STAKE, problems),
        reserved=_read_shares(proposed.reserved, max_reserved, problems),
        fee=proposed.fee,
    )
    return terms, problems


def _read_shares(
    reserved: Sequence[ProposedReservation], max_reserved: int, problems: list[RegistrationError]
) -> tuple[ReservedShare, ...]:
    read = tuple(_read_share(share, index, problems) for index, share in enumerate(reserved[:max_reserved]))
    return read + (_UNREAD,) * (len(reserved) - len(read))


def _read_share(share: ProposedReservation, index: int, problems: list[RegistrationError]) -> ReservedShare:
    code = RegistrationErrorCode.INVALID_RESERVED_ADDRESS
    address = read_address(share.address, "reserved", code, problems, index=index)
    code = RegistrationErrorCode.INVALID_RESERVED_STAKE
    return ReservedShare(address, _read_amount(share.amount, "reserved", code, problems, index=index, address=address))


def _read_amount(
    text: str,
    field: str,
    code: RegistrationErrorCode,
    problems: list[RegistrationError],
    *,
    index: int | None = None,
    address: str | None = None,
) -> int | None:
    if _AMOUNT.fullmatch(text):
        return int(text)
    message = (
        f"`{field}`: an amount is a whole number of atomic units (1 SENT = 10^9), at most {MAX_AMOUNT_DIGITS} decimal "
        "digits without sign, point or spaces"
    )
    problems.append(RegistrationError(code=code, message=message, field=field, index=index, address=address))
    return None
