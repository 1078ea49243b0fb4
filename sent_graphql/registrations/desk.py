"""Takes registrations in: reads them, has their signatures checked, and keeps those that are good."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import structlog

from sent_graphql.models.proofs import (
    ProofJudge,
    ProofVerdict,
    RegistrationTexts,
    SignedKeys,
    Spelling,
    StoredRegistration,
)
from sent_graphql.models.registrations import Registration, RegistrationKind
from sent_graphql.registrations.parsing import read_contract, read_keys


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

        All that is wrong is told at once: an unreadable contract does not keep the signatures from being checked.
        Raises WorkersError when they cannot be checked now, DatabaseUnavailableError when it cannot be kept.
        """
        keys, problems = read_keys(texts, spelling)
        contract = read_contract(texts.contract, problems)
        judged_by: tuple[ProofJudge, ...] = ()
        if keys is not None:
            verdict = await self._proofs.check(keys)
            judged_by = verdict.judged_by
            problems = [*verdict.problems, *problems]
        if keys is None or problems:
            return StoredRegistration(registration=None, errors=tuple(problems), judged_by=judged_by)
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
        return StoredRegistration(registration=registration, errors=(), judged_by=judged_by)
