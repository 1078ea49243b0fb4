"""graphql-transport-ws, message by message, over real sockets."""

import asyncio
import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

SUBSCRIBE = {"type": "subscribe", "id": "1", "payload": {"query": "subscription { count }"}}
FIRST = {"id": "1", "type": "next", "payload": {"data": {"count": 1}}}


def told(refused: pytest.ExceptionInfo[InvalidStatus]) -> tuple[int, str, str]:
    """Status, code and message of a refused handshake."""
    response = refused.value.response
    (error,) = json.loads(response.body or b"")["errors"]
    return response.status_code, error["extensions"]["code"], error["message"]


async def test_a_subscription_gets_the_present_state_and_what_follows(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    await client.subscribe()
    assert await client.hear() == FIRST
    subscription = await stage.live.begun.get()
    await subscription.tell('{"data":{"name":"Ä"}}'.encode())
    assert await client.hear() == {"id": "1", "type": "next", "payload": {"data": {"name": "Ä"}}}


async def test_what_is_asked_arrives_whole(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    payload = {"query": "subscription A { count }", "operationName": "A", "variables": {"big": 2**70}}
    await client.say(type="subscribe", id="x", payload=payload)
    operation = (await stage.live.begun.get()).operation
    assert (operation.query, operation.name, operation.variables) == (
        "subscription A { count }",
        "A",
        {"big": 2**70},
    )


async def test_a_client_that_completes_hears_nothing_more_and_frees_the_id(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    await client.subscribe()
    assert await client.hear() == FIRST
    subscription = await stage.live.begun.get()
    await client.say(type="complete", id="1")
    await asyncio.wait_for(subscription.stopped.wait(), 10)
    await client.subscribe()
    assert await client.hear() == FIRST


async def test_completing_what_does_not_run_is_no_fault(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    await client.say(type="complete", id="nobody")
    await client.say(type="ping")
    assert await client.hear() == {"type": "pong"}


async def test_the_service_ends_a_subscription_with_complete_and_frees_the_id(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    await client.subscribe()
    await client.hear()
    await (await stage.live.begun.get()).outlet.complete()
    assert await client.hear() == {"id": "1", "type": "complete"}
    await client.subscribe()
    assert await client.hear() == FIRST


async def test_an_error_ends_one_subscription_and_no_other(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    await client.subscribe("1")
    await client.hear()
    await client.subscribe("2", "subscription { refused }")
    assert await client.hear() == {
        "id": "2",
        "type": "error",
        "payload": [{"message": "No such thing"}, {"message": "Nor that"}],
    }
    await (await stage.live.begun.get()).tell(b'{"data":{"count":2}}')
    assert await client.hear() == {"id": "1", "type": "next", "payload": {"data": {"count": 2}}}


async def test_a_fault_of_ours_ends_one_subscription_with_a_masked_error(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    await client.subscribe("1", "subscription { broken }")
    message = await client.hear()
    assert (message["id"], message["type"]) == ("1", "error")
    (error,) = message["payload"]
    assert (error["message"], error["extensions"]["code"]) == ("Internal error", "INTERNAL")
    await client.subscribe()
    assert await client.hear() == FIRST


async def test_queries_and_mutations_are_answered_once_and_completed(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    for query, data in (("{ one }", {"one": 1}), ("mutation { touch }", {"touch": True})):
        await client.subscribe("q", query)
        assert await client.hear() == {"id": "q", "type": "next", "payload": {"data": data}}
        assert await client.hear() == {"id": "q", "type": "complete"}


@pytest.mark.parametrize(
    "half",
    [
        '"payload":{"query":"\\ud800"}',
        '"payload":{"query":"{ one }","operationName":"\\ud800"}',
        '"payload":{"query":"{ one }","variables":{"a":"\\udc00"}}',
        '"payload":{"query":"{ one }","extensions":{"\\ud800":1}}',
        '"payload":{"query":"{ one }"},"id":"\\ud800"',
    ],
)
@pytest.mark.parametrize(("protocol", "start"), [("graphql-transport-ws", "subscribe"), ("graphql-ws", "start")])
async def test_half_a_sign_in_a_message_ends_the_connection_in_words(
    stage: Any, protocol: str, start: str, half: str
) -> None:
    client = await stage.client(protocol)
    await client.say(type="connection_init")
    await client.socket.send(f'{{"id":"1","type":"{start}",{half}}}')
    code, reason = await client.closed()
    assert code == 4400
    assert reason.startswith("The message is not JSON: line 1, column ")


async def test_half_a_sign_that_a_document_spells_out_is_an_error(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    await client.subscribe("q", r'{ one(a: "\ud800") }')
    message = await client.hear()
    assert message["type"] == "error"
    assert "Invalid Unicode escape sequence" in message["payload"][0]["message"]


async def test_field_errors_come_beside_the_data(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    await client.subscribe("q", "{ half }")
    payload = (await client.hear())["payload"]
    assert (payload["data"], payload["errors"][0]["message"]) == ({"half": None}, "Cannot tell")


async def test_a_query_that_does_not_validate_is_an_error(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    await client.subscribe("q", "{ nothing }")
    message = await client.hear()
    assert message["type"] == "error"
    assert "nothing" in message["payload"][0]["message"]


@pytest.mark.parametrize("payload", [None, {"key": [1, "ä"]}])
async def test_a_ping_is_answered_with_its_payload(stage: Any, payload: Any) -> None:
    client = await stage.client()
    message = {"type": "ping"} if payload is None else {"type": "ping", "payload": payload}
    await client.say(**message)
    assert await client.hear() == {**message, "type": "pong"}


async def test_an_unasked_pong_is_heard_in_silence(stage: Any) -> None:
    client = await stage.client()
    await client.say(type="pong")
    await client.init()


ID = "`id` must be a string of 1 to 256 characters"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not json", "The message is not JSON: line 1, column 1 is not understood"),
        ("[]", "The message is an array: it must be an object"),
        ("{}", "`type` is missing"),
        (
            '{"type":"start"}',
            "Unknown message type 'start': known are connection_init, subscribe, complete, ping, pong",
        ),
        ('{"type":"subscribe"}', ID),
        ('{"type":"subscribe","id":""}', ID),
        ('{"type":"subscribe","id":"1"}', "`payload.query` must be a GraphQL document"),
        ('{"type":"subscribe","id":"1","payload":null}', "`payload` is null: it must be an object"),
        ('{"type":"subscribe","id":"1","payload":{}}', "`payload.query` must be a GraphQL document"),
        (
            '{"type":"subscribe","id":"1","payload":{"query":1}}',
            "`payload.query` is a number: it must be a string",
        ),
        (
            '{"type":"subscribe","id":"1","payload":{"query":"{ one }","variables":[]}}',
            "`payload.variables` is an array: it must be an object",
        ),
        ('{"type":"subscribe","id":7,"payload":{"query":"{ one }"}}', "`id` is a number: it must be a string"),
        (json.dumps({"type": "subscribe", "id": "x" * 257, "payload": {"query": "{ one }"}}), ID),
        ('{"type":"ping","payload":1}', "`payload` is a number: it must be an object"),
        ('{"type":"complete"}', ID),
        ("[" * 10_000, "The message is not JSON that is read here: it is nested too deeply"),
        (b"binary", "Messages are JSON texts"),
    ],
    ids=lambda value: repr(value[:40]),
)
async def test_what_is_no_message_closes_with_4400_and_says_why(stage: Any, text: str | bytes, said: str) -> None:
    client = await stage.client()
    await client.init()
    await client.socket.send(text)
    assert await client.closed() == (4400, said)
    await stage.connections.emptied()


async def test_an_init_with_a_payload_that_is_no_object_closes_with_4400(stage: Any) -> None:
    client = await stage.client()
    await client.say(type="connection_init", payload="x")
    assert (await client.closed())[0] == 4400


async def test_asking_before_the_acknowledgement_closes_with_4401(stage: Any) -> None:
    client = await stage.client()
    await client.say(**SUBSCRIBE)
    assert await client.closed() == (4401, "Unauthorized")


async def test_silence_at_the_beginning_closes_with_4408(serve: Any) -> None:
    client = await (await serve(init_timeout=0.05)).client()
    assert await client.closed() == (4408, "Connection initialisation timeout")


async def test_an_id_in_use_closes_with_4409(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    await client.subscribe()
    await client.hear()
    await client.subscribe()
    assert await client.closed() == (4409, "Subscriber for 1 already exists")
    subscription = await stage.live.begun.get()
    await asyncio.wait_for(subscription.stopped.wait(), 10)


async def test_a_second_init_closes_with_4429(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    await client.say(type="connection_init")
    assert await client.closed() == (4429, "Too many initialisation requests")


async def test_another_subprotocol_closes_with_4406(stage: Any) -> None:
    client = await stage.client("mqtt")
    assert await client.closed() == (4406, "Subprotocol not acceptable")


async def test_a_client_that_is_gone_is_unsubscribed(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    await client.subscribe()
    await client.hear()
    subscription = await stage.live.begun.get()
    client.socket.transport.abort()
    await asyncio.wait_for(subscription.stopped.wait(), 10)
    await stage.connections.emptied()


async def test_one_operation_too_many_is_refused_and_the_connection_lives(serve: Any) -> None:
    client = await (await serve(max_operations=1)).client()
    await client.init()
    await client.subscribe("1")
    await client.hear()
    await client.subscribe("2")
    message = await client.hear()
    assert (message["id"], message["type"]) == ("2", "error")
    assert message["payload"][0]["extensions"] == {"code": "TOO_MANY_OPERATIONS"}
    await client.say(type="ping")
    assert await client.hear() == {"type": "pong"}


async def test_a_connection_without_operations_is_closed_after_a_while(serve: Any) -> None:
    stage = await serve(idle_timeout=0.2)
    client = await stage.client()
    await client.init()
    await client.subscribe()
    await client.hear()
    await asyncio.sleep(0.4)  # longer than the limit, which does not hold while something runs
    await client.say(type="ping")
    assert await client.hear() == {"type": "pong"}
    await client.say(type="complete", id="1")
    assert await client.closed() == (1000, "No operation for too long")


async def test_one_address_has_only_so_many_connections(serve: Any) -> None:
    stage = await serve(max_connections_per_address=1)
    client = await stage.client()
    with pytest.raises(InvalidStatus) as refused:
        await stage.client()
    assert told(refused) == (429, "TOO_MANY_CONNECTIONS", "There are already 1 open connections from your address.")
    assert refused.value.response.headers["retry-after"]
    await client.socket.close()
    await stage.connections.emptied()
    await (await stage.client()).init()


async def test_there_are_only_so_many_connections(serve: Any) -> None:
    stage = await serve(max_connections=0)
    with pytest.raises(InvalidStatus) as refused:
        await stage.client()
    assert told(refused) == (503, "TOO_MANY_CONNECTIONS", "There are too many open connections.")


@pytest.mark.parametrize("path", ["/", "/graphql/", "/subscriptions", "/healthz", "/%ff"])
async def test_elsewhere_no_websocket_is_served(stage: Any, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await stage.client(path=path)
    assert told(refused) == (404, "NOT_FOUND", "No WebSocket is served here; it is at /graphql.")


async def test_a_message_that_is_too_large_closes_with_1009(serve: Any) -> None:
    client = await (await serve(max_message_bytes=1024)).client()
    await client.socket.send("x" * 2000)
    assert (await client.closed())[0] == 1009


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_pages_of_elsewhere_may_not_connect(stage: Any, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await stage.client(origin=origin)
    assert told(refused) == (403, "FORBIDDEN", "Pages of this origin may not connect here.")


async def test_our_own_pages_and_those_named_may_connect(serve: Any) -> None:
    stage = await serve(origins=("https://app.example",))
    await (await stage.client(origin="https://app.example")).init()
    await (await stage.client(origin=f"http://127.0.0.1:{stage.port}")).init()


async def test_with_a_star_all_pages_may_connect(serve: Any) -> None:
    await (await (await serve(origins=("*",))).client(origin="https://any.example")).init()


async def test_clients_are_told_when_the_service_goes_down(stage: Any) -> None:
    client = await stage.client()
    await client.init()
    await client.subscribe()
    await client.hear()
    stage.serving.cancel()
    assert await client.hear() == {"id": "1", "type": "complete"}
    assert (await client.closed())[0] == 1001


async def test_a_client_that_does_not_read_does_not_hold_up_the_end(serve: Any) -> None:
    stage = await serve()
    client = await stage.client()
    await client.init()
    await client.subscribe()
    await client.hear()
    client.socket.transport.pause_reading()
    subscription = await stage.live.begun.get()
    blocked = asyncio.create_task(subscription.tell(b'{"data":"' + b"x" * 30_000_000 + b'"}'))
    stage.serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(stage.serving, 60)
    blocked.cancel()
    await asyncio.gather(blocked, return_exceptions=True)
