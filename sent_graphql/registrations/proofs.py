"""Whether an operator's two signatures hold.

The rewards contract can judge the BLS proof itself, but not every one does (the local network's looks at no
signature), and not always can it be asked. So nobody may refuse: what the contract refuses is refused at once, what it
accepts or leaves open is checked here as well.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, TypeVar, TypeVarTuple

import structlog
from msgspec import structs
from nacl.bindings import crypto_core_ed25519_is_valid_point
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from sent_graphql.models.proofs import ProofJudge, ProofVerdict, RegistrationTexts, SignedKeys, Spelling
from sent_graphql.models.registrations import RegistrationError, RegistrationErrorCode
from sent_graphql.registrations.parsing import read_keys
from sent_graphql.registrations.possession import possession_problems
from sent_graphql.tasks import end
from sent_graphql.workers.errors import WorkersBusyError

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

FIELDS: Final = ("pubkey", "pubkeyBls", "sigEd25519", "sigBls")
"""The order of problems."""

_ANY_OPERATOR: Final = "0x" + "11" * 20
_ANY_PROOF: Final = "00" * 128


class Workers(Protocol):
    """Processes for what would hold the event loop."""

    @property
    def retry_after(self) -> int:
        """Seconds until another try is worth it."""

    async def run(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """What `function` gives in one of them. Raises WorkersError."""


class ContractJudge(Protocol):
    """The rewards contract, asked what it thinks."""

    async def judge(self, keys: SignedKeys) -> tuple[RegistrationError, ...] | None:
        """What it refuses the BLS proof for; empty when it accepts it, null when it gave no judgement. Never raises."""


class ProofChecker:
    """Checks signed keys for one rewards contract on one chain. Equal checks that come together are one."""

    def __init__(
        self,
        *,
        chain_id: int,
        rewards_contract: str,
        workers: Workers,
        contract: ContractJudge | None,
        max_under_way: int,
    ) -> None:
        """`contract` is null where there is none to ask. `max_under_way`: checks at once; others are refused."""
        self._chain_id = chain_id
        self._rewards_contract = rewards_contract
        self._workers = workers
        self._contract = contract
        self._max_under_way = max_under_way
        self._under_way: dict[SignedKeys, asyncio.Task[ProofVerdict]] = {}
        self.refused = 0
        """Checks that there was no room for."""
        self._log = structlog.get_logger(__name__)

    async def check(self, keys: SignedKeys) -> ProofVerdict:
        """The verdict on both signatures, all problems at once. Raises WorkersError when it cannot be had now."""
        task = self._under_way.get(keys)
        if task is None:
            if len(self._under_way) >= self._max_under_way:
                self.refused += 1
                raise WorkersBusyError(
                    f"{len(self._under_way)} registrations are being checked: try again in "
                    f"{self._workers.retry_after} s",
                    retry_after=self._workers.retry_after,
                )
            task = asyncio.create_task(self._check(keys), name="check of a registration")
            self._under_way[keys] = task
            task.add_done_callback(lambda done: self._forget(keys, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Ends what is under way."""
        await end(list(self._under_way.values()))

    def _forget(self, keys: SignedKeys, done: asyncio.Task[ProofVerdict]) -> None:
        del self._under_way[keys]
        if not done.cancelled():
            done.exception()  # seen, also where everybody who asked has gone

    async def _check(self, keys: SignedKeys) -> ProofVerdict:
        problems = ed25519_problems(keys)
        possession, judged_by = await self._possession(keys)
        ordered = sorted((*problems, *possession), key=lambda problem: FIELDS.index(problem.field or FIELDS[-1]))
        return ProofVerdict(problems=tuple(ordered), judged_by=judged_by)

    async def _possession(self, keys: SignedKeys) -> tuple[tuple[RegistrationError, ...], tuple[ProofJudge, ...]]:
        theirs = None if self._contract is None else await self._contract.judge(keys)
        if theirs:
            return theirs, (ProofJudge.CONTRACT,)
        ours = await self._workers.run(possession_problems, self._chain_id, self._rewards_contract, keys)
        if theirs is None:
            return ours, (ProofJudge.SERVICE,)
        if ours:
            self._log.warning(
                "the contract accepts a proof of possession that does not hold",
                pubkey=keys.pubkey,
                operator=keys.operator,
                problem=ours[0].message,
            )
        return ours, (ProofJudge.CONTRACT, ProofJudge.SERVICE)


def ed25519_problems(keys: SignedKeys) -> tuple[RegistrationError, ...]:
    """What is wrong with the Ed25519 key or its signature over both keys."""
    key = bytes.fromhex(keys.pubkey)
    if not crypto_core_ed25519_is_valid_point(key):
        return (_problem("pubkey", "`pubkey` is not an Ed25519 public key: no point of the curve's main group"),)
    try:
        VerifyKey(key).verify(key + bytes.fromhex(keys.pubkey_bls), bytes.fromhex(keys.sig_ed25519))
    except BadSignatureError:
        message = "`sigEd25519` is not the signature of `pubkey` over the 96 bytes of `pubkey` and `pubkeyBls`"
        return (_problem("sigEd25519", message),)
    return ()


def ed25519_problems_of(texts: RegistrationTexts, spelling: Spelling = Spelling.HEX) -> tuple[RegistrationError, ...]:
    """The same for what somebody typed, whatever stands where only the BLS proof looks; none if it cannot be read."""
    keys, _ = read_keys(structs.replace(texts, operator=_ANY_OPERATOR, sig_bls=_ANY_PROOF), spelling)
    return () if keys is None else ed25519_problems(keys)


def _problem(field: str, message: str) -> RegistrationError:
    return RegistrationError(code=RegistrationErrorCode.SIGNATURE, message=message, field=field)
