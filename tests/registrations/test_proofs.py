"""Signatures that hold, signatures forged in every part, and who is believed."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple

import pytest
from msgspec import structs
from nacl.signing import SigningKey
from structlog.testing import capture_logs

from sent_graphql.bls import SecretKey, Signature, SigningDomain
from sent_graphql.bls.hashing import _candidate, expand_message
from sent_graphql.bls.points import FIELD_MODULUS
from sent_graphql.models.proofs import ProofJudge, ProofVerdict, SignedKeys
from sent_graphql.models.registrations import RegistrationError
from sent_graphql.models.registrations import RegistrationErrorCode as Code
from sent_graphql.registrations.possession import possession_problems
from sent_graphql.registrations.proofs import ProofChecker, ed25519_problems
from sent_graphql.settings import ProofsSettings
from sent_graphql.workers.errors import WorkersBusyError
from sent_graphql.workers.pool import WorkerPool

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

CHAIN_ID = 31337
REWARDS = "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707"
VECTOR = SignedKeys(
    pubkey="96eac155ccf4709c37fbb7850d421db9a6ab18931d32fd6bc22b56f94cbc541e",
    pubkey_bls=(
        "1368be3650be06d8d4f6485f4e6e6710b4bfa174cb6fbc838323db3629d58e58"
        "089beeb8dce64cf66a28a4861c0518bb3d53d3aa659964076a6b3f3dbbe99243"
    ),
    sig_ed25519="00" * 64,
    sig_bls=(
        "1bcac8aee85be9652f06438a439e119aed581a5aca115dbe08a2212beb883060"
        "1338edf3ff371b1605b5fcc436d1d108f9283b15329c7cd643c23fe075ef3f80"
        "13c080aaabac41ca6406934adcf88f3f9700a1584e096ae045ef5d97df6334d0"
        "0da417654d9825e6ffeed73a1d310cd0b8ed40bfe7b1d262d52874b345797096"
    ),
    operator="0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f",
)
"""What the real contract accepted; its Ed25519 secret is not known."""

OTHER = SecretKey(7)
SIGNING_KEY = SigningKey(bytes(range(32)))
GROUP_ORDER_25519 = 2**252 + 27742317777372353535851937790883648493


def signed(**changes: str) -> SignedKeys:
    """The vector's BLS key under an Ed25519 key of ours, whose signature is good; its BLS proof is then none."""
    keys = structs.replace(VECTOR, pubkey=SIGNING_KEY.verify_key.encode().hex())
    signature = SIGNING_KEY.sign(bytes.fromhex(keys.pubkey + keys.pubkey_bls)).signature
    return structs.replace(keys, **({"sig_ed25519": signature.hex()} | changes))


class InProcess:
    """Does the work at once; `done` counts it."""

    retry_after = 3

    def __init__(self, problems: tuple[RegistrationError, ...] = ()) -> None:
        self.problems = problems
        self.done = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def run(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        self.done += 1
        await self.gate.wait()
        assert function.__name__ == "possession_problems"
        return self.problems  # type: ignore[return-value]


class Contract:
    """A judge of one opinion; null is none."""

    def __init__(self, word: tuple[RegistrationError, ...] | None) -> None:
        self.word = word

    async def judge(self, keys: SignedKeys) -> tuple[RegistrationError, ...] | None:
        return self.word


def checker(workers: Any, contract: Contract | None = None, max_under_way: int = 10) -> ProofChecker:
    return ProofChecker(
        chain_id=CHAIN_ID,
        rewards_contract=REWARDS,
        workers=workers,
        contract=contract,
        max_under_way=max_under_way,
    )


def fault(field: str) -> RegistrationError:
    return RegistrationError(code=Code.SIGNATURE, message="", field=field)


def fields(problems: tuple[RegistrationError, ...]) -> list[str | None]:
    assert {problem.code for problem in problems} <= {Code.SIGNATURE}
    return [problem.field for problem in problems]


# The proof of possession


def test_the_proof_that_the_real_contract_accepted_holds() -> None:
    assert possession_problems(CHAIN_ID, REWARDS, VECTOR) == ()


@pytest.mark.parametrize(
    "forged",
    [
        structs.replace(VECTOR, operator="0x" + "11" * 20),
        structs.replace(VECTOR, pubkey=VECTOR.pubkey[:-1] + "f"),
        structs.replace(VECTOR, pubkey_bls=OTHER.public_key().hex),
        structs.replace(VECTOR, sig_bls=OTHER.sign(b"", bytes(32)).hex),
    ],
    ids=["operator", "pubkey", "pubkeyBls", "sigBls"],
)
def test_a_proof_of_something_else_is_refused(forged: SignedKeys) -> None:
    (problem,) = possession_problems(CHAIN_ID, REWARDS, forged)
    assert problem.field == "sigBls"
    assert REWARDS in problem.message


@pytest.mark.parametrize(("chain_id", "rewards"), [(1, REWARDS), (CHAIN_ID, "0x" + "11" * 20)])
def test_a_proof_for_another_network_is_refused(chain_id: int, rewards: str) -> None:
    assert fields(possession_problems(chain_id, rewards, VECTOR)) == ["sigBls"]


def test_the_key_of_another_cannot_be_taken_by_a_rogue_one() -> None:
    """A key made of another's needs a signature of its own holder, which nobody can make."""
    domain = SigningDomain(CHAIN_ID, REWARDS)
    message = domain.proof_of_possession(OTHER.public_key(), VECTOR.operator, VECTOR.pubkey)
    rogue = structs.replace(VECTOR, sig_bls=OTHER.sign(message, domain.hash_tag).hex)
    assert fields(possession_problems(CHAIN_ID, REWARDS, rogue)) == ["sigBls"]


def outside_the_group() -> str:
    """A point of the twist that is not in the group of prime order, as a signature is written."""
    seeds = (expand_message(bytes([number]), bytes(32), 128) for number in range(64))
    x, y, _ = next(point for point in map(_candidate, seeds) if point is not None)
    return "".join(f"{int(part):064x}" for part in (*x.coeffs, *y.coeffs))


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("00" * 64, "infinity"),
        ("00" * 31 + "01" + "00" * 31 + "03", "not on the curve"),
        (f"{FIELD_MODULUS + 1:064x}{2:064x}", "modulus"),
        ("ff" * 64, "modulus"),
    ],
)
def test_a_bls_key_that_is_no_point_is_refused(key: str, complaint: str) -> None:
    (problem,) = possession_problems(CHAIN_ID, REWARDS, structs.replace(VECTOR, pubkey_bls=key))
    assert problem.field == "pubkeyBls"
    assert complaint in problem.message


