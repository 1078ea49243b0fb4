"""Clients that do not read, or send in crumbs, over the bare protocol: what they cost the server is bounded."""

import asyncio
import json
import logging
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode

from sent_graphql.http import framing


async def test_who_does_not_read_is_cut_when_no_sign_of_life_comes(serve: Any, bare: Any) -> None:
    stage = await serve(ping_interval=0.2, ping_timeout=0.2)
    client = await bare(stage)
    _, sending = await client.overwhelm()
    async with asyncio.timeout(30):
        await stage.connections.emptied()
        await client.is_cut()
    await asyncio.gather(sending, return_exceptions=True)


async def test_who_takes_leave_and_does_not_read_is_cut(serve: Any, bare: Any) -> None:
    stage = await serve(ping_interval=0.5, ping_timeout=60)
    client = await bare(stage)
    _, sending = await client.overwhelm()
    client.protocol.send_close(1000)
    await client.flush()
    async with asyncio.timeout(30):
        await client.is_cut()
    await asyncio.gather(sending, return_exceptions=True)


async def test_of_pings_that_come_while_the_client_does_not_read_the_last_is_answered(stage: Any, bare: Any) -> None:
    client = await bare(stage)
    subscription, sending = await client.overwhelm()
    for number in range(50):
        client.protocol.send_ping(b"%d" % number)
    client.protocol.send_text(b'{"type":"complete","id":"1"}')
    await client.flush()
    await subscription.stopped.wait()
    pongs: list[bytes] = []
    while not pongs:
        pongs += [bytes(frame.data) for frame in await client.frames() if frame.opcode is Opcode.PONG]
    client.protocol.send_ping(b"again")
    await client.flush()
    while b"again" not in pongs:
        pongs += [bytes(frame.data) for frame in await client.frames() if frame.opcode is Opcode.PONG]
    assert pongs == [b"49", b"again"]
    await sending


async def test_a_message_in_crumbs_arrives_whole(stage: Any, bare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_FRAGMENTS", 10)
    client = await bare(stage)
    message = json.dumps({"type": "ping", "payload": {"text": "x" * 100}}).encode()
    client.protocol.send_text(message[:1], fin=False)
    for at in range(1, len(message)):
        client.protocol.send_continuation(message[at : at + 1], fin=False)
    client.protocol.send_continuation(b"", fin=True)
    await client.flush()
    heard: list[Frame] = []
    while len(heard) < 2:
        heard += await client.frames()
    assert json.loads(bytes(heard[1].data)) == {"type": "pong", "payload": {"text": "x" * 100}}


async def test_a_text_that_is_none_ends_the_connection_and_leaves_the_log_alone(
    stage: Any, bare: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = await bare(stage)
    await client.frames()
    client.protocol.send_text(b"caf\xc3", fin=False)
    client.protocol.send_continuation(b"\xa9 \xff", fin=True)
    with caplog.at_level(logging.WARNING):
        await client.flush()
        (closing,) = await client.frames()
    assert closing.opcode is Opcode.CLOSE
    assert client.protocol.close_rcvd is not None
    assert client.protocol.close_rcvd.code == 1007
    assert not caplog.records


async def test_a_refusal_is_no_fault_of_ours(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    stage = await serve(max_connections=0)
    with caplog.at_level(logging.WARNING), pytest.raises(InvalidStatus, match="503"):
        await stage.client()
    stage.serving.cancel()
    await asyncio.gather(stage.serving, return_exceptions=True)
    assert not caplog.records
