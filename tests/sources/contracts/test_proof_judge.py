"""The rewards contract as a judge, on a real EVM: what it says, and all the ways in which it says nothing."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.deployment import Deployment
from sent_graphql.models.proofs import SignedKeys
from sent_graphql.models.registrations import RegistrationErrorCode as Code
from sent_graphql.sources.contracts.proof_judge import ContractProofJudge
from sent_graphql.sources.contracts.rpc import JsonRpc

KEYS = SignedKeys(
    pubkey="96eac155ccf4709c37fbb7850d421db9a6ab18931d32fd6bc22b56f94cbc541e",
    pubkey_bls="13" * 32 + "08" * 32,
    sig_ed25519="00" * 64,
    sig_bls="1b" * 32 + "02" * 32 + "03" * 32 + "04" * 32,
    operator="0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f",
)
ARGUMENTS = encode(
    ["(uint256,uint256)", "(uint256,uint256,uint256,uint256)", "address", "uint256"],
    [
        (int("13" * 32, 16), int("08" * 32, 16)),
        tuple(int(word * 32, 16) for word in ("1b", "02", "03", "04")),
        KEYS.operator,
        int(KEYS.pubkey, 16),
    ],
)
"""The call's arguments as an ABI encoder of others writes them."""


@pytest.fixture(scope="session")
def bytecode() -> bytes:
    source = Path(__file__).with_name("judge.vy")
    command = [sys.executable, "-m", "vyper.cli.vyper_compile", "-f", "bytecode", str(source)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return bytes.fromhex(done.stdout.strip().removeprefix("0x"))


class Court:
    """Judges that ask contracts on one chain."""

    def __init__(self, chain: Chain, deployment: Deployment, bytecode: bytes, rpc: JsonRpc) -> None:
        self.chain = chain
        self.deployment = deployment
        self.rpc = rpc
        self._bytecode = bytecode

    def judge(self, address: str) -> ContractProofJudge:
        """One who asks the contract at `address`."""
        return ContractProofJudge(self.rpc, address, timeout=30.0)

    async def of_verdict(self, verdict: str) -> ContractProofJudge:
        """One who asks a contract that gives this verdict on everything; without one, it takes ARGUMENTS alone."""
        data = self._bytecode + encode(["string", "bytes32"], [verdict, keccak(ARGUMENTS)])
        receipt = await self.chain.transact({"from": self.deployment.owner, "data": "0x" + data.hex()}, gas=5_000_000)
        assert receipt.contract_address is not None
        return self.judge(receipt.contract_address)


@pytest.fixture
def court(chain: Chain, deployment: Deployment, bytecode: bytes, make_rpc: Callable[..., JsonRpc]) -> Court:
    return Court(chain, deployment, bytecode, make_rpc(chain.url))


async def test_a_contract_that_accepts_has_nothing_to_say_against_the_very_arguments(court: Court) -> None:
    judge = await court.of_verdict("")
    assert await judge.judge(KEYS) == ()


@pytest.mark.parametrize(
    ("verdict", "field"),
    [
        ("InvalidBLSProofOfPossession", "sigBls"),
        ("NullBLSPubkey", "pubkeyBls"),
        ("NullEd25519Pubkey", "pubkey"),
        ("Invalid Signature", "sigBls"),
    ],
)
async def test_a_refusal_names_what_is_bad(court: Court, verdict: str, field: str) -> None:
    judgement = await (await court.of_verdict(verdict)).judge(KEYS)
    assert judgement is not None
    (problem,) = judgement
    assert (problem.code, problem.field) == (Code.SIGNATURE, field)
    assert verdict in problem.message


@pytest.mark.parametrize("verdict", ["EnforcedPause", "nothing", "something else", "Invalid"])
async def test_another_refusal_is_no_judgement(court: Court, verdict: str) -> None:
    assert await (await court.of_verdict(verdict)).judge(KEYS) is None


async def test_a_contract_without_the_function_gives_no_judgement(court: Court) -> None:
    assert await court.judge(court.deployment.token.address).judge(KEYS) is None


async def test_an_address_without_code_gives_no_judgement(court: Court) -> None:
    """A call of it succeeds with an empty answer, as a good proof does."""
    assert await court.judge(court.deployment.wallets[0]).judge(KEYS) is None


async def test_one_round_trip_is_enough(court: Court) -> None:
    judge = await court.of_verdict("")
    await judge.judge(KEYS)
    before = court.rpc.round_trips
    await judge.judge(KEYS)
    assert court.rpc.round_trips == before + 1


async def test_an_endpoint_that_never_answers_gives_no_judgement(make_rpc: Callable[..., JsonRpc], node: Any) -> None:
    async def never(_body: Any) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    node.standing_fault = never
    judge = ContractProofJudge(make_rpc(node.url), "0x" + "11" * 20, timeout=0.2)
    assert await judge.judge(KEYS) is None


async def test_an_endpoint_that_cannot_be_reached_gives_no_judgement(make_rpc: Callable[..., JsonRpc]) -> None:
    rpc = make_rpc("http://127.0.0.1:9", retries=0)
    assert await ContractProofJudge(rpc, "0x" + "11" * 20, timeout=5.0).judge(KEYS) is None
