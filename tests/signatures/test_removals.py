"""An exit's or a liquidation's signature is for the node that was asked for, and still good, or it is withheld."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.bls import Signature, aggregate_public_keys, verify
from sent_graphql.models.signatures import RequestErrorCode, RequestRefusedError
from sent_graphql.signatures.service import SignatureService
from sent_graphql.signatures.verification import Case, Domain, SignedKind, Statement, Verdict, verify_aggregate

Serve = Callable[..., Awaitable[SignatureService]]
COMMAND = "rpc.bls_exit_liquidation_request"


async def refusal(request: Awaitable[object]) -> RequestErrorCode:
    with pytest.raises(RequestRefusedError) as refused:
        await request
    return refused.value.code


@pytest.mark.parametrize("liquidate", [False, True])
async def test_a_good_reply_is_handed_on_and_verifies(world: Any, serve: Serve, *, liquidate: bool) -> None:
    world.replies[COMMAND] = world.removal(liquidate=liquidate, age=30, absent=(2,))
    service = await serve()
    request = service.liquidation if liquidate else service.exit
    given = await request(world.leaver.pubkey)
    assert world.requests == [(COMMAND, {"pubkey": world.leaver.pubkey, "liquidate": liquidate})]
    assert given.pubkey_bls == world.leaver.pubkey_bls
    assert given.timestamp == int(world.now) - 30
    assert given.expires_at == datetime.fromtimestamp(given.timestamp + 600, UTC)
    assert (given.non_signer_ids, given.sufficient) == ((2,), True)
    make = world.domain.liquidation if liquidate else world.domain.exit
    message = make(world.leaver.bls_pubkey, given.timestamp)
    signers = aggregate_public_keys(one.bls_pubkey for number, one in world.identities.items() if number != 2)
    assert verify(signers, Signature.from_hex(given.signature), message, world.domain.hash_tag)
    assert given.message_to_sign == message.hex()


def another_node(world: Any) -> Any:
    return world.removal(number=3)


def another_node_in_the_message(world: Any) -> Any:
    return world.removal(number=3) | {"bls_pubkey": world.leaver.pubkey_bls}


def no_point_as_key(world: Any) -> Any:
    return world.removal() | {"bls_pubkey": "11" * 64}


def a_liquidation(world: Any) -> Any:
    return world.removal(liquidate=True)


def another_timestamp(world: Any) -> Any:
    return world.removal(age=60) | {"timestamp": int(world.now)}


def the_future(world: Any) -> Any:
    return world.removal(age=-301)


def expired(world: Any) -> Any:
    return world.removal(age=600)


def a_signer_too_many(world: Any) -> Any:
    return world.removal(absent=(2,)) | {"non_signer_indices": []}


def another_signature(world: Any) -> Any:
    return world.removal(age=5) | {"signature": world.removal(age=6)["signature"]}


def a_claim(world: Any) -> Any:
    claim = world.claim()
    return world.removal() | {"msg_to_sign": claim["msg_to_sign"], "signature": claim["signature"]}


FORGERIES = [
    *(another_node, another_node_in_the_message, no_point_as_key, a_liquidation, another_timestamp, the_future),
    *(expired, a_signer_too_many, another_signature, a_claim),
]


@pytest.mark.parametrize("forged", FORGERIES)
async def test_a_forged_reply_is_withheld(world: Any, serve: Serve, forged: Callable[[Any], Any]) -> None:
    world.replies[COMMAND] = forged(world)
    service = await serve()
    assert await refusal(service.exit(world.leaver.pubkey)) is RequestErrorCode.SIGNATURE_INVALID
    assert world.latest_reads <= 1


async def test_an_exit_does_not_serve_as_a_liquidation(world: Any, serve: Serve) -> None:
    world.replies[COMMAND] = world.removal(liquidate=False)
    service = await serve()
    assert await refusal(service.liquidation(world.leaver.pubkey)) is RequestErrorCode.SIGNATURE_INVALID


async def test_a_node_that_the_view_does_not_know_yet_is_read_at_the_newest_block(
    world: Any, serve: Serve, signers_of: Any
) -> None:
    world.latest = world.signers
    world.signers = signers_of({number: one for number, one in world.identities.items() if number != 6})
    world.replies[COMMAND] = world.removal()
    assert (await (await serve()).exit(world.leaver.pubkey)).pubkey_bls == world.leaver.pubkey_bls
    assert world.latest_reads == 1


async def test_clocks_that_differ_by_minutes_are_no_fault(world: Any, serve: Serve) -> None:
    world.replies[COMMAND] = world.removal(age=-240)
    assert (await (await serve()).exit(world.leaver.pubkey)).timestamp == int(world.now) + 240


async def test_an_exit_is_kept_until_it_nears_its_end(world: Any, serve: Serve) -> None:
    service = await serve(exit_margin=120)
    world.replies[COMMAND] = world.removal()
    first = await service.exit(world.leaver.pubkey)
    world.now += 479
    assert await service.exit(world.leaver.pubkey) is first
    world.now += 1
    world.replies[COMMAND] = world.removal()
    second = await service.exit(world.leaver.pubkey)
    assert second.timestamp == first.timestamp + 480
    assert len(world.requests) == 2


async def test_one_that_oxend_kept_until_near_its_end_is_handed_on_but_not_kept(world: Any, serve: Serve) -> None:
    service = await serve()
    world.replies[COMMAND] = world.removal(age=590)
    assert (await service.exit(world.leaver.pubkey)).expires_at.timestamp() == world.now + 10
    await service.exit(world.leaver.pubkey)
    assert len(world.requests) == 2


async def test_exit_and_liquidation_of_one_node_are_kept_apart(world: Any, serve: Serve) -> None:
    service = await serve()
    world.replies[COMMAND] = world.removal()
    exiting = await service.exit(world.leaver.pubkey)
    world.replies[COMMAND] = world.removal(liquidate=True)
    liquidating = await service.liquidation(world.leaver.pubkey)
    assert exiting.signature != liquidating.signature
    assert await service.exit(world.leaver.pubkey) is exiting
    assert await service.liquidation(world.leaver.pubkey) is liquidating
    assert len(world.requests) == 2


async def test_one_is_not_kept_over_a_change_of_the_contracts_nodes(world: Any, serve: Serve, signers_of: Any) -> None:
    service = await serve()
    world.replies[COMMAND] = world.removal()
    await service.exit(world.leaver.pubkey)
    del world.identities[1]
    world.signers = signers_of(world.identities)
    assert await refusal(service.exit(world.leaver.pubkey)) is RequestErrorCode.SIGNATURE_INVALID
    world.replies[COMMAND] = world.removal()
    assert (await service.exit(world.leaver.pubkey)).sufficient


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("is invalid, node is not in the list of recently exited nodes.", RequestErrorCode.NOT_IN_EXIT_LIST),
        ("is invalid. Node cannot be removed yet.", RequestErrorCode.NOT_REMOVABLE_YET),
    ],
)
async def test_oxends_refusals_are_told(world: Any, serve: Serve, words: str, meant: RequestErrorCode) -> None:
    world.replies[COMMAND] = f"RPC error -14: Exit request for SN ab at height 5 {words} Request rejected"
    assert await refusal((await serve()).exit(world.leaver.pubkey)) is meant


async def test_exits_that_hang_do_not_shut_claims_out(world: Any, serve: Serve) -> None:
    service = await serve(timeout=0.1, breaker_failures=1, max_in_flight=1, max_waiting=0)
    world.replies |= {COMMAND: None, "rpc.bls_rewards_request": world.claim()}
    hanging = asyncio.create_task(refusal(service.exit(world.leaver.pubkey)))
    await asyncio.sleep(0)
    assert (await service.rewards_claim(world.wallet)).sufficient
    assert await hanging is RequestErrorCode.UPSTREAM_TIMEOUT
    assert await refusal(service.exit(world.leaver.pubkey)) is RequestErrorCode.UPSTREAM_UNAVAILABLE
    assert await refusal(service.liquidation(world.leaver.pubkey)) is RequestErrorCode.UPSTREAM_UNAVAILABLE


@given(
    message=st.binary(min_size=32, max_size=150),
    signature=st.binary(min_size=128, max_size=128),
    aggregate=st.binary(min_size=64, max_size=64),
    absent=st.lists(st.binary(min_size=64, max_size=64), max_size=3),
    kind=st.sampled_from(SignedKind),
    number=st.integers(0, 2**63 - 1),
)
def test_no_bytes_pass_or_crash_the_check(
    *, message: bytes, signature: bytes, aggregate: bytes, absent: list[bytes], kind: SignedKind, number: int
) -> None:
    wallet_or_key = "0x" + "01" * 20 if kind is SignedKind.REWARD else "11" * 64
    case = Case(
        domain=Domain(31337, "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707"),
        statement=Statement(kind, wallet_or_key, number),
        message=message.hex(),
        signature=signature.hex(),
        aggregate_pubkey=aggregate.hex(),
        absent=tuple(key.hex() for key in absent),
    )
    assert verify_aggregate(case) in (Verdict.OTHER_MESSAGE, Verdict.NO_POINT)
