"""Clients that are slow, or send what is no HTTP."""

import asyncio
import json
import time
from typing import Any

import pytest

QUICK = {"header_timeout": 0.2, "body_timeout": 0.2, "idle_timeout": 1, "read_timeout": 0.2}
GET = b"GET /healthz HTTP/1.1\r\nhost: a\r\n"


@pytest.mark.parametrize("begun", [b"", b"G", GET, GET + b"x-a: "])
async def test_a_head_that_does_not_come_is_not_waited_for(host: Any, begun: bytes) -> None:
    stranger = await (await host(http=QUICK)).stranger()
    await stranger.say(begun)
    assert await stranger.rest() == b""


async def test_a_head_that_comes_in_trickles_is_cut_however_steadily_it_does(host: Any) -> None:
    here = await host(http=QUICK)
    stranger = await here.stranger()
    sending = asyncio.create_task(stranger.trickle(GET + b"x-a: b\r\n" * 1_000))
    assert await stranger.rest() == b""
    sending.cancel()
    assert await here.is_well()


async def test_the_second_head_of_a_connection_may_not_trickle_either(host: Any) -> None:
    stranger = await (await host(http=QUICK)).stranger()
    await stranger.say(GET + b"\r\n" + GET)
    assert "200 OK" in await stranger.head()
    sending = asyncio.create_task(stranger.trickle(b"x-a: b\r\n" * 1_000))
    assert b"HTTP/1.1" not in await stranger.rest()
    sending.cancel()


async def test_a_body_that_trickles_is_told_so_and_cut(host: Any) -> None:
    stranger = await (await host(http=QUICK)).stranger()
    await stranger.say(
        b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n"
    )
    sending = asyncio.create_task(stranger.trickle(b'{"query":"' + b" " * 9_000))
    answer = await stranger.rest()
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"too long" in answer
    sending.cancel()


async def test_a_body_that_nobody_asked_for_is_not_waited_for(host: Any) -> None:
    stranger = await (await host(http=QUICK)).stranger()
    await stranger.say(b"GET /healthz HTTP/1.1\r\nhost: a\r\ncontent-length: 9999\r\n\r\n")
    sending = asyncio.create_task(stranger.trickle(b" " * 9_000))
    assert b"200 OK" in await stranger.rest()
    sending.cancel()


async def test_a_silent_connection_is_closed(host: Any) -> None:
    stranger = await (await host(http=QUICK)).stranger()
    await stranger.say(GET + b"\r\n")
    assert (await stranger.rest()).startswith(b"HTTP/1.1 200")


async def test_who_does_not_read_a_long_answer_is_cut(host: Any, make: Any) -> None:
    here = await host(http=QUICK, state=make.state(*(make.node(number) for number in range(1, 400))))
    fields = " ".join(f"a{n}: pubkeyBls" for n in range(60))
    asked = f"/graphql?query={{serviceNodes(first:400){{nodes{{{fields.replace(' ', ',')}}}}}}}"
    whole = await here.client.get(asked)
    assert len(whole.content) > 3_000_000
    stranger = await here.stranger(receive_buffer=4_096)
    await stranger.say(f"GET {asked} HTTP/1.1\r\nhost: a\r\naccept-encoding: identity\r\n\r\n".encode())
    assert "200 OK" in await stranger.head()
    await stranger.trickle(b" " * 1_000_000)
    assert len(await stranger.rest()) < 3_000_000


@pytest.mark.parametrize(
    "head",
    [
        GET + b"x-large: " + b"a" * 40_000,
        GET + b"x-many: b\r\n" * 4_000,
        b"GET /graphql?query=" + b"a" * 40_000,
    ],
    ids=["one header", "many headers", "a long address"],
)
async def test_a_head_that_is_too_large_is_refused_in_words(host: Any, head: bytes) -> None:
    stranger = await (await host()).stranger()
    await stranger.say(head)
    answer = await stranger.rest()
    assert answer.startswith(b"HTTP/1.1 431")
    assert b'"code":"HEADERS_TOO_LARGE"' in answer
    assert b"at most 16384 bytes" in answer
    assert b"x-content-type-options: nosniff" in answer


