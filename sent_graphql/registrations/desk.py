"""Takes registrations in: reads them, has their signatures checked, and keeps those that are good."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

import structlog

from sent_graphql.models.proofs import (
    ProofJudge,
    ProofVerdict,
    RegistrationTexts,
    SignedKeys,
    Spelling,
    StoredRegistration,
)
from sent_graphql.models.registrations import Registration, RegistrationError, RegistrationKind
from sent_graphql.registrations.parsing import read_contract, read_keys
from sent_graphql.registrations.proofs import FIELDS as SIGNED_FIELDS
from sent_graphql.registrations.proofs import ed25519_problems_of

FIELDS: Final = (*SIGNED_FIELDS, "operator", "contract")
"""The order of errors: that of the input."""


class RegistrationStore(Protocol):
    """Where registrations are kept."""

    async def store(self, registration: Registration) -> Registration:
        """Keeps it in place of the one of the same key and kind; it lasts once this returns.

        Gives it as it is kept: `stored_at` may be microseconds later. Raises DatabaseUnavailableError: nothing is kept.
        """


class ProofCheck(Protocol):
    """Checks signatures; see ProofChecker."""

    async def check(self, keys: SignedKeys) -> ProofVerdict:
        """The verdict. Raises WorkersError when it cannot be had now."""


class RegistrationDesk:
    """The one way in."""

    def __init__(self, proofs: ProofCheck, kept: RegistrationStore, *, clock: Callable[[], datetime]) -> None:
        """`clock` gives the moment in UTC."""
        self._proofs = proofs
        self._kept = kept
        self._clock = clock
        self._log = structlog.get_logger(__name__)

    async def store(self, texts: RegistrationTexts, spelling: Spelling = Spelling.HEX) -> StoredRegistration:
        """Keeps the registration that `texts` are, if it is good.

        All that is wrong is told at once: only what cannot be read keeps a signature over it from being checked.
        Raises WorkersError when the proof cannot be checked now, DatabaseUnavailableError when it cannot be kept.
        """
        keys, problems = read_keys(texts, spelling)
        contract = read_contract(texts.contract, problems)
        if keys is None:
            problems += ed25519_problems_of(texts, spelling)
            return _refused(problems, judged_by=())
        verdict = await self._proofs.check(keys)
        if verdict.problems or problems:
            return _refused([*verdict.problems, *problems], verdict.judged_by)
        registration = await self._kept.store(
            Registration(
                kind=RegistrationKind.SOLO if contract is None else RegistrationKind.CONTRACT,
                pubkey=keys.pubkey,
                pubkey_bls=keys.pubkey_bls,
                sig_ed25519=keys.sig_ed25519,
                sig_bls=keys.sig_bls,
                operator=keys.operator,
                contract=contract,
                stored_at=self._clock(),
            )
        )
        self._log.info("registration stored", kind=registration.kind.value, pubkey=keys.pubkey, operator=keys.operator)
        return StoredRegistration(registration=registration, errors=(), judged_by=verdict.judged_by)


def _refused(problems: list[RegistrationError], judged_by: tuple[ProofJudge, ...]) -> StoredRegistration:
    ordered = sorted(problems, key=lambda problem: FIELDS.index(problem.field or FIELDS[-1]))
    return StoredRegistration(registration=None, errors=tuple(ordered), judged_by=judged_by)
