"""A claim is the network's word on the wallet that was asked for, or it is withheld."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sent_graphql.bls import Signature, SigningDomain, aggregate_public_keys, verify
from sent_graphql.models.signatures import RequestErrorCode, RequestRefusedError
from sent_graphql.signatures.claims import Top
from sent_graphql.signatures.service import SignatureService
from sent_graphql.sources.errors import SourceError
from sent_graphql.workers.errors import WorkersBusyError

Serve = Callable[..., Awaitable[SignatureService]]
COMMAND = "rpc.bls_rewards_request"
OTHER_WALLET = "0x00000000000000000000000000000000000000b2"
OXEN_ADDRESS = "dV3EhSE1xXgSzswBgVioqFNTfcqGopvTrcYjs4YDLHUfU64DuHxFoEmbwoyipTidGiTXx5EuYdgzZhDLMTo9uEv82M4A7Uimp"


async def refusal(request: Awaitable[object]) -> RequestRefusedError:
    with pytest.raises(RequestRefusedError) as refused:
        await request
    return refused.value


async def test_a_good_reply_becomes_a_claim_whose_signature_verifies(world: Any, serve: Serve) -> None:
    world.replies[COMMAND] = world.claim(amount=5_000, absent=(2, 4))
    claim = await (await serve()).rewards_claim(world.wallet)
    assert (claim.address, claim.amount, claim.height) == (world.wallet, 5_000, world.height - 1)
    assert claim.non_signer_ids == (2, 4)
    assert claim.sufficient
    message = bytes.fromhex(claim.message_to_sign)
    assert message == world.domain.reward(world.wallet, 5_000)
    signers = aggregate_public_keys(world.identities[number].bls_pubkey for number in (1, 3, 5, 6))
    assert verify(signers, Signature.from_hex(claim.signature), message, world.domain.hash_tag)
    assert world.latest_reads == 0, "the view of the contracts was enough"


async def test_with_more_non_signers_than_allowed_it_is_not_sufficient(world: Any, serve: Serve) -> None:
    world.replies[COMMAND] = world.claim(absent=(1, 2, 3))
    claim = await (await serve()).rewards_claim(world.wallet)
    assert not claim.sufficient
    assert claim.non_signer_ids == (1, 2, 3)


def another_wallet(world: Any) -> Any:
    return world.claim(wallet=OTHER_WALLET)


def another_wallet_in_the_message(world: Any) -> Any:
    return world.claim(wallet=OTHER_WALLET) | {"address": world.wallet}


def another_amount(world: Any) -> Any:
    return world.claim(amount=5_000) | {"amount": 9_000}


def another_amount_in_the_message(world: Any) -> Any:
    message = world.domain.reward(world.wallet, 9_000)
    return world.claim(amount=5_000) | {"amount": 9_000, "msg_to_sign": message.hex()}


def nothing_earned(world: Any) -> Any:
    return world.claim(amount=0)


def a_height_that_cannot_be(world: Any) -> Any:
    return world.claim() | {"height": 1_000_000}


def another_chain(world: Any) -> Any:
    domain = SigningDomain(42161, "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707")
    message = domain.reward(world.wallet, 5_000)
    return world.claim() | {"msg_to_sign": message.hex(), "signature": world.sign(message, domain=domain)}


def another_contract(world: Any) -> Any:
    domain = SigningDomain(31337, OTHER_WALLET)
    message = domain.reward(world.wallet, 5_000)
    return world.claim() | {"msg_to_sign": message.hex(), "signature": world.sign(message, domain=domain)}


def a_replayed_exit(world: Any) -> Any:
    old = world.removal()
    return world.claim() | {"msg_to_sign": old["msg_to_sign"], "signature": old["signature"]}


def a_replayed_signature(world: Any) -> Any:
    return world.claim() | {"signature": world.claim(amount=4_000)["signature"]}


def no_point(world: Any) -> Any:
    return world.claim() | {"signature": "11" * 128}


def infinity(world: Any) -> Any:
    return world.claim() | {"signature": "00" * 128}


def a_signer_too_many(world: Any) -> Any:
    return world.claim(absent=(2,)) | {"non_signer_indices": []}


def a_signer_too_few(world: Any) -> Any:
    return world.claim() | {"non_signer_indices": [2]}


def another_non_signer(world: Any) -> Any:
    return world.claim(absent=(2,)) | {"non_signer_indices": [3]}


def a_non_signer_that_is_no_node(world: Any) -> Any:
    return world.claim() | {"non_signer_indices": [77]}


def a_non_signer_named_twice(world: Any) -> Any:
    return world.claim(absent=(2,)) | {"non_signer_indices": [2, 2]}


def nobody_signed(world: Any) -> Any:
    return world.claim() | {"non_signer_indices": [1, 2, 3, 4, 5, 6]}


FORGERIES = [
    *(another_wallet, another_wallet_in_the_message, another_amount, another_amount_in_the_message, nothing_earned),
    *(a_height_that_cannot_be, another_chain, another_contract, a_replayed_exit, a_replayed_signature, no_point),
    *(infinity, a_signer_too_many, a_signer_too_few, another_non_signer, a_non_signer_that_is_no_node),
    *(a_non_signer_named_twice, nobody_signed),
]


@pytest.mark.parametrize("forged", FORGERIES)
async def test_a_forged_reply_is_withheld(world: Any, serve: Serve, forged: Callable[[Any], Any]) -> None:
    world.replies[COMMAND] = forged(world)
    service = await serve()
    refused = await refusal(service.rewards_claim(world.wallet))
    assert refused.code is RequestErrorCode.SIGNATURE_INVALID
    assert world.latest_reads <= 1
    world.replies[COMMAND] = world.claim()
    assert (await service.rewards_claim(world.wallet)).amount == 5_000, "and nothing of it was kept"


async def test_nodes_that_the_view_does_not_know_yet_are_read_at_the_newest_block(
    world: Any, serve: Serve, signers_of: Any
) -> None:
    world.latest = world.signers
    known = {number: one for number, one in world.identities.items() if number != 6}
    world.signers = signers_of(known)
    world.replies[COMMAND] = world.claim(absent=(6,))
    claim = await (await serve()).rewards_claim(world.wallet)
    assert claim.non_signer_ids == (6,)
    assert world.latest_reads == 1


async def test_a_node_that_signed_and_that_the_view_does_not_know_yet(
    world: Any, serve: Serve, signers_of: Any
) -> None:
    world.latest = world.signers
    world.signers = signers_of({number: one for number, one in world.identities.items() if number != 6})
    world.replies[COMMAND] = world.claim(absent=(2,))
    assert (await (await serve()).rewards_claim(world.wallet)).non_signer_ids == (2,)
    assert world.latest_reads == 1


async def test_before_the_contracts_were_read_the_newest_block_is_asked(world: Any, serve: Serve) -> None:
    world.latest, world.signers, world.top = world.signers, None, None
    world.replies[COMMAND] = world.claim()
    assert (await (await serve()).rewards_claim(world.wallet)).sufficient


async def test_where_the_newest_block_cannot_be_read_it_is_not_called_forged(
    world: Any, serve: Serve, signers_of: Any
) -> None:
    world.signers = signers_of({1: world.identities[1]})
    world.latest = SourceError("https://rpc.example/secret is gone")
    world.replies[COMMAND] = world.claim()
    refused = await refusal((await serve()).rewards_claim(world.wallet))
    assert refused.code is RequestErrorCode.UPSTREAM_UNAVAILABLE
    assert "secret" not in refused.message


async def test_without_a_free_worker_the_request_is_put_off(world: Any, serve: Serve) -> None:
    async def busy(*_: object) -> None:
        raise WorkersBusyError("9 checks are waiting already: try again in 5 s", retry_after=5)

    world.workers.run = busy
    world.replies[COMMAND] = world.claim()
    refused = await refusal((await serve()).rewards_claim(world.wallet))
    assert refused.code is RequestErrorCode.RATE_LIMITED
    assert "5 s" in refused.message


@pytest.mark.parametrize("address", [OXEN_ADDRESS, "0x" + "00" * 20])
async def test_what_the_contract_never_pays_is_refused_without_asking(world: Any, serve: Serve, address: str) -> None:
    refused = await refusal((await serve()).rewards_claim(address))
    assert refused.code is RequestErrorCode.NO_REWARDS
    assert "0x" in refused.message
    assert world.requests == []


async def test_a_claim_is_kept_until_the_next_block(world: Any, serve: Serve) -> None:
    service = await serve()
    world.replies[COMMAND] = world.claim(amount=5_000)
    first = await service.rewards_claim(world.wallet)
    world.replies[COMMAND] = world.claim(amount=6_000)
    assert await service.rewards_claim(world.wallet) == first
    assert len(world.requests) == 1
    world.top = Top(world.height + 1, "bb")
    assert (await service.rewards_claim(world.wallet)).amount == 6_000
    assert len(world.requests) == 2


async def test_a_claim_is_not_kept_over_a_change_of_the_contracts_nodes(
    world: Any, serve: Serve, signers_of: Any
) -> None:
    service = await serve()
    world.replies[COMMAND] = world.claim()
    await service.rewards_claim(world.wallet)
    del world.identities[6]
    world.signers = signers_of(world.identities)
    world.replies[COMMAND] = world.claim()
    await service.rewards_claim(world.wallet)
    assert len(world.requests) == 2


async def test_so_many_are_kept_and_the_oldest_goes(world: Any, serve: Serve) -> None:
    service = await serve(cache_entries=1)
    for wallet, asked in ((world.wallet, 1), (OTHER_WALLET, 2), (OTHER_WALLET, 2), (world.wallet, 3)):
        world.replies[COMMAND] = world.claim(wallet=wallet)
        await service.rewards_claim(wallet)
        assert len(world.requests) == asked


async def test_callers_of_one_wallet_share_one_request_and_one_check(world: Any, serve: Serve) -> None:
    service = await serve()
    world.replies[COMMAND] = world.claim()
    claims = await asyncio.gather(*(service.rewards_claim(world.wallet) for _ in range(20)))
    assert len({id(claim) for claim in claims}) == 1
    assert len(world.requests) == world.workers.done == 1


async def test_a_refusal_of_oxend_is_told_and_costs_nobody_the_breaker(world: Any, serve: Serve) -> None:
    service = await serve(breaker_failures=1)
    world.replies[COMMAND] = (
        "RPC error -14: Aggregating a rewards request for '0x01' for 0 SENT at height 7 is invalid because no rewards "
        "are available. Request rejected."
    )
    for _ in range(3):
        assert (await refusal(service.rewards_claim(world.wallet))).code is RequestErrorCode.NO_REWARDS
    assert len(world.requests) == 3


async def test_an_oxend_that_hangs_is_given_up_and_then_left_alone(world: Any, serve: Serve) -> None:
    service = await serve(timeout=0.1, breaker_failures=2, breaker_initial=30)
    world.replies[COMMAND] = None
    for _ in range(2):
        assert (await refusal(service.rewards_claim(world.wallet))).code is RequestErrorCode.UPSTREAM_TIMEOUT
    assert (await refusal(service.rewards_claim(world.wallet))).code is RequestErrorCode.UPSTREAM_UNAVAILABLE
    assert len(world.requests) == 2
    world.clock += 30
    world.replies[COMMAND] = world.claim()
    assert (await service.rewards_claim(world.wallet)).amount == 5_000


async def test_a_reply_that_is_none_is_an_upstream_error(world: Any, serve: Serve) -> None:
    service = await serve()
    world.replies[COMMAND] = world.claim() | {"signature": "short"}
    assert (await refusal(service.rewards_claim(world.wallet))).code is RequestErrorCode.UPSTREAM_ERROR