@pytest.mark.parametrize("end", [b"", b"\r\n"], ids=["not ended", "ended"])
async def test_a_head_of_many_short_headers_is_refused_before_it_costs_many_times_its_bytes(
    host: Any, end: bytes
) -> None:
    here = await host()
    stranger = await here.stranger()
    await stranger.say(GET + b"a:\r\n" * 127 + b"\r\n")
    assert "200 OK" in await stranger.answer()
    await stranger.say(GET + b"a:\r\n" * 129 + end)
    answer = await stranger.rest()
    assert answer.startswith(b"HTTP/1.1 431")
    assert b"at most 16384 bytes and 128 headers." in answer


@pytest.mark.parametrize(
    "text",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELO a\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nx-a: b\r\n c\r\n\r\n",
        b"GET / HTTP/1.1\nhost: a\n\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n",
        b"CONNECT /healthz HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n",
        b"GET /healthz HTTP/2.0\r\nhost: a\r\n\r\n",
        b"GET /healthz HTTP/0.9\r\nhost: a\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: a, b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: a@b\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nx-a : b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nx-a: b\x00c\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
async def test_what_is_no_http_is_refused_and_the_connection_ended(host: Any, text: bytes) -> None:
    here = await host()
    stranger = await here.stranger()
    await stranger.say(text)
    answer = await stranger.rest()
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501", b"HTTP/1.1 505"))
    assert b"Traceback" not in answer
    assert b"Invalid HTTP request" not in answer  # the words of others
    assert await here.is_well()


async def test_requests_sent_ahead_are_answered_in_their_order_up_to_a_bound(host: Any) -> None:
    here = await host(http={"max_pipelined_requests": 4})
    stranger = await here.stranger()
    await stranger.say(b"".join(f"GET /{number} HTTP/1.1\r\nhost: a\r\n\r\n".encode() for number in range(3)))
    for _ in range(3):
        assert "404" in await stranger.answer()
    await stranger.say((GET + b"\r\n") * 2_000)
    assert (await stranger.rest()).count(b"HTTP/1.1 200 OK") == 5
    assert await here.is_well()


async def test_what_trails_a_body_becomes_no_header(host: Any) -> None:
    here = await host()
    stranger = await here.stranger()
    body = b'{"query":"{__typename}"}'
    await stranger.say(
        b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n"
        b"connection: close\r\n\r\n%x\r\n%s\r\n0\r\ncontent-type: text/plain\r\n\r\n" % (len(body), body)
    )
    answer = await stranger.rest()
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"__typename":"Query"' in answer


async def test_an_upgrade_to_what_is_not_spoken_is_ignored(host: Any) -> None:
    stranger = await (await host()).stranger()
    for _ in range(2):
        await stranger.say(GET + b"connection: upgrade\r\nupgrade: h2c\r\n\r\n")
        assert "200 OK" in await stranger.answer()


HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n"
)
QUESTION = b'{"query":"{__typename}"}'
JSON = b"content-type: application/json\r\n"


@pytest.mark.parametrize("offer", [b"h2c", b"websocket", b"websocket, h2c"])
@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("is_whole", [False, True])
async def test_an_offer_of_another_protocol_leaves_the_body_a_body(
    host: Any, offer: bytes, is_chunked: bool, is_whole: bool
) -> None:
    stranger = await (await host()).stranger()
    head = b"POST /graphql HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: %s\r\n%s" % (offer, JSON)
    length = b"transfer-encoding: chunked" if is_chunked else b"content-length: %d" % len(QUESTION)
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(QUESTION), QUESTION) if is_chunked else QUESTION
    parts = [head + length + b"\r\n\r\n", body + GET + b"connection: close\r\n\r\n"]
    for part in [b"".join(parts)] if is_whole else parts:
        await stranger.say(part)
        await asyncio.sleep(0)
    answers = await stranger.rest()
    assert answers.count(b"HTTP/1.1 200 OK") == answers.count(b"HTTP/1.1 ") == 2
    assert b'"__typename":"Query"' in answers


