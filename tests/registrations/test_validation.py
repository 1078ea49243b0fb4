"""Whole registrations judged at once, with real keys and real signatures."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, TypeVarTuple, Unpack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from sent_graphql.bls import SigningDomain
from sent_graphql.localdev.identities import Identities
from sent_graphql.models.keys import ZERO_ADDRESS
from sent_graphql.models.network import ServiceNodeState
from sent_graphql.models.proofs import RegistrationTexts
from sent_graphql.models.registrations import RegistrationErrorCode as Code
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.models.validation import ProposedRegistration, ProposedReservation, RegistrationValidation
from sent_graphql.registrations.proofs import ProofChecker
from sent_graphql.registrations.validation import FIELDS, RegistrationValidator
from sent_graphql.workers.errors import WorkersBusyError

TOKEN = 10**9
REQUIREMENT = 25_000 * TOKEN
CHAIN_ID = 421_614
IDENTITY = Identities(5)[0]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass
class InProcess:
    """Does the work at once and remembers what came of it: most tests check the same keys."""

    retry_after: int = 1
    asked: int = 0
    done: dict[Any, Any] = field(default_factory=dict)

    async def run(self, function: Callable[[Unpack[Ts]], T], *arguments: *Ts) -> T:
        """The function's value."""
        self.asked += 1
        if arguments not in self.done:
            self.done[arguments] = function(*arguments)
        value: T = self.done[arguments]
        return value


