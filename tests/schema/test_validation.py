"""validateRegistration as clients see it: strings in, strings out, and errors as answers."""

from pathlib import Path
from typing import Any

import pytest

from sent_graphql.models.registrations import RegistrationError, RegistrationErrorCode
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.models.validation import ProposedRegistration, ProposedReservation, RegistrationValidation
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.resolvers.services import Services
from sent_graphql.schema.build import ServedSchema
from sent_graphql.workers.errors import WorkersBusyError

QUESTION = """
query Check($input: RegistrationInput!) {
  validateRegistration(input: $input) {
    valid remainingContribution remainingSpots remainingMinContribution
    errors { code message field index address total minimum maximum required }
  }
}
"""
INPUT = {"pubkey": "a", "pubkeyBls": "b", "sigEd25519": "c", "sigBls": "d", "operator": "e", "stake": "f"}


class Judge:
    """Stands for the judgement, which is proved elsewhere; remembers what it was given."""

    def __init__(self, answer: RegistrationValidation | Exception) -> None:
        self._answer = answer
        self.given: list[ProposedRegistration] = []

    async def validate(self, proposed: ProposedRegistration, state: NetworkState) -> RegistrationValidation:
        """The answer that it was made with."""
        self.given.append(proposed)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


VALID = RegistrationValidation(errors=(), remaining_contribution=2**70, remaining_spots=9, remaining_min_contribution=1)
ERROR = RegistrationError(
    code=RegistrationErrorCode.INSUFFICIENT_RESERVED_STAKE,
    message="too little",
    field="reserved",
    index=0,
    address="0x12",
    minimum=2**80,
)


@pytest.fixture
def ask(schema: ServedSchema, make: Any) -> Any:
    """Asks for a judgement by that judge."""

    async def asked(judge: Judge, given: Any, *, ready: bool = True) -> Any:
        context = RequestContext(
            snapshot=make.snapshot(make.state() if ready else None),
            options=ResolverOptions(nettype="mainnet", default_page_size=100, max_page_size=2500),
            services=Services(registration_validator=judge),
        )
        return await schema.execute(QUESTION, variable_values={"input": given}, context_value=context)

    return asked


async def test_a_valid_registration_is_answered_in_strings_of_atomic_units(ask: Any) -> None:
    """What remains passes 2^53 unharmed."""
    result = await ask(Judge(VALID), INPUT)
    assert result.errors is None
    assert result.data["validateRegistration"] == {
        "valid": True,
        "errors": [],
        "remainingContribution": str(2**70),
        "remainingSpots": 9,
        "remainingMinContribution": "1",
    }


async def test_what_is_wrong_is_an_answer(ask: Any) -> None:
    """With code, place and what would be right; what does not apply is null."""
    judge = Judge(
        RegistrationValidation(
            errors=(ERROR,), remaining_contribution=None, remaining_spots=None, remaining_min_contribution=None
        )
    )
    result = await ask(judge, INPUT)
    assert result.errors is None
    assert result.data["validateRegistration"] == {
        "valid": False,
        "errors": [
            {
                "code": "INSUFFICIENT_RESERVED_STAKE",
                "message": "too little",
                "field": "reserved",
                "index": 0,
                "address": "0x12",
                "total": None,
                "minimum": str(2**80),
                "maximum": None,
                "required": None,
            }
        ],
        "remainingContribution": None,
        "remainingSpots": None,
        "remainingMinContribution": None,
    }


async def test_every_leaf_reaches_the_judge_as_it_was_typed(ask: Any) -> None:
    """And what is left out is the same as null."""
    judge = Judge(VALID)
    reserved = [{"address": "g", "amount": ""}]
    await ask(judge, INPUT | {"contract": "", "reserved": reserved, "fee": -1})
    await ask(judge, INPUT)
    await ask(judge, INPUT | {"contract": None, "reserved": None, "fee": None})
    full, short, nulls = judge.given
    assert (full.texts.pubkey, full.texts.pubkey_bls, full.texts.sig_ed25519, full.texts.sig_bls) == tuple("abcd")
    assert (full.texts.operator, full.texts.contract, full.stake, full.fee) == ("e", "", "f", -1)
    assert full.reserved == (ProposedReservation(address="g", amount=""),)
    assert (short.texts.contract, short.reserved, short.fee) == (None, (), None)
    assert nulls == short


async def test_an_overload_is_an_error_to_try_again_after(ask: Any) -> None:
    """Not an invalid registration."""
    result = await ask(Judge(WorkersBusyError("wait", retry_after=7)), INPUT)
    (error,) = result.errors
    assert error.extensions == {"code": "OVERLOADED", "retryAfter": 7}


async def test_without_a_snapshot_nothing_is_judged(ask: Any) -> None:
    """The rules are the network's."""
    judge = Judge(VALID)
    result = await ask(judge, INPUT, ready=False)
    (error,) = result.errors
    assert error.extensions["code"] == "NOT_READY"
    assert judge.given == []


def test_the_documentation_explains_every_code() -> None:
    """What it says of each is read by people; that none is missing is seen to here."""
    page = (Path(__file__).parents[2] / "docs" / "registrations.md").read_text(encoding="utf-8")
    assert [code.name for code in RegistrationErrorCode if f"| `{code.name}` |" not in page] == []
