"""Which request a message answers."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.sources.oxend.errors import OxendError, OxendRefusedError, OxendUnreachableError
from sent_graphql.sources.oxend.frames import MAX_BODY_BYTES, InFlight, is_push, request_frames


@given(st.permutations(range(8)))
def test_replies_find_their_requests_in_any_order(order: list[int]) -> None:
    async def exchange() -> None:
        waiting = InFlight()
        requests = [waiting.add(f"rpc.c{number}") for number in range(8)]
        assert len({tag for tag, _ in requests}) == 8
        for number in order:
            waiting.reply([b"REPLY", requests[number][0], b"200", b"%d" % number])
        assert [await reply for _, reply in requests] == [[b"200", b"%d" % number] for number in range(8)]
        assert len(waiting) == 0

    asyncio.run(exchange())


async def test_a_second_or_unknown_or_tagless_reply_is_dropped() -> None:
    waiting = InFlight()
    tag, reply = waiting.add("rpc.x")
    for frames in ([b"REPLY"], [b"REPLY", b"other", b"no"], [b"REPLY", tag, b"first"], [b"REPLY", tag, b"second"]):
        waiting.reply(frames)
    assert await reply == [b"first"]


async def test_an_untagged_refusal_ends_every_request_of_that_name_and_no_other() -> None:
    waiting = InFlight()
    refused = [waiting.add("rpc.nosuch")[1] for _ in range(2)]
    tag, other = waiting.add("rpc.x")
    waiting.refuse([b"UNKNOWNCOMMAND", b"rpc.nosuch"])
    for reply in refused:
        with pytest.raises(OxendRefusedError, match=r"rpc\.nosuch: UNKNOWNCOMMAND"):
            await reply
    waiting.reply([b"REPLY", tag])
    assert await other == []


async def test_a_tagged_refusal_ends_its_own_request_alone() -> None:
    waiting = InFlight()
    tag, refused = waiting.add("admin.x")
    _, other = waiting.add("admin.x")
    waiting.refuse([b"FORBIDDEN", b"REPLY", tag])
    waiting.refuse([b"FORBIDDEN", b"REPLY", b"other tag"])
    with pytest.raises(OxendRefusedError) as refusal:
        await refused
    assert refusal.value.code == "FORBIDDEN"
    assert not other.done()


@pytest.mark.parametrize("frames", [[b"FORBIDDEN"], [b"NO_REPLY_TAG", b"\xff"], [b"UNKNOWNCOMMAND", b""]])
async def test_a_refusal_of_nothing_we_asked_ends_nothing(frames: list[bytes]) -> None:
    waiting = InFlight()
    _, reply = waiting.add("rpc.x")
    waiting.refuse(frames)
    assert not reply.done()


async def test_a_lost_connection_ends_every_wait_once() -> None:
    waiting = InFlight()
    replies = [waiting.add("rpc.x")[1] for _ in range(3)]
    replies[0].cancel()
    waiting.fail(OxendUnreachableError("gone"))
    for reply in replies[1:]:
        with pytest.raises(OxendUnreachableError):
            await reply
    waiting.fail(OxendUnreachableError("gone again"))


def test_an_empty_body_is_never_sent() -> None:
    assert request_frames("rpc.x", b"tag", None) == request_frames("rpc.x", b"tag", b"") == [b"rpc.x", b"tag"]
    assert request_frames("rpc.x", b"tag", b"{}") == [b"rpc.x", b"tag", b"{}"]


def test_a_body_for_which_oxend_would_cut_the_connection_is_not_sent() -> None:
    assert request_frames("rpc.x", b"tag", bytes(MAX_BODY_BYTES))
    with pytest.raises(OxendError, match="larger than oxend accepts"):
        request_frames("rpc.x", b"tag", bytes(MAX_BODY_BYTES + 1))


def test_a_push_is_a_command_with_a_category() -> None:
    assert is_push([b"notify.block", b"1", bytes(32)])
    assert not is_push([b""])
    assert not is_push([b"HELLO"])
