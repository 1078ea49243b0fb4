"""storeRegistration as clients see it: strings in, and what is wrong as answers."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from sent_graphql.models.proofs import ProofJudge, RegistrationTexts, Spelling, StoredRegistration
from sent_graphql.models.registrations import (
    Registration,
    RegistrationError,
    RegistrationErrorCode,
    RegistrationKind,
)
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.resolvers.services import Services
from sent_graphql.schema.build import ServedSchema
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.workers.errors import WorkTimeoutError

MUTATION = """
mutation Store($input: StoreRegistrationInput!) {
  storeRegistration(input: $input) {
    registration { __typename id kind pubkey pubkeyBls sigEd25519 sigBls operator contract storedAt }
    errors { code message field address }
    judgedBy
  }
}
"""
INPUT = {"pubkey": "a", "pubkeyBls": "b", "sigEd25519": "c", "sigBls": "d", "operator": "e"}
TEXTS = RegistrationTexts(pubkey="a", pubkey_bls="b", sig_ed25519="c", sig_bls="d", operator="e")
STORED = Registration(
    kind=RegistrationKind.CONTRACT,
    pubkey="0a" * 32,
    pubkey_bls="0b" * 64,
    sig_ed25519="0c" * 64,
    sig_bls="0d" * 128,
    operator="0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f",
    contract="0x5FC8d32690cc91D4c39d9d3abcBD16989F875707",
    stored_at=datetime(2026, 1, 2, 3, 4, 5, 250_000, tzinfo=UTC),
)
GOOD = StoredRegistration(registration=STORED, errors=(), judged_by=(ProofJudge.CONTRACT, ProofJudge.SERVICE))


class Desk:
    """Gives one outcome and remembers what it was given."""

    def __init__(self, outcome: StoredRegistration | Exception) -> None:
        self._outcome = outcome
        self.taken: list[tuple[RegistrationTexts, Spelling]] = []

    async def store(self, texts: RegistrationTexts, spelling: Spelling = Spelling.HEX) -> StoredRegistration:
        self.taken.append((texts, spelling))
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


@pytest.fixture
def send(schema: ServedSchema, make: Any) -> Any:
    """Sends a document to a service with that desk; no snapshot is needed."""

    async def sent(desk: Desk | None, document: str = MUTATION, **given: Any) -> Any:
        context = RequestContext(
            snapshot=make.snapshot(None),
            options=ResolverOptions(nettype="mainnet", default_page_size=100, max_page_size=2500),
            services=Services(registration_desk=desk),
        )
        return await schema.execute(document, variable_values={"input": INPUT | given}, context_value=context)

    return sent


async def test_a_stored_registration_is_shown_with_who_judged_it(send: Any) -> None:
    result = await send(Desk(GOOD))
    assert result.errors is None
    assert result.data["storeRegistration"] == {
        "registration": {
            "__typename": "Registration",
            "id": STORED.id,
            "kind": "CONTRACT",
            "pubkey": "0a" * 32,
            "pubkeyBls": "0b" * 64,
            "sigEd25519": "0c" * 64,
            "sigBls": "0d" * 128,
            "operator": STORED.operator,
            "contract": STORED.contract,
            "storedAt": "2026-01-02T03:04:05.250Z",
        },
        "errors": [],
        "judgedBy": ["CONTRACT", "SERVICE"],
    }


@pytest.mark.parametrize(
    ("given", "contract"), [({}, None), ({"contract": None}, None), ({"contract": "f"}, "f"), ({"contract": ""}, "")]
)
async def test_values_are_handed_on_as_they_were_typed(send: Any, given: dict[str, Any], contract: str | None) -> None:
    desk = Desk(GOOD)
    await send(desk, **given)
    assert desk.taken == [(structs.replace(TEXTS, contract=contract), Spelling.HEX)]


async def test_all_that_is_wrong_is_an_answer_and_no_error(send: Any) -> None:
    errors = (
        RegistrationError(code=RegistrationErrorCode.BAD_REQUEST, message="no key", field="pubkey"),
        RegistrationError(
            code=RegistrationErrorCode.INVALID_OPERATOR_ADDRESS, message="no address", field="operator", address="e"
        ),
    )
    result = await send(Desk(StoredRegistration(registration=None, errors=errors, judged_by=())))
    assert result.errors is None
    assert result.data["storeRegistration"] == {
        "registration": None,
        "errors": [
            {"code": "BAD_REQUEST", "message": "no key", "field": "pubkey", "address": None},
            {"code": "INVALID_OPERATOR_ADDRESS", "message": "no address", "field": "operator", "address": "e"},
        ],
        "judgedBy": [],
    }


async def test_an_overload_is_an_error_to_try_again_after(send: Any) -> None:
    (error,) = (await send(Desk(WorkTimeoutError("slow", retry_after=7)))).errors
    assert (error.message, error.extensions) == ("slow", {"code": "OVERLOADED", "retryAfter": 7})


@pytest.mark.parametrize("desk", [None, Desk(DatabaseUnavailableError("postgresql://secret"))])
async def test_without_a_database_nothing_is_said_to_be_stored(send: Any, desk: Desk | None) -> None:
    result = await send(desk)
    (error,) = result.errors
    assert error.extensions == {"code": "DATABASE_UNAVAILABLE"}
    assert "secret" not in error.message
    assert result.data is None


async def test_many_in_one_document_are_stored_one_after_another(send: Any) -> None:
    desk = Desk(GOOD)
    fields = "".join(f"m{number}: storeRegistration(input: $input) {{ judgedBy }} " for number in range(5))
    result = await send(desk, f"mutation ($input: StoreRegistrationInput!) {{ {fields} }}")
    assert list(result.data) == ["m0", "m1", "m2", "m3", "m4"]
    assert len(desk.taken) == 5
