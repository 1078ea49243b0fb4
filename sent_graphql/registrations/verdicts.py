"""Verdicts on signed keys, remembered: whoever fills in a form has the same signatures checked many times."""

from collections import OrderedDict
from typing import Final, Protocol

from sent_graphql.models.proofs import ProofJudge, ProofVerdict, SignedKeys

MAX_REMEMBERED: Final = 1_000
"""Verdicts kept, the latest used; a kilobyte each."""


class ProofCheck(Protocol):
    """Checks signatures; see ProofChecker."""

    async def check(self, keys: SignedKeys) -> ProofVerdict:
        """The verdict. Raises WorkersError when it cannot be had now."""


class RememberedVerdicts:
    """Asks `proofs` once for each set of signed keys.

    What this service has computed holds for ever. What the contract alone has refused may be its RPC's fault, and is
    asked again.
    """

    def __init__(self, proofs: ProofCheck) -> None:
        self._proofs = proofs
        self._known: OrderedDict[SignedKeys, ProofVerdict] = OrderedDict()

    async def check(self, keys: SignedKeys) -> ProofVerdict:
        """The verdict. Raises WorkersError when it cannot be had now."""
        verdict = self._known.get(keys) or await self._proofs.check(keys)
        if ProofJudge.SERVICE in verdict.judged_by:
            self._known[keys] = verdict
            self._known.move_to_end(keys)
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return verdict
