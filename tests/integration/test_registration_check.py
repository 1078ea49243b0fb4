"""A registration through the whole service: judged, then taken by the contract, then known."""

from typing import Any

import pytest

from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.deployment import STAKING_REQUIREMENT
from sent_graphql.localdev.identities import Identities
from sent_graphql.localdev.service_nodes import NodeStake
from sent_graphql.localdev.staking_client import StakingClient

CHECK = """query ($input: RegistrationInput!) { validateRegistration(input: $input) {
  valid remainingContribution remainingSpots remainingMinContribution errors { code field required } } }"""
NODES = "{ serviceNodes(filter: { states: [REGISTERING] }) { nodes { pubkey } } }"


async def check(service: Any, **given: Any) -> Any:
    return (await service.query(CHECK, input=given))["validateRegistration"]


@pytest.mark.parametrize("l2", ["evm"], indirect=True)
async def test_what_is_judged_valid_is_taken_by_the_contract_and_then_known_as_registered(stage: Any, l2: Any) -> None:
    identity, operator = Identities(77)[5], stage.deployment.wallets[3]
    registration = identity.register((NodeStake(operator, operator, STAKING_REQUIREMENT),), 0)
    await stage.oxend.start()
    service = await stage.serve()
    async with Chain(l2.url) as chain:
        before = await chain.snapshot()
        client = StakingClient(chain, stage.deployment)
        proof = identity.prove_possession(client.domain, operator)
        keys = {
            "pubkey": identity.pubkey,
            "pubkeyBls": identity.pubkey_bls,
            "sigEd25519": registration.signature,
            "sigBls": "".join(f"{word:064x}" for word in proof),
            "operator": operator.lower(),
        }
        await service.until(NODES, lambda _: True)

        shared = {"contract": "0x" + "12" * 20, "fee": 500, "stake": str(STAKING_REQUIREMENT // 4)}
        assert await check(service, **keys, **shared) == {
            "valid": True,
            "remainingContribution": str(STAKING_REQUIREMENT // 4 * 3),
            "remainingSpots": 9,
            "remainingMinContribution": str(-(-STAKING_REQUIREMENT // 4 * 3 // 9)),
            "errors": [],
        }
        less = await check(service, **keys | {"sigEd25519": "00" * 64}, stake="1")
        assert [(error["code"], error["field"], error["required"]) for error in less["errors"]] == [
            ("SIGNATURE", "sigEd25519", None),
            ("WRONG_OPERATOR_STAKE", "stake", str(STAKING_REQUIREMENT)),
        ]

        assert (await check(service, **keys, stake=str(STAKING_REQUIREMENT)))["valid"] is True
        await client.register(identity, registration)
        await service.until(NODES, lambda data: {"pubkey": identity.pubkey} in data["serviceNodes"]["nodes"])
        known = await check(service, **keys, stake=str(STAKING_REQUIREMENT))
        assert [(error["code"], error["field"]) for error in known["errors"]] == [
            ("ALREADY_REGISTERED", "pubkey"),
            ("ALREADY_REGISTERED", "pubkeyBls"),
        ]
        await chain.revert(before)
