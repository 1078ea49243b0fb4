"""Registrations through the whole service: made by the command line, checked by contract and workers, kept on disk."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from typing import Any
from urllib.parse import parse_qs

MUTATION = """mutation ($input: StoreRegistrationInput!) { storeRegistration(input: $input) {
  registration { kind operator contract } errors { code field } judgedBy } }"""
READY = "{ network { chainId } }"


async def make_registration(service: Any, operator: str, *options: str) -> Any:
    """What `sent-graphql make-registration` prints for the service that runs."""
    command = ["make-registration", "--operator", operator, "--url", str(service.client.base_url), *options]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "sent_graphql", *command, stdout=PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(output)


async def test_what_is_made_is_stored_found_and_kept(stage: Any) -> None:
    operator, contract = stage.deployment.wallets[3], stage.deployment.wallets[4]
    await stage.oxend.start()
    service = await stage.serve()
    await service.until(READY, lambda _: True)
    solo = await make_registration(service, operator)
    shared = await make_registration(service, operator, "--contract", contract)
    pubkey = solo["registration"]["pubkey"]

    stored = await service.query(MUTATION, **solo["graphql"]["variables"])
    assert stored["storeRegistration"] == {
        "registration": {"kind": "SOLO", "operator": operator, "contract": None},
        "errors": [],
        "judgedBy": ["CONTRACT", "SERVICE"],
    }
    form = parse_qs(shared["curl"].split("'")[1])
    response = await service.client.post(f"/store/{pubkey}", data={name: value for name, (value,) in form.items()})
    assert response.json()["registration"]["contract"] == contract

    found = (await service.client.get(f"/registrations/{operator}")).json()["registrations"]
    assert [(one["type"], one["pubkey_ed25519"]) for one in found] == [("contract", pubkey), ("solo", pubkey)]

    # The local contract looks at no signature: it accepts what this service then refuses.
    forged = solo["registration"] | {"operator": contract}
    refused = (await service.query(MUTATION, input=forged))["storeRegistration"]
    assert refused["registration"] is None
    assert refused["errors"] == [{"code": "SIGNATURE", "field": "sigBls"}]
    assert refused["judgedBy"] == ["CONTRACT", "SERVICE"]

    assert await service.stop() == 0
    assert any("the contract accepts a proof of possession that does not hold" in line for line in service.log)
    again = await stage.serve()
    await again.until(READY, lambda _: True)
    kept = (await again.client.get(f"/registrations/{pubkey}")).json()["registrations"]
    assert kept == found


async def test_while_the_rpc_is_away_this_service_judges_alone(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await service.until(READY, lambda _: True)
    made = await make_registration(service, stage.deployment.wallets[3])
    await stage.gate.shut()
    stored = (await service.query(MUTATION, **made["graphql"]["variables"]))["storeRegistration"]
    assert (stored["errors"], stored["judgedBy"]) == ([], ["SERVICE"])
    await stage.gate.open()