@pytest.mark.parametrize(
    ("signature", "complaint"),
    [
        ("00" * 128, "infinity"),
        (VECTOR.sig_bls[:-1] + "7", "not on the curve"),
        (outside_the_group(), "prime order"),
        (f"{int(VECTOR.sig_bls[:64], 16) + FIELD_MODULUS:064x}" + VECTOR.sig_bls[64:], "modulus"),
        (VECTOR.sig_bls[64:128] + VECTOR.sig_bls[:64] + VECTOR.sig_bls[128:], "not on the curve"),
    ],
    ids=["infinity", "off the curve", "outside the group", "not reduced", "imaginary first"],
)
def test_a_bls_signature_that_is_no_point_of_the_group_is_refused(signature: str, complaint: str) -> None:
    (problem,) = possession_problems(CHAIN_ID, REWARDS, structs.replace(VECTOR, sig_bls=signature))
    assert problem.field == "sigBls"
    assert complaint in problem.message


def test_key_and_signature_that_are_no_points_are_both_told() -> None:
    nothing = structs.replace(VECTOR, pubkey_bls="00" * 64, sig_bls="00" * 128)
    assert fields(possession_problems(CHAIN_ID, REWARDS, nothing)) == ["pubkeyBls", "sigBls"]


def test_the_negated_signature_is_another() -> None:
    words = Signature.from_hex(VECTOR.sig_bls).words
    negated = (*words[:2], *(FIELD_MODULUS - word for word in words[2:]))
    forged = structs.replace(VECTOR, sig_bls="".join(f"{word:064x}" for word in negated))
    assert fields(possession_problems(CHAIN_ID, REWARDS, forged)) == ["sigBls"]


# The Ed25519 signature


def test_a_signature_over_both_keys_holds() -> None:
    assert ed25519_problems(signed()) == ()


@pytest.mark.parametrize(
    "forged",
    [
        signed(pubkey_bls=OTHER.public_key().hex),
        signed(sig_ed25519="00" * 64),
        signed(sig_ed25519=signed().sig_ed25519[:-2] + "ff"),
        signed(pubkey=SigningKey(bytes(32)).verify_key.encode().hex()),
    ],
)
def test_a_signature_of_something_else_is_refused(forged: SignedKeys) -> None:
    assert fields(ed25519_problems(forged)) == ["sigEd25519"]


def test_the_same_signature_in_other_digits_is_refused() -> None:
    """S + L verifies wherever S is not asked to be reduced."""
    signature = bytes.fromhex(signed().sig_ed25519)
    scalar = int.from_bytes(signature[32:], "little") + GROUP_ORDER_25519
    forged = signed(sig_ed25519=(signature[:32] + scalar.to_bytes(32, "little")).hex())
    assert fields(ed25519_problems(forged)) == ["sigEd25519"]