async def test_no_request_hides_in_the_body_of_another(host: Any) -> None:
    stranger = await (await host()).stranger()
    hidden = GET + b"\r\n"
    await stranger.say(GET + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: %d\r\n\r\n" % len(hidden))
    assert "200 OK" in await stranger.answer()
    await stranger.say(hidden + b"GET /nowhere HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    answers = await stranger.rest()
    assert answers.startswith(b"HTTP/1.1 404")
    assert answers.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "head",
    [
        HANDSHAKE.replace(b"GET", b"POST") + b"content-length: 0\r\n",
        HANDSHAKE.replace(b"GET", b"DELETE"),
        HANDSHAKE.replace(b"connection: upgrade", b"connection: upgrade, close").replace(b"GET", b"DELETE"),
        HANDSHAKE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        HANDSHAKE + b"content-length: 5\r\n",
        HANDSHAKE + b"transfer-encoding: chunked\r\n",
        HANDSHAKE + b"x-many: a\r\n" * 200,
        HANDSHAKE + b"x-long: " + b"a" * 9_000 + b"\r\n",
    ],
    ids=[
        "POST",
        "DELETE",
        "the last request",
        "HTTP/1.0",
        "a body",
        "a body in chunks",
        "many headers",
        "a long header",
    ],
)
async def test_a_handshake_that_is_none_holds_no_connection(host: Any, head: bytes) -> None:
    stranger = await (await host(http=QUICK)).stranger()
    await stranger.say(head + b"\r\n")
    assert (await stranger.rest()).startswith(b"HTTP/1.1 4")


KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        (b"version: 13", b"version: 12", "`Sec-WebSocket-Version` must be 13, once."),
        (b"sec-websocket-version: 13\r\n", b"", "`Sec-WebSocket-Version` must be 13, once."),
        (KEY, b"short", "`Sec-WebSocket-Key` must be 16 bytes in base64, once."),
        (KEY, b"\xff\xfe", "`Sec-WebSocket-Key` must be 16 bytes in base64, once."),
        (KEY, KEY + b"\r\nsec-websocket-key: " + KEY, "`Sec-WebSocket-Key` must be 16 bytes in base64, once."),
        (b"graphql-transport-ws", b"@", "`Sec-WebSocket-Protocol` must be graphql-transport-ws or graphql-ws."),
        (KEY, KEY + b"\r\nupgrade: websocket", "This is no handshake of a WebSocket as RFC 6455 has it."),
    ],
)
async def test_what_a_handshake_lacks_is_told_in_the_form_of_all_refusals(
    host: Any, right: bytes, wrong: bytes, said: str
) -> None:
    stranger = await (await host()).stranger()
    assert right in HANDSHAKE
    await stranger.say(HANDSHAKE.replace(right, wrong) + b"\r\n")
    head, _, body = (await stranger.rest()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"sec-websocket-version: 13" in head
    assert json.loads(body) == {"errors": [{"message": said, "extensions": {"code": "BAD_REQUEST"}}]}


async def test_who_asks_whether_to_send_a_body_that_is_too_large_is_told_not_to(host: Any) -> None:
    stranger = await (await host()).stranger()
    head = b"POST /graphql HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n" + JSON
    await stranger.say(head + b"content-length: 10000000\r\n\r\n")
    assert (await stranger.rest()).startswith(b"HTTP/1.1 413")
    stranger = await (await host()).stranger()
    await stranger.say(head + b"content-length: %d\r\n\r\n" % len(QUESTION))
    assert "100 Continue" in await stranger.head()
    await stranger.say(QUESTION)
    assert "200 OK" in await stranger.answer()


async def test_a_handshake_behind_an_unanswered_request_does_not_get_ahead_of_it(host: Any) -> None:
    stranger = await (await host(http=QUICK)).stranger()
    asked = b"POST /graphql HTTP/1.1\r\nhost: a\r\n%scontent-length: %d\r\n\r\n%s" % (JSON, len(QUESTION), QUESTION)
    await stranger.say(asked + HANDSHAKE + b"\r\n")
    answers = await stranger.rest()
    assert answers.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 101" not in answers


async def test_a_request_that_breaks_off_in_nonsense_is_refused_at_once(host: Any) -> None:
    here = await host()
    stranger = await here.stranger()
    await stranger.say(
        b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n"
        b"expect: 100-continue\r\n\r\n"
    )
    assert "100 Continue" in await stranger.head()  # the application reads the body
    await stranger.say(b"1\r\n{\r\nnonsense\r\n")
    answer = await stranger.rest()
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert await here.is_well()


async def test_garbage_behind_a_request_does_not_reach_its_answer(host: Any) -> None:
    here = await host()
    stranger = await here.stranger()
    await stranger.say(GET + b"\r\nGARBAGE\r\n\r\n")
    assert (await stranger.rest()).count(b"HTTP/1.1 200 OK") == 1
    assert await here.is_well()


@pytest.mark.parametrize(
    "path", ["/%0d%0ax-injected:%20yes", "/graphql?query=%0d%0ax-injected:1", "/store/a%0d%0ax-injected"]
)
async def test_nothing_that_a_client_says_becomes_a_header(host: Any, path: str) -> None:
    here = await host(http={"cors_origins": ("https://a.example",)})
    headers = {"origin": "https://a.example", "x-request-id": "mine", "accept": "text/html,x\tinjected"}
    response = await here.client.get(path, headers=headers)
    assert response.status_code < 500
    assert not any("injected" in name.lower() or "injected" in value for name, value in response.headers.items())
    assert response.headers["x-request-id"] != "mine"


def posted(query: str, accept: bytes = b"*/*") -> bytes:
    """A question."""
    body = json.dumps({"query": query}).encode()
    head = b"POST /graphql HTTP/1.1\r\nhost: a\r\naccept: %s\r\n%scontent-length: %d\r\n\r\n"
    return head % (accept, JSON, len(body)) + body


@pytest.mark.parametrize(
    "query", ["{ serviceNodes { nodes { pubkey } } }", "{ meta { version } }" + " #" * 20_000], ids=["short", "long"]
)
async def test_who_says_no_more_is_answered_all_that_it_has_asked(host: Any, query: str) -> None:
    stranger = await (await host(http=QUICK)).stranger()
    await stranger.say(posted(query) + posted("{ network { id } }") + GET)
    await stranger.end()
    answers = await stranger.rest()
    assert answers.count(b"HTTP/1.1 200 OK") == answers.count(b"HTTP/1.1 ") == 2
    assert answers.index(b'{"data":') < answers.index(b'{"data":{"network"')


@pytest.mark.parametrize("rest", [1, 1_000])
async def test_who_ends_within_a_request_is_not_answered(host: Any, rest: int) -> None:
    here = await host()
    stranger = await here.stranger()
    await stranger.say(posted("{ meta { version } }")[:-rest])
    await stranger.end()
    assert await stranger.rest() == b""
    assert await here.is_well()


async def test_a_stream_of_events_ends_with_the_words_of_its_client(host: Any) -> None:
    stranger = await (await host()).stranger()
    await stranger.say(posted("subscription { meta { version } }", b"text/event-stream"))
    assert "200 OK" in await stranger.head()
    await stranger.end()
    assert b"event: complete" not in await stranger.rest()


@pytest.mark.parametrize("is_kept", [True, False], ids=["a kept connection", "a new connection"])
async def test_who_has_waited_too_long_to_be_read_is_refused_unread(host: Any, is_kept: bool) -> None:
    here = await host(http={"max_delay": 0.1})
    asked, watching = await here.stranger(), await here.stranger()
    if is_kept:
        for stranger in (asked, watching):
            await stranger.say(GET + b"\r\n")
            assert "200 OK" in await stranger.answer()
    await asked.say(b"GET /info HTTP/1.1\r\nhost: a\r\n\r\n")
    await watching.say(GET + b"\r\n")
    time.sleep(0.3)  # noqa: ASYNC251 - the server's loop is held, which is this one
    answer = await asked.rest()
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"connection: close" in answer
    assert b"retry-after: 2" in answer
    assert "200 OK" in await watching.answer()
