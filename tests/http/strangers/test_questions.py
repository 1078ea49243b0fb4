"""Questions that are too much, over every transport, and clients who ask too often."""

import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

DEEP = (
    "{ serviceNodes { nodes { "
    + "contributors { wallet { stakes { serviceNode { " * 8
    + "id"
    + " } } } }" * 8
    + " } } }"
)
NESTED = (
    "{ serviceNodes(first: 2500) { nodes { contributors { wallet { stakes { serviceNode { contributors { address } } } "
    "} } } } }"
)
BOMB = "{ ...f0 } " + " ".join(
    f"fragment f{n} on Query {{ a{n}: meta {{ id }} ...f{n + 1} b{n}: meta {{ id }} ...f{n + 1} }}" for n in range(30)
) + " fragment f30 on Query { meta { id } }"  # fmt: skip
NOTHING = '{pubkey: "", pubkeyBls: "", sigEd25519: "", sigBls: "", operator: "", stake: ""}'
ATTACKS = {
    "deep": (DEEP, "QUERY_TOO_COMPLEX"),
    "nested": (NESTED, "COST_LIMIT"),
    "aliases": ("{ " + " ".join(f"a{n}: serviceNodes(first: 2500) {{ totalCount }}" for n in range(200)) + " }",
                "QUERY_TOO_COMPLEX"),
    "wide": ("{ " + "meta { id } " * 1_200 + "}", "QUERY_TOO_COMPLEX"),
    "fragments": (BOMB, "QUERY_TOO_COMPLEX"),
    "chain": ("{ ...f0 } " + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(540))
              + " fragment f540 on Query { meta { id } }", "GRAPHQL_VALIDATION_FAILED"),
    "circles": ("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }", "GRAPHQL_VALIDATION_FAILED"),
    "directives": ("{ meta { id " + "@skip(if: false) " * 500 + "} }", "QUERY_TOO_COMPLEX"),
    "tokens": ("{ " + "a " * 10_000 + "}", "GRAPHQL_PARSE_FAILED"),
    "braces": ("{a" * 1_600, "GRAPHQL_PARSE_FAILED"),
    "introspection": ("{ " + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(50)) + " }",
                      "COST_LIMIT"),
    "objects": ("{ serviceNodes(filter: {" + " ".join(f"a{n}: 1" for n in range(1_000)) + "}) { totalCount } }",
                "BAD_USER_INPUT"),
    "dear": (f"query ($i: RegistrationInput! = {NOTHING}) {{ "
             + " ".join(f"a{n}: validateRegistration(input: $i) {{ valid }}" for n in range(60)) + " }", "COST_LIMIT"),
}  # fmt: skip
WATCHED = "subscription { serviceNodes { upserted { contributors { wallet { stakes { id serviceNode { id } } } } } } }"

SMALL = "{ meta { version } }"
FEW = {"cost_burst": 300, "cost_per_second": 0.001, "dear_burst": 1, "dear_per_second": 0.001}
CLAIM = 'mutation { requestRewardsClaim(address: "0x0000000000000000000000000000000000000001") { errors { code } } }'


async def said(socket: ClientConnection, query: str, operation_id: str = "1") -> Any:
    """The first answer to an operation."""
    await socket.send(json.dumps({"type": "subscribe", "id": operation_id, "payload": {"query": query}}))
    while (message := json.loads(await socket.recv()))["id"] != operation_id:
        continue
    return message


@pytest.mark.parametrize("name", ATTACKS)
async def test_what_is_too_much_is_refused_in_words(host: Any, name: str) -> None:
    question, code = ATTACKS[name]
    here = await host()
    response = await here.ask(question)
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == code
    assert "data" not in response.json()
    assert len(response.content) < 200_000
    assert await here.is_well()


async def test_a_refusal_names_estimate_and_budget(host: Any) -> None:
    (error,) = (await (await host()).ask(NESTED)).json()["errors"]
    estimate, budget = error["extensions"]["estimate"], error["extensions"]["budget"]
    assert estimate > budget == 500_000
    assert str(estimate) in error["message"]
    assert str(budget) in error["message"]