@pytest.mark.parametrize(
    "key",
    [
        "01" + "00" * 31,
        "00" * 32,
        "ec" + "ff" * 30 + "7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "02" + "00" * 31,
        "ff" * 32,
    ],
    ids=["neutral", "order 4", "order 2", "order 8", "no point", "not reduced"],
)
def test_a_key_that_proves_nothing_is_refused(key: str) -> None:
    """For a key of small order anybody can sign anything."""
    (problem,) = ed25519_problems(signed(pubkey=key, sig_ed25519="01" + "00" * 63))
    assert problem.field == "pubkey"


# Who is believed


@pytest.mark.parametrize(
    ("contract", "ours", "problems", "judged_by"),
    [
        (None, (), [], (ProofJudge.SERVICE,)),
        (None, (fault("sigBls"),), ["sigBls"], (ProofJudge.SERVICE,)),
        (Contract(None), (), [], (ProofJudge.SERVICE,)),
        (Contract(None), (fault("pubkeyBls"),), ["pubkeyBls"], (ProofJudge.SERVICE,)),
        (Contract(()), (), [], (ProofJudge.CONTRACT, ProofJudge.SERVICE)),
        (Contract(()), (fault("sigBls"),), ["sigBls"], (ProofJudge.CONTRACT, ProofJudge.SERVICE)),
        (Contract((fault("sigBls"),)), (), ["sigBls"], (ProofJudge.CONTRACT,)),
    ],
)
async def test_only_what_nobody_refuses_is_good(
    contract: Contract | None,
    ours: tuple[RegistrationError, ...],
    problems: list[str],
    judged_by: tuple[ProofJudge, ...],
) -> None:
    verdict = await checker(InProcess(ours), contract).check(signed())
    assert (fields(verdict.problems), verdict.judged_by) == (problems, judged_by)
    assert verdict.good is (not problems)


async def test_what_the_contract_refuses_costs_no_arithmetic() -> None:
    workers = InProcess()
    await checker(workers, Contract((fault("sigBls"),))).check(signed())
    assert workers.done == 0


async def test_a_contract_that_accepts_what_does_not_hold_is_reported() -> None:
    with capture_logs() as logs:
        await checker(InProcess((fault("sigBls"),)), Contract(())).check(signed())
    assert [(line["log_level"], line["operator"]) for line in logs] == [("warning", VECTOR.operator)]


async def test_both_signatures_are_judged_in_the_order_of_the_fields() -> None:
    workers = InProcess((fault("pubkeyBls"), fault("sigBls")))
    verdict = await checker(workers).check(signed(sig_ed25519="00" * 64))
    assert fields(verdict.problems) == ["pubkeyBls", "sigEd25519", "sigBls"]


async def test_equal_checks_that_come_together_are_one() -> None:
    workers = InProcess()
    workers.gate.clear()
    proofs = checker(workers, max_under_way=1)
    waiting = [asyncio.create_task(proofs.check(signed())) for _ in range(20)]
    await asyncio.sleep(0)
    waiting.pop().cancel()
    workers.gate.set()
    verdicts = await asyncio.gather(*waiting)
    assert verdicts == [ProofVerdict(problems=(), judged_by=(ProofJudge.SERVICE,))] * 19
    assert workers.done == 1
    await proofs.check(signed())
    assert workers.done == 2


async def test_more_checks_than_may_be_under_way_are_refused() -> None:
    workers = InProcess()
    workers.gate.clear()
    proofs = checker(workers, max_under_way=1)
    first = asyncio.create_task(proofs.check(signed()))
    await asyncio.sleep(0)
    with pytest.raises(WorkersBusyError) as caught:
        await proofs.check(signed(operator="0x" + "11" * 20))
    assert caught.value.retry_after == 3
    workers.gate.set()
    assert (await first).good
    assert (await proofs.check(signed(operator="0x" + "11" * 20))).good


async def test_closing_ends_what_is_under_way() -> None:
    workers = InProcess()
    workers.gate.clear()
    proofs = checker(workers)
    waiting = asyncio.create_task(proofs.check(signed()))
    await asyncio.sleep(0)
    await proofs.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_burst_of_real_checks_leaves_the_event_loop_free() -> None:
    """Each check in this process would hold the loop for its whole half second."""
    pool = WorkerPool(ProofsSettings(workers=2))
    proofs = checker(pool)
    burst = [signed(operator=f"0x{number:040x}") for number in (1, 2, 3, 4)]
    checks = asyncio.gather(*(proofs.check(keys) for keys in burst))
    turns = 0
    while not checks.done():
        await asyncio.sleep(0.001)
        turns += 1
    verdicts = await checks
    await pool.close()
    assert [fields(verdict.problems) for verdict in verdicts] == [["sigBls"]] * 4
    assert turns > 20 * len(burst)
