"""The contracts' rules on who stakes how much of a node, all of them at once: amounts in, problems out.

A solo node is registered by `addBLSPublicKey` of the rewards contract, whose caller stakes the whole requirement. A
contribution contract keeps one list of reservations, the operator's first; here the operator's is `stake`, and
`reserved` are the others, so that position i of `reserved` is position i + 1 of the contract's list.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from sent_graphql.models.registrations import RegistrationError, RegistrationErrorCode, RegistrationKind
from sent_graphql.models.units import FEE_BASIS, ceil_div, in_tokens, min_operator_contribution


class StakingRules(Struct, frozen=True, kw_only=True):
    """What the rewards contract demands of new nodes. The requirement is in atomic units."""

    staking_requirement: int
    max_contributors: int

    @property
    def min_operator_stake(self) -> int:
        """Least that the operator of a contribution contract stakes."""
        return min_operator_contribution(self.staking_requirement)

    @property
    def max_reserved(self) -> int:
        """Most contributors beside the operator."""
        return max(0, self.max_contributors - 1)


class ReservedShare(Struct, frozen=True):
    """A place kept for one contributor. A part that could not be read is null; whoever read it has said so."""

    address: str | None
    amount: int | None


class Terms(Struct, frozen=True, kw_only=True):
    """Who is to stake how much, in atomic units. `operator` and `stake` are null where they could not be read."""

    kind: RegistrationKind
    operator: str | None
    stake: int | None
    reserved: Sequence[ReservedShare] = ()
    fee: int | None = None
    """Hundredths of a percent; null when none is given."""


class Remainder(Struct, frozen=True, kw_only=True):
    """What a contribution contract still lacks once the operator and all reserved contributors have paid."""

    contribution: int
    spots: int
    min_contribution: int | None
    """Least of the next contributor: 0 when nothing is lacking, null when something is and no place is free."""


def stake_problems(terms: Terms, rules: StakingRules) -> list[RegistrationError]:
    """What is wrong with the amounts and the places.

    Amounts are judged as the contract judges them, one place after the other. One that is too small is counted at
    its minimum from there on, so that all minima hold together: whoever corrects each to its own is done.
    """
    if terms.kind is RegistrationKind.SOLO:
        return list(_solo_problems(terms, rules))
    return [*_operator_problems(terms, rules), *_reserved_problems(terms, rules)]


def fee_problems(terms: Terms) -> list[RegistrationError]:
    """What is wrong with the fee: only a contribution contract has one, and it must have one."""
    if terms.kind is RegistrationKind.SOLO:
        if terms.fee is None:
            return []
        message = "A solo node has no operator fee: leave it out"
        return [RegistrationError(code=RegistrationErrorCode.INVALID_FEE, message=message, field="fee")]
    if terms.fee is not None and 0 <= terms.fee <= FEE_BASIS:
        return []
    lack = "is missing" if terms.fee is None else f"{terms.fee} cannot be"
    return [
        RegistrationError(
            code=RegistrationErrorCode.INVALID_FEE,
            message=f"The operator fee {lack}: 0 to {FEE_BASIS} hundredths of a percent are wanted",
            field="fee",
            minimum=0,
            maximum=FEE_BASIS,
        )
    ]


def remainder(terms: Terms, rules: StakingRules) -> Remainder | None:
    """What others may still bring; null for a solo node, and where amounts or places are not in order."""
    if terms.kind is RegistrationKind.SOLO or terms.stake is None or stake_problems(terms, rules):
        return None
    amounts = [share.amount for share in terms.reserved if share.amount is not None]
    if len(amounts) < len(terms.reserved):
        return None
    lacking = rules.staking_requirement - terms.stake - sum(amounts)
    spots = rules.max_reserved - len(amounts)
    if lacking == 0:
        least: int | None = 0
    else:
        least = ceil_div(lacking, spots) if spots else None
    return Remainder(contribution=lacking, spots=spots, min_contribution=least)


def _solo_problems(terms: Terms, rules: StakingRules) -> Iterator[RegistrationError]:
    required = rules.staking_requirement
    if terms.stake is not None and terms.stake != required:
        yield RegistrationError(
            code=RegistrationErrorCode.WRONG_OPERATOR_STAKE,
            message=f"{in_tokens(terms.stake)} SENT is not what a solo node takes: exactly {in_tokens(required)} "
            "SENT is wanted (or a contribution contract, to share it)",
            field="stake",
            required=required,
        )


def _operator_problems(terms: Terms, rules: StakingRules) -> Iterator[RegistrationError]:
    minimum = rules.min_operator_stake
    if terms.stake is not None and terms.stake < minimum:
        yield RegistrationError(
            code=RegistrationErrorCode.INSUFFICIENT_OPERATOR_STAKE,
            message=f"{in_tokens(terms.stake)} SENT is too little for the operator: at least {in_tokens(minimum)} "
            "SENT, a quarter of the requirement, is wanted",
            field="stake",
            minimum=minimum,
        )


def _reserved_problems(terms: Terms, rules: StakingRules) -> Iterator[RegistrationError]:
    """Places beyond the last one that there is are counted, and looked at no further."""
    placed = terms.reserved[: rules.max_reserved]
    if 1 + len(terms.reserved) > rules.max_contributors:
        yield RegistrationError(
            code=RegistrationErrorCode.TOO_MANY,
            message=f"{len(terms.reserved)} places are too many: a node has at most {rules.max_contributors} "
            f"contributors, so at most {rules.max_reserved} beside the operator; more were not looked at",
            field="reserved",
            total=len(terms.reserved),
            maximum=rules.max_reserved,
        )
    total = (terms.stake or 0) + sum(share.amount or 0 for share in placed)
    if total > rules.staking_requirement:
        yield RegistrationError(
            code=RegistrationErrorCode.TOO_MUCH,
            message=f"{in_tokens(total)} SENT is more than a node takes: the operator's stake and all that is "
            f"reserved may come to {in_tokens(rules.staking_requirement)} SENT",
            field="reserved" if placed else "stake",
            total=total,
            maximum=rules.staking_requirement,
        )
    yield from _repeated(terms.operator, placed)
    if terms.stake is not None:
        left = rules.staking_requirement - max(terms.stake, rules.min_operator_stake)
        yield from _small_shares(placed, left, rules.max_reserved)


def _repeated(operator: str | None, placed: Iterable[ReservedShare]) -> Iterator[RegistrationError]:
    seen: set[str] = set()
    for index, share in enumerate(placed):
        if share.address is None:
            continue
        if share.address == operator or share.address in seen:
            message = (
                f"{share.address} is the operator, whose own part is `stake`"
                if share.address == operator
                else f"{share.address} has a place already: name it once, with the whole amount"
            )
            yield RegistrationError(
                code=RegistrationErrorCode.DUPLICATE_ADDRESS,
                message=message,
                field="reserved",
                index=index,
                address=share.address,
            )
        seen.add(share.address)


def _small_shares(placed: Iterable[ReservedShare], left: int, places: int) -> Iterator[RegistrationError]:
    """Shares below ceil(what is left / places that are left). Behind one that could not be read none is judged."""
    for index, share in enumerate(placed):
        if share.amount is None:
            return
        if left <= 0:
            if share.amount == 0:
                yield RegistrationError(
                    code=RegistrationErrorCode.INVALID_RESERVED_STAKE,
                    message="Nothing is left to reserve: leave this place out",
                    field="reserved",
                    index=index,
                    address=share.address,
                )
            continue
        minimum = ceil_div(left, places - index)
        if share.amount < minimum:
            yield RegistrationError(
                code=RegistrationErrorCode.INSUFFICIENT_RESERVED_STAKE,
                message=f"{in_tokens(share.amount)} SENT is too little to reserve here: at least "
                f"{in_tokens(minimum)} SENT, an equal part of what is left for the places left, is wanted",
                field="reserved",
                index=index,
                address=share.address,
                minimum=minimum,
            )
        left -= max(share.amount, minimum)
