"""The older protocol, as clients that have not been renewed speak it."""

import asyncio
from typing import Any

DATA = {"id": "1", "type": "data", "payload": {"data": {"count": 1}}}


async def _begun(stage: Any) -> Any:
    client = await stage.client("graphql-ws")
    await client.say(type="connection_init", payload={})
    assert [await client.hear(), await client.hear()] == [{"type": "connection_ack"}, {"type": "ka"}]
    return client


async def test_a_subscription_gets_data_until_it_is_stopped(stage: Any) -> None:
    client = await _begun(stage)
    await client.say(type="start", id="1", payload={"query": "subscription { count }"})
    assert await client.hear() == DATA
    subscription = await stage.live.begun.get()
    await client.say(type="stop", id="1")
    await asyncio.wait_for(subscription.stopped.wait(), 10)


async def test_queries_are_answered_and_completed(stage: Any) -> None:
    client = await _begun(stage)
    await client.say(type="start", id="1", payload={"query": "{ one }"})
    assert await client.hear() == {"id": "1", "type": "data", "payload": {"data": {"one": 1}}}
    assert await client.hear() == {"id": "1", "type": "complete"}


async def test_a_refusal_is_one_error(stage: Any) -> None:
    client = await _begun(stage)
    await client.say(type="start", id="1", payload={"query": "subscription { refused }"})
    assert await client.hear() == {"id": "1", "type": "error", "payload": {"message": "No such thing"}}


async def test_a_client_may_end_the_connection(stage: Any) -> None:
    client = await _begun(stage)
    await client.say(type="connection_terminate")
    assert (await client.closed())[0] == 1000


async def test_of_what_a_client_speaks_its_first_choice_is_taken(stage: Any) -> None:
    client = await stage.client("mqtt", "graphql-ws", "graphql-transport-ws")
    assert client.socket.subprotocol == "graphql-ws"


async def test_messages_of_the_newer_protocol_are_none_here(stage: Any) -> None:
    client = await _begun(stage)
    await client.say(type="subscribe", id="1", payload={"query": "{ one }"})
    assert (await client.closed())[0] == 4400
