"""Checks of proofs that hang: what waits for them is bounded, told in words, and holds nobody else up."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.deployment import STAKING_REQUIREMENT
from sent_graphql.localdev.identities import Identities
from sent_graphql.localdev.service_nodes import NodeStake
from sent_graphql.localdev.staking_client import StakingClient

STORE = """mutation ($input: StoreRegistrationInput!) { storeRegistration(input: $input) {
  registration { operator } errors { code field } } }"""
FIRST = "0x" + "11" * 20
ADMITTED = 1 + 32
"""One process, and `proofs.max_waiting`."""

BEYOND = 7
TIMEOUT = 5


@pytest.fixture
def l2(evm: Any) -> Any:
    """One L2 is enough to be asked."""
    return evm


async def signed_keys(l2: Any, deployment: Any, operator: str) -> dict[str, str]:
    """Good ones."""
    identity = Identities(78)[3]
    async with Chain(l2.url) as chain:
        proof = identity.prove_possession(StakingClient(chain, deployment).domain, operator)
    return {
        "pubkey": identity.pubkey,
        "pubkeyBls": identity.pubkey_bls,
        "sigEd25519": identity.register((NodeStake(operator, operator, STAKING_REQUIREMENT),), 0).signature,
        "sigBls": "".join(f"{word:064x}" for word in proof),
        "operator": operator,
    }


def checkers_of(pid: int) -> list[int]:
    """The processes that check proofs for that service."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"workers.child" in Path(f"/proc/{child}/cmdline").read_bytes()]


def refusal(response: httpx.Response) -> str:
    """What a client is told whose registration was not checked."""
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "OVERLOADED"
    assert error["extensions"]["retryAfter"] > 0
    return str(error["message"])


def old_words(keys: dict[str, str]) -> dict[str, str]:
    """The same for `/store`."""
    names = {"pubkeyBls": "pubkey_bls", "sigEd25519": "sig_ed25519", "sigBls": "sig_bls", "operator": "operator"}
    return {names[name]: value for name, value in keys.items() if name in names}


async def test_checks_that_hang_are_bounded_and_told_and_hold_nobody_up(stage: Any, l2: Any, watch: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve(environ={"SENT_PROOFS__TIMEOUT": str(TIMEOUT)})
    keys = await signed_keys(l2, stage.deployment, FIRST)
    stored = (await service.query(STORE, input=keys))["storeRegistration"]
    assert stored == {"registration": {"operator": FIRST}, "errors": []}
    (checker,) = checkers_of(service.process.pid)
    os.kill(checker, signal.SIGSTOP)

    async def ask(number: int) -> httpx.Response:
        proposed = keys | {"operator": f"0x{number:040x}"}
        body = {"query": STORE, "variables": {"input": proposed}}
        response: httpx.Response = await service.client.post("/graphql", json=body)
        return response

    asked = [asyncio.create_task(ask(number)) for number in range(1, ADMITTED + BEYOND + 1)]
    pending: set[asyncio.Task[httpx.Response]] = set(asked)
    while len(pending) > ADMITTED:
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    told = [refusal(task.result()) for task in asked if task not in pending]
    assert len(told) == BEYOND
    assert all(f"{ADMITTED} registrations are being checked: try again in" in message for message in told)

    old = await service.client.get(f"/store/{keys['pubkey']}", params=old_words(keys | {"operator": "0x" + "22" * 20}))
    assert old.status_code == 503
    assert int(old.headers["retry-after"]) > 0
    assert await service.query(watch.shown)
    assert (await service.client.get("/healthz")).status_code == 200
    assert not any(task.done() for task in pending), "nobody else waited for the checks"

    told = [refusal(await task) for task in pending]
    assert all(f"not done within {TIMEOUT} s: try again in" in message for message in told)
    again = await ask(ADMITTED + BEYOND + 1)
    assert again.json()["data"]["storeRegistration"]["errors"] == [{"code": "SIGNATURE", "field": "sigBls"}]
    assert len(checkers_of(service.process.pid)) == 1
    watch.unharmed(service)