async def test_answers_tell_their_cost_and_so_do_refusals(host: Any) -> None:
    here = await host()
    assert (await here.ask(SMALL)).json()["extensions"] == {"cost": {"estimate": 3, "budget": 500_000}}
    assert (await here.ask(NESTED)).json()["extensions"]["cost"]["estimate"] > 500_000


async def test_websockets_refuse_the_same(host: Any) -> None:
    socket = await (await host()).websocket()
    for number, (question, code) in enumerate(ATTACKS.values()):
        answer = await said(socket, question, str(number))
        assert answer["type"] == "error"
        assert answer["payload"][0]["extensions"]["code"] == code
    answer = await said(socket, WATCHED, "watched")
    assert answer["payload"][0]["extensions"]["code"] == "COST_LIMIT"
    assert (await said(socket, SMALL, "small"))["payload"]["data"]["meta"]


@pytest.mark.parametrize("question", [NESTED, WATCHED])
async def test_event_streams_refuse_the_same(host: Any, question: str) -> None:
    here = await host()
    headers = {"accept": "text/event-stream"}
    answer = (await here.client.post("/graphql", json={"query": question}, headers=headers)).text
    assert '"code":"COST_LIMIT"' in answer
    assert "event: complete" in answer


async def test_subscriptions_are_bounded_by_all_that_bounds_questions(host: Any) -> None:
    socket = await (await host(graphql={"max_cost": 100})).websocket()
    answer = await said(socket, "subscription { serviceNodes { upserted { id } } }")
    assert answer["payload"][0]["extensions"]["code"] == "COST_LIMIT"
    assert (await said(socket, "subscription { meta { version } }", "2"))["type"] == "next"


async def test_variables_have_a_size(host: Any) -> None:
    here = await host()
    response = await here.ask("query ($f: ServiceNodeFilter) { serviceNodes(filter: $f) { totalCount } }",
                              variables={"f": {"pubkeys": ["0" * 64] * 10_000}})  # fmt: skip
    assert response.status_code == 413
    many = {"f": {f"a{n}": 1 for n in range(10_000)}}
    response = await here.ask(
        "query ($f: ServiceNodeFilter) { serviceNodes(filter: $f) { totalCount } }", variables=many
    )
    assert response.status_code == 400
    assert len(response.json()["errors"]) <= 60
    assert len(response.content) < 100_000


async def test_batches_are_not_served(host: Any) -> None:
    here = await host()
    response = await here.client.post("/graphql", json=[{"query": SMALL}] * 100)
    assert response.status_code == 400


