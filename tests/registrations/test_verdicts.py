"""What was judged once is not judged again, but for what may have been a fault."""

import pytest

from sent_graphql.models.proofs import ProofJudge, ProofVerdict, SignedKeys
from sent_graphql.models.registrations import RegistrationError, RegistrationErrorCode
from sent_graphql.registrations.verdicts import MAX_REMEMBERED, RememberedVerdicts
from sent_graphql.workers.errors import WorkersBusyError

GOOD = ProofVerdict(problems=(), judged_by=(ProofJudge.CONTRACT, ProofJudge.SERVICE))
PROBLEM = RegistrationError(code=RegistrationErrorCode.SIGNATURE, message="no", field="sigBls")


class Checker:
    """Says what it is told to and counts."""

    def __init__(self, *answers: ProofVerdict | Exception) -> None:
        self._answers = answers
        self.asked = 0

    async def check(self, keys: SignedKeys) -> ProofVerdict:
        """The next answer; the last one for ever."""
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer


def keys(number: int = 0) -> SignedKeys:
    """Signed keys of node `number`."""
    return SignedKeys(pubkey=str(number), pubkey_bls="", sig_ed25519="", sig_bls="", operator="")


@pytest.mark.parametrize("verdict", [GOOD, ProofVerdict(problems=(PROBLEM,), judged_by=(ProofJudge.SERVICE,))])
async def test_what_the_service_has_judged_is_judged_once(verdict: ProofVerdict) -> None:
    """Good or bad."""
    checker = Checker(verdict)
    verdicts = RememberedVerdicts(checker)
    assert [await verdicts.check(keys()) for _ in range(3)] == [verdict] * 3
    assert checker.asked == 1


async def test_what_the_contract_alone_has_refused_is_asked_again() -> None:
    """It may have been its RPC's fault."""
    refused = ProofVerdict(problems=(PROBLEM,), judged_by=(ProofJudge.CONTRACT,))
    verdicts = RememberedVerdicts(Checker(refused, GOOD))
    assert [await verdicts.check(keys()) for _ in range(2)] == [refused, GOOD]


async def test_a_check_that_failed_is_made_again() -> None:
    """It was no verdict."""
    verdicts = RememberedVerdicts(Checker(WorkersBusyError("wait", retry_after=1), GOOD))
    with pytest.raises(WorkersBusyError):
        await verdicts.check(keys())
    assert await verdicts.check(keys()) == GOOD


async def test_the_latest_used_are_kept_and_no_more_than_their_bound() -> None:
    """Whoever sends new keys without end makes others forgotten, and nothing grow."""
    checker = Checker(GOOD)
    verdicts = RememberedVerdicts(checker)
    for number in range(MAX_REMEMBERED):
        await verdicts.check(keys(number))
    await verdicts.check(keys(0))
    await verdicts.check(keys(MAX_REMEMBERED))
    await verdicts.check(keys(0))
    assert checker.asked == MAX_REMEMBERED + 1
    await verdicts.check(keys(1))
    assert checker.asked == MAX_REMEMBERED + 2
