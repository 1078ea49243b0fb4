"""Many calls in one, as the canonical Multicall3 answers them."""

from typing import Any

import pytest
from eth_abi.abi import decode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sent_graphql.localdev.chain import Chain, RevertError
from sent_graphql.localdev.deployment import Deployment


async def aggregate(chain: Chain, deployment: Deployment, calls: list[tuple[str, bool, bytes]]) -> Any:
    return await chain.call(deployment.multicall, "aggregate3", calls)


async def test_answers_come_in_order_and_of_any_length(chain: Chain, deployment: Deployment) -> None:
    token, rewards = deployment.token, deployment.rewards
    calls = [
        (token.address, True, token.artefact.function("name", 0).encode([])),
        (rewards.address, True, rewards.artefact.function("allServiceNodeIDs", 0).encode([])),
        (deployment.owner, True, b"\x01\x02\x03"),
        (token.address, True, token.artefact.function("decimals", 0).encode([])),
    ]
    name, nodes, no_code, decimals = await aggregate(chain, deployment, calls)
    assert decode(["string"], name[1]) == ("Session Token",)
    assert decode(["uint64[]", "(uint256,uint256)[]"], nodes[1]) == ((), ())
    assert no_code == (True, b"")
    assert decode(["uint8"], decimals[1]) == (9,)


async def test_a_failure_is_told_with_its_revert_data(chain: Chain, deployment: Deployment) -> None:
    start = deployment.rewards.artefact.function("start", 0).encode([])
    ((success, data),) = await aggregate(chain, deployment, [(deployment.rewards.address, True, start)])
    assert success is False
    assert data[:4].hex() == "118cdaa7"


async def test_a_failure_that_is_not_allowed_fails_all(chain: Chain, deployment: Deployment) -> None:
    start = deployment.rewards.artefact.function("start", 0).encode([])
    fine = deployment.token.artefact.function("name", 0).encode([])
    calls = [(deployment.token.address, False, fine), (deployment.rewards.address, False, start)]
    with pytest.raises(RevertError, match="Multicall3: call failed"):
        await aggregate(chain, deployment, calls)


async def test_no_calls_have_no_answers(chain: Chain, deployment: Deployment) -> None:
    assert await aggregate(chain, deployment, []) == ()


async def test_five_hundred_calls_fit(chain: Chain, deployment: Deployment) -> None:
    read = deployment.rewards.artefact.function("serviceNodes", 1).encode([1])
    answers = await aggregate(chain, deployment, [(deployment.rewards.address, True, read)] * 500)
    assert len(answers) == 500
    assert set(answers) == {(True, answers[0][1])}


async def test_the_chain_s_own_figures_are_those_of_the_block(chain: Chain, deployment: Deployment) -> None:
    number = await chain.block_number()
    assert await chain.call(deployment.multicall, "getBlockNumber", block=number) == number
    assert await chain.call(deployment.multicall, "getCurrentBlockTimestamp") == await chain.timestamp()
    assert await chain.call(deployment.multicall, "getChainId") == 31337


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payloads=st.lists(st.binary(max_size=100), max_size=6))
async def test_data_passes_through_unchanged(chain: Chain, deployment: Deployment, payloads: list[bytes]) -> None:
    """The identity precompile gives back what it is sent, of whatever length."""
    identity = "0x" + "00" * 19 + "04"
    answers = await aggregate(chain, deployment, [(identity, False, payload) for payload in payloads])
    assert answers == tuple((True, payload) for payload in payloads)