async def test_who_asks_too_often_gets_429_and_is_told_when_to_come_again(host: Any) -> None:
    here = await host(rate_limit=FEW)
    answers = [await here.ask(SMALL) for _ in range(20)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    last = answers[-1]
    assert last.status_code == 429
    assert last.headers["content-type"] == "application/json"
    (error,) = last.json()["errors"]
    assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfter": int(last.headers["retry-after"])}
    assert last.headers["ratelimit-policy"] == '"cost";q=300;w=300000, "dear";q=1;w=1000'
    assert last.headers["ratelimit"].startswith('"cost";r=')
    assert last.headers["cache-control"] == "no-store"
    assert last.headers["x-content-type-options"] == "nosniff"


async def test_pages_that_may_ask_may_also_read_that_they_asked_too_often(host: Any) -> None:
    here = await host(rate_limit=FEW, http={"cors_origins": ("https://app.example",)})
    headers = {"origin": "https://app.example"}
    while (last := await here.client.get("/info", headers=headers)).status_code != 429:
        continue
    assert last.headers["access-control-allow-origin"] == "https://app.example"
    assert {"ratelimit", "retry-after"} <= set(last.headers["access-control-expose-headers"].split(", "))


async def test_health_is_told_also_to_who_has_asked_too_often(host: Any) -> None:
    here = await host(rate_limit=FEW)
    for _ in range(30):
        last = await here.client.get("/info")
    assert last.status_code == 429
    assert (await here.client.get("/healthz")).status_code == 200
    assert (await here.client.get("/readyz")).status_code == 200
    assert "ratelimit" not in (await here.client.get("/healthz")).headers


async def test_a_question_that_costs_more_is_paid_with_more(host: Any) -> None:
    here = await host(rate_limit={**FEW, "cost_burst": 3_000})
    assert (await here.ask("{ serviceNodes(first: 1000) { nodes { id } } }")).status_code == 200
    response = await here.ask("{ serviceNodes(first: 999) { nodes { id } } }")
    assert response.status_code == 429
    assert (await here.ask(SMALL)).status_code == 200


async def test_signatures_have_a_bucket_of_their_own_over_every_transport(host: Any) -> None:
    here = await host(rate_limit={**FEW, "cost_burst": 10_000_000})
    assert (await here.ask(CLAIM)).status_code == 200
    response = await here.ask(CLAIM)
    assert response.status_code == 429
    assert "signatures" in response.json()["errors"][0]["message"]
    assert (await here.ask(SMALL)).status_code == 200
    answer = await said(await here.websocket(), CLAIM)
    assert answer["type"] == "error"
    assert answer["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert answer["payload"][0]["extensions"]["retryAfter"] > 0
    stream = await here.client.post("/graphql", json={"query": CLAIM}, headers={"accept": "text/event-stream"})
    assert stream.status_code == 429


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_storing_is_in_the_strictest_bucket_and_never_cached(host: Any, method: str) -> None:
    here = await host(rate_limit={**FEW, "cost_burst": 10_000_000})
    await here.ask(CLAIM)
    response = await here.client.request(method, f"/store/{'0' * 64}")
    assert response.headers["cache-control"] == "no-store"
    assert response.status_code in {429, 503}


async def test_subscriptions_are_charged_when_they_begin(host: Any) -> None:
    here = await host(rate_limit={**FEW, "cost_burst": 8_000})
    socket = await here.websocket()
    question = "subscription { serviceNodes { upserted { id } } }"
    assert (await said(socket, question, "1"))["type"] == "next"
    assert (await said(socket, question, "2"))["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
    stream = await here.client.post("/graphql", json={"query": question}, headers={"accept": "text/event-stream"})
    assert stream.status_code == 429
    assert int(stream.headers["retry-after"]) > 0


async def test_handshakes_are_charged(host: Any) -> None:
    here = await host(rate_limit=FEW)
    while (await here.client.get("/info")).status_code != 429:
        continue
    with pytest.raises(Exception, match="429"):
        await here.websocket()


FORWARDED = {"x-forwarded-for": "198.51.100.7"}


async def test_nobody_is_believed_about_addresses_by_default(host: Any) -> None:
    here = await host(rate_limit=FEW)
    while (await here.client.get("/info")).status_code != 429:
        continue
    assert (await here.client.get("/info", headers=FORWARDED)).status_code == 429


async def test_a_trusted_proxy_tells_clients_apart(host: Any) -> None:
    here = await host(rate_limit=FEW, http={"trusted_proxies": ("127.0.0.0/8",)})
    while (await here.client.get("/info", headers=FORWARDED)).status_code != 429:
        continue
    assert (await here.client.get("/info", headers={"x-forwarded-for": "198.51.100.8"})).status_code == 200
    spoofed = {"x-forwarded-for": "198.51.100.9, 198.51.100.7"}
    assert (await here.client.get("/info", headers=spoofed)).status_code == 429


async def test_neighbours_in_an_ipv6_network_share_a_bucket(host: Any) -> None:
    here = await host(rate_limit=FEW, http={"trusted_proxies": ("127.0.0.1",)})
    for number in range(30):
        last = await here.client.get("/info", headers={"x-forwarded-for": f"2001:db8::{number:x}"})
    assert last.status_code == 429
    assert (await here.client.get("/info", headers={"x-forwarded-for": "2001:db8:0:1::1"})).status_code == 200


async def test_an_overload_is_told_and_health_is_not_refused(host: Any) -> None:
    here = await host(http={"max_delay": 0.000001})
    response = await here.ask(SMALL)
    assert response.status_code == 503
    assert response.json()["errors"][0]["extensions"]["code"] == "OVERLOADED"
    assert int(response.headers["retry-after"]) > 0
    assert (await here.client.get("/healthz")).status_code == 200