class Office:
    """Proposals for a network, and their judgement."""

    def __init__(self, make: Any) -> None:
        self.make = make
        self.workers = InProcess()
        self.operator: str = make.address(1)
        self.contract: str = make.address(0xC0)
        self.rewards: str = make.address(0xE0)
        proof = IDENTITY.prove_possession(SigningDomain(CHAIN_ID, self.rewards), self.operator)
        self.texts = RegistrationTexts(
            pubkey=IDENTITY.pubkey,
            pubkey_bls=IDENTITY.pubkey_bls,
            sig_ed25519=IDENTITY.register((), 0).signature,
            sig_bls="".join(f"{word:064x}" for word in proof),
            operator=self.operator,
        )

    def solo(self, *, stake: str = str(REQUIREMENT), fee: int | None = None, **texts: Any) -> ProposedRegistration:
        """A correct solo registration, but for what is given."""
        return ProposedRegistration(texts=structs.replace(self.texts, **texts), stake=stake, reserved=(), fee=fee)

    def shared(
        self, *reserved: tuple[str, str], stake: str = str(REQUIREMENT // 4), fee: int | None = 1_000, **texts: Any
    ) -> ProposedRegistration:
        """A correct registration of a contribution contract, but for what is given."""
        return ProposedRegistration(
            texts=structs.replace(self.texts, **({"contract": self.contract} | texts)),
            stake=stake,
            reserved=tuple(ProposedReservation(address=address, amount=amount) for address, amount in reserved),
            fee=fee,
        )

    def checker(self, max_under_way: int = 10) -> ProofChecker:
        """Checks signatures for this network."""
        return ProofChecker(
            chain_id=CHAIN_ID,
            rewards_contract=self.rewards,
            workers=self.workers,
            contract=None,
            max_under_way=max_under_way,
        )

    async def judge(self, proposed: ProposedRegistration, state: NetworkState | None = None) -> RegistrationValidation:
        """What comes of it in a network without nodes, or in that one."""
        validator = RegistrationValidator(self.checker())
        return await validator.validate(proposed, state or self.make.state())

    async def faults(
        self, proposed: ProposedRegistration, state: NetworkState | None = None
    ) -> list[tuple[Code, str | None, int | None]]:
        """What is wrong with it, and where."""
        judged = await self.judge(proposed, state)
        assert judged.valid is (not judged.errors)
        return [(error.code, error.field, error.index) for error in judged.errors]


@pytest.fixture(scope="session")
def office(make: Any) -> Office:
    """Where registrations are judged."""
    return Office(make)


async def test_a_correct_solo_registration_is_valid(office: Office) -> None:
    """It never was in the backend before this one."""
    judged = await office.judge(office.solo())
    assert judged == RegistrationValidation(
        errors=(), remaining_contribution=None, remaining_spots=None, remaining_min_contribution=None
    )
    assert judged.valid


async def test_a_correct_contract_registration_is_valid_and_says_what_remains(office: Office) -> None:
    """After the operator's quarter and one reservation."""
    judged = await office.judge(office.shared((office.make.address(2), str(5_000 * TOKEN))))
    assert judged.valid
    assert judged.remaining_contribution == 13_750 * TOKEN
    assert judged.remaining_spots == 8
    assert judged.remaining_min_contribution == 13_750 * TOKEN // 8


async def test_an_operator_may_fill_a_contract_alone(office: Office) -> None:
    """Nothing remains, and so nothing is the least of it."""
    judged = await office.judge(office.shared(stake=str(REQUIREMENT)))
    assert judged.valid
    assert (judged.remaining_contribution, judged.remaining_min_contribution) == (0, 0)


async def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_input(office: Office) -> None:
    """One entry for each fault, none hidden by another."""
    node = office.make.node(7, pubkey=IDENTITY.pubkey, pubkey_bls=IDENTITY.pubkey_bls)
    wallet = office.make.address(2)
    proposed = office.shared(
        (wallet, "1"),
        (wallet, str(REQUIREMENT)),
        ("nobody", "-1"),
        (office.operator, str(REQUIREMENT)),
        stake=str(REQUIREMENT // 4 - 1),
        fee=10_001,
        sig_ed25519="00" * 64,
        sig_bls="00" * 128,
        contract="0x12",
    )
    assert await office.faults(proposed, office.make.state(node)) == [
        (Code.ALREADY_REGISTERED, "pubkey", None),
        (Code.ALREADY_REGISTERED, "pubkeyBls", None),
        (Code.SIGNATURE, "sigEd25519", None),
        (Code.SIGNATURE, "sigBls", None),
        (Code.INVALID_CONTRACT_ADDRESS, "contract", None),
        (Code.INSUFFICIENT_OPERATOR_STAKE, "stake", None),
        (Code.TOO_MUCH, "reserved", None),
        (Code.INSUFFICIENT_RESERVED_STAKE, "reserved", 0),
        (Code.DUPLICATE_ADDRESS, "reserved", 1),
        (Code.INVALID_RESERVED_ADDRESS, "reserved", 2),
        (Code.INVALID_RESERVED_STAKE, "reserved", 2),
        (Code.DUPLICATE_ADDRESS, "reserved", 3),
        (Code.INVALID_FEE, "fee", None),
    ]


async def test_signatures_are_judged_whatever_the_amounts_are(office: Office) -> None:
    """A proof for another operator is none."""
    proposed = office.solo(stake="1", operator=office.make.address(3))
    assert await office.faults(proposed) == [
        (Code.SIGNATURE, "sigBls", None),
        (Code.WRONG_OPERATOR_STAKE, "stake", None),
    ]


async def test_keys_that_cannot_be_read_cost_no_proof(office: Office) -> None:
    """The costly check is for those who have something to check."""
    before = office.workers.asked
    assert await office.faults(office.solo(pubkey="12", sig_bls="zz")) == [
        (Code.BAD_REQUEST, "pubkey", None),
        (Code.BAD_REQUEST, "sigBls", None),
    ]
    assert office.workers.asked == before


async def test_the_ed25519_signature_is_judged_also_where_the_operator_cannot_be_read(office: Office) -> None:
    """It does not cover the operator."""
    proposed = office.solo(operator="me", sig_ed25519="00" * 64, stake="1")
    assert await office.faults(proposed) == [
        (Code.SIGNATURE, "sigEd25519", None),
        (Code.INVALID_OPERATOR_ADDRESS, "operator", None),
        (Code.WRONG_OPERATOR_STAKE, "stake", None),
    ]
    assert await office.faults(office.solo(operator="me")) == [(Code.INVALID_OPERATOR_ADDRESS, "operator", None)]


async def test_signatures_that_cannot_be_checked_now_make_nothing_invalid(office: Office) -> None:
    """Whoever asked may ask again."""
    validator = RegistrationValidator(office.checker(max_under_way=0))
    with pytest.raises(WorkersBusyError):
        await validator.validate(office.solo(), office.make.state())


@pytest.mark.parametrize("state", list(ServiceNodeState))
async def test_the_keys_of_a_living_node_are_taken(office: Office, state: ServiceNodeState) -> None:
    """One that has left may be registered anew."""
    living = state is not ServiceNodeState.EXITED
    by_pubkey = office.make.state(office.make.node(7, pubkey=IDENTITY.pubkey, state=state))
    by_bls = office.make.state(office.make.node(7, pubkey_bls=IDENTITY.pubkey_bls, state=state))
    assert await office.faults(office.solo(), by_pubkey) == [(Code.ALREADY_REGISTERED, "pubkey", None)] * living
    assert await office.faults(office.solo(), by_bls) == [(Code.ALREADY_REGISTERED, "pubkeyBls", None)] * living


@pytest.mark.parametrize("stranger", [{"operator": 2}, {"viable": False}])
async def test_a_contract_that_is_known_must_be_the_operators_and_alive(office: Office, stranger: Any) -> None:
    """One that is not known may be newer than the snapshot."""
    make = office.make
    fields = {"operator": make.address(stranger["operator"])} if "operator" in stranger else stranger
    ours = make.contract(1, address=office.contract, operator=office.operator)
    theirs = make.contract(1, address=office.contract, **({"operator": office.operator} | fields))
    assert await office.faults(office.shared(), make.state(contracts=(ours,))) == []
    assert await office.faults(office.shared(), make.state(contracts=(theirs,))) == [
        (Code.INVALID_CONTRACT_ADDRESS, "contract", None)
    ]


async def test_places_need_a_contract(office: Office) -> None:
    """The rest is judged as if there were one, so that nothing else need be sent twice."""
    proposed = office.shared((office.make.address(2), str(5_000 * TOKEN)), contract=None)
    assert await office.faults(proposed) == [(Code.INVALID_CONTRACT_ADDRESS, "contract", None)]


@pytest.mark.parametrize("fee", [0, 1_000])
async def test_a_solo_node_has_no_fee(office: Office, fee: int) -> None:
    """Not even one of nothing."""
    assert await office.faults(office.solo(fee=fee)) == [(Code.INVALID_FEE, "fee", None)]


@pytest.mark.parametrize(
    "address", ["", " ", "0x", "0x" + "g" * 40, ZERO_ADDRESS, "L" + "1" * 94, "0x" + "aB" * 20, "é" * 42, "x" * 100_000]
)
async def test_what_is_no_l2_address_is_refused_wherever_one_is_wanted(office: Office, address: str) -> None:
    """Empty, zero, Oxen's own, wrong checksum, endless: given back cut."""
    share = (address, str(5_000 * TOKEN))
    assert await office.faults(office.solo(operator=address)) == [(Code.INVALID_OPERATOR_ADDRESS, "operator", None)]
    assert await office.faults(office.shared(contract=address)) == [(Code.INVALID_CONTRACT_ADDRESS, "contract", None)]
    judged = await office.judge(office.shared(share))
    (error,) = judged.errors
    assert (error.code, error.index) == (Code.INVALID_RESERVED_ADDRESS, 0)
    assert error.address is not None
    assert len(error.address) < 200
    assert len(error.message) < 400


@pytest.mark.parametrize(
    "amount", ["", " 1", "-1", "+1", "1.0", "1e9", "0x1", "1_000", "٣", "²", "१", "nan", "9" * 79, "1" * 100_000, "1\n"]
)
async def test_what_is_no_amount_is_refused_wherever_one_is_wanted(office: Office, amount: str) -> None:
    """Digits are 0 to 9, and no more of them than any contract could hold."""
    wallet = office.make.address(2)
    assert await office.faults(office.solo(stake=amount)) == [(Code.INVALID_OPERATOR_STAKE, "stake", None)]
    assert await office.faults(office.shared((wallet, amount))) == [(Code.INVALID_RESERVED_STAKE, "reserved", 0)]


@pytest.mark.parametrize("amount", ["9" * 78, str(2**256), str(REQUIREMENT + 1)])
async def test_an_amount_beyond_all_measure_is_too_much(office: Office, amount: str) -> None:
    """However large, it is told in full."""
    judged = await office.judge(office.shared(stake=amount))
    (error,) = judged.errors
    assert (error.code, error.total, error.maximum) == (Code.TOO_MUCH, int(amount), REQUIREMENT)
    assert await office.faults(office.solo(stake=amount)) == [(Code.WRONG_OPERATOR_STAKE, "stake", None)]


async def test_places_without_end_are_counted_and_not_read(office: Office) -> None:
    """Nine of them at most make errors of their own."""
    judged = await office.judge(office.shared(*[("", "")] * 20_000))
    first, *others = judged.errors
    assert (first.code, first.total, first.maximum) == (Code.TOO_MANY, 20_000, 9)
    assert [error.index for error in others] == [index for index in range(9) for _ in ("address", "amount")]


texts = st.text(max_size=20) | st.from_regex(r"(0x)?[0-9a-fA-F]{0,300}", fullmatch=True) | st.integers().map(str)


@given(
    st.builds(
        ProposedRegistration,
        texts=st.builds(
            RegistrationTexts,
            pubkey=texts | st.just(IDENTITY.pubkey),
            pubkey_bls=texts | st.just(IDENTITY.pubkey_bls),
            sig_ed25519=texts,
            sig_bls=texts,
            operator=texts,
            contract=st.none() | texts,
        ),
        stake=texts,
        reserved=st.lists(st.builds(ProposedReservation, address=texts, amount=texts), max_size=12).map(tuple),
        fee=st.none() | st.integers(-(2**31), 2**31 - 1),
    )
)
@settings(max_examples=400, deadline=None)
async def test_any_text_is_judged_and_none_is_a_crash(office: Office, proposed: ProposedRegistration) -> None:
    """And the errors are always in the order of the input."""
    judged = await office.judge(proposed)
    assert not judged.valid
    places = [(FIELDS.index(error.field or ""), -1 if error.index is None else error.index) for error in judged.errors]
    assert places == sorted(places)
    assert all(error.message for error in judged.errors)
    again = await office.judge(proposed)
    assert again == judged
