"""What is kept, what is not, and what is told."""

from datetime import UTC, datetime

import pytest
from msgspec import structs

from sent_graphql.models.proofs import (
    ProofJudge,
    ProofVerdict,
    RegistrationTexts,
    SignedKeys,
    Spelling,
    StoredRegistration,
)
from sent_graphql.models.registrations import Registration, RegistrationError, RegistrationKind
from sent_graphql.models.registrations import RegistrationErrorCode as Code
from sent_graphql.registrations.desk import RegistrationDesk
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.workers.errors import WorkersBusyError

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 3, 4, 5, 7, tzinfo=UTC)
OPERATOR = "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"
CONTRACT = "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707"
TEXTS = RegistrationTexts(
    pubkey="0xAA" + "aa" * 31,
    pubkey_bls="BB" * 64,
    sig_ed25519="cc" * 64,
    sig_bls="dd" * 128,
    operator=OPERATOR.lower(),
)
BAD = RegistrationError(code=Code.SIGNATURE, message="forged", field="sigBls")


class Proofs:
    """Gives one verdict, or fails."""

    def __init__(self, *problems: RegistrationError, error: Exception | None = None) -> None:
        self._verdict = ProofVerdict(problems=problems, judged_by=(ProofJudge.SERVICE,))
        self._error = error
        self.asked: list[SignedKeys] = []

    async def check(self, keys: SignedKeys) -> ProofVerdict:
        self.asked.append(keys)
        if self._error is not None:
            raise self._error
        return self._verdict


class Store:
    """Keeps all, a microsecond later, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.kept: list[Registration] = []

    async def store(self, registration: Registration) -> Registration:
        if self._error is not None:
            raise self._error
        self.kept.append(structs.replace(registration, stored_at=LATER))
        return self.kept[-1]


async def store(texts: RegistrationTexts, proofs: Proofs, kept: Store) -> StoredRegistration:
    return await RegistrationDesk(proofs, kept, clock=lambda: NOW).store(texts, Spelling.HEX_OR_BASE64)


async def test_a_good_registration_is_kept_in_canonical_form() -> None:
    kept = Store()
    stored = await store(TEXTS, Proofs(), kept)
    assert stored == StoredRegistration(
        registration=Registration(
            kind=RegistrationKind.SOLO,
            pubkey="aa" * 32,
            pubkey_bls="bb" * 64,
            sig_ed25519="cc" * 64,
            sig_bls="dd" * 128,
            operator=OPERATOR,
            contract=None,
            stored_at=LATER,
        ),
        errors=(),
        judged_by=(ProofJudge.SERVICE,),
    )
    assert kept.kept == [stored.registration]


async def test_one_with_a_contract_is_of_the_other_kind() -> None:
    stored = await store(structs.replace(TEXTS, contract=CONTRACT.lower()), Proofs(), Store())
    assert stored.registration is not None
    assert (stored.registration.kind, stored.registration.contract) == (RegistrationKind.CONTRACT, CONTRACT)


async def test_a_forged_one_is_not_kept() -> None:
    kept = Store()
    stored = await store(TEXTS, Proofs(BAD), kept)
    assert stored == StoredRegistration(registration=None, errors=(BAD,), judged_by=(ProofJudge.SERVICE,))
    assert kept.kept == []


async def test_a_bad_contract_and_a_forged_signature_are_told_together() -> None:
    kept = Store()
    stored = await store(structs.replace(TEXTS, contract="0x12"), Proofs(BAD), kept)
    assert [error.field for error in stored.errors] == ["sigBls", "contract"]
    assert kept.kept == []


async def test_a_bad_contract_alone_is_enough_to_be_refused() -> None:
    kept = Store()
    stored = await store(structs.replace(TEXTS, contract="0x" + "00" * 20), Proofs(), kept)
    assert [error.code for error in stored.errors] == [Code.INVALID_CONTRACT_ADDRESS]
    assert (stored.registration, kept.kept) == (None, [])


async def test_what_cannot_be_read_is_not_checked() -> None:
    proofs = Proofs()
    stored = await store(structs.replace(TEXTS, sig_ed25519="cc", operator=""), proofs, Store())
    assert [error.field for error in stored.errors] == ["sigEd25519", "operator"]
    assert stored.judged_by == ()
    assert proofs.asked == []


async def test_what_only_the_bls_proof_covers_does_not_keep_the_other_signature_from_being_checked() -> None:
    proofs = Proofs()
    neutral = "01" + "00" * 31
    stored = await store(structs.replace(TEXTS, pubkey=neutral, sig_bls="", operator="", contract=""), proofs, Store())
    assert [(error.code, error.field) for error in stored.errors] == [
        (Code.SIGNATURE, "pubkey"),
        (Code.BAD_REQUEST, "sigBls"),
        (Code.INVALID_OPERATOR_ADDRESS, "operator"),
        (Code.INVALID_CONTRACT_ADDRESS, "contract"),
    ]
    assert stored.judged_by == ()
    assert proofs.asked == []


async def test_a_check_that_cannot_be_had_keeps_nothing() -> None:
    kept = Store()
    with pytest.raises(WorkersBusyError):
        await store(TEXTS, Proofs(error=WorkersBusyError("full", retry_after=1)), kept)
    assert kept.kept == []


async def test_a_database_that_is_away_is_told() -> None:
    with pytest.raises(DatabaseUnavailableError):
        await store(TEXTS, Proofs(), Store(DatabaseUnavailableError("away")))
