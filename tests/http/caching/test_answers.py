"""What is answered again without being executed again, and what is not."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from msgspec import structs

NETWORK = "{ network { blockHeight nodeCounts { total } } }"
NODES = "query Nodes($first: Int) { serviceNodes(first: $first) { nodes { pubkey contributors { address amount } } } }"


def query_string(**parameters: Any) -> dict[str, str]:
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}


async def ask(client: httpx.AsyncClient, query: str, **more: Any) -> httpx.Response:
    return await client.post("/graphql", json={"query": query, **more})


async def test_the_same_question_on_the_same_snapshot_is_executed_once(client: httpx.AsyncClient, served: Any) -> None:
    answers = [await ask(client, NETWORK) for _ in range(5)]
    answers.append(await client.get("/graphql", params={"query": NETWORK}))
    answers.append(
        await client.post(
            "/graphql",
            content=b' {"query": "%s", "variables": {}}' % NETWORK.encode(),
            headers={"content-type": "application/json; charset=utf-8"},
        )
    )
    assert {answer.content for answer in answers} == {answers[0].content}
    assert answers[0].json()["data"] == {"network": {"blockHeight": 836, "nodeCounts": {"total": 3}}}
    assert len(served.executed) == 1


async def test_variables_are_told_apart_by_their_values_and_not_by_their_order(
    client: httpx.AsyncClient, served: Any
) -> None:
    document = """query ($a: Int, $b: Int) {
      x: serviceNodes(first: $a) { totalCount }
      y: serviceNodes(first: $b) { nodes { id } }
    }"""
    one = await ask(client, document, variables={"a": 1, "b": 2})
    same = await ask(client, document, variables={"b": 2, "a": 1})
    other = await ask(client, document, variables={"a": 2, "b": 1})
    assert one.content == same.content != other.content
    assert len(served.executed) == 2


async def test_operations_and_media_types_are_told_apart(client: httpx.AsyncClient, served: Any) -> None:
    document = "query A { network { blockHeight } } query B { network { hardFork } }"
    a = await ask(client, document, operationName="A")
    b = await ask(client, document, operationName="B")
    assert (a.json()["data"], b.json()["data"]) == ({"network": {"blockHeight": 836}}, {"network": {"hardFork": 21}})
    for accept in ("application/json", "application/graphql-response+json", "application/json"):
        answer = await client.post("/graphql", json={"query": NETWORK}, headers={"accept": accept})
        assert answer.headers["content-type"] == accept


async def test_a_new_snapshot_is_answered_from_at_once(client: httpx.AsyncClient, served: Any) -> None:
    for height in range(836, 846):
        for _ in range(3):
            answer = await ask(client, NETWORK)
            assert answer.json()["data"]["network"]["blockHeight"] == height
        assert served.answers.bytes > 0
        await served.publish()
        assert served.answers.bytes == 0, "the old answers are freed in that moment"
    assert len(served.executed) == 10


async def test_a_snapshot_that_comes_while_an_answer_is_made_does_not_get_it(
    client: httpx.AsyncClient, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, begun, go = served.schema.execute, asyncio.Event(), asyncio.Event()

    async def slow(*args: Any, **kwargs: Any) -> Any:
        begun.set()
        await go.wait()
        return await execute(*args, **kwargs)

    monkeypatch.setattr(served.schema, "execute", slow)
    early = asyncio.create_task(ask(client, NETWORK))
    await begun.wait()
    await served.publish()
    late = asyncio.create_task(ask(client, NETWORK))
    go.set()
    assert [(await asking).json()["data"]["network"]["blockHeight"] for asking in (early, late)] == [836, 837]
    assert (await ask(client, NETWORK)).json()["data"]["network"]["blockHeight"] == 837


@pytest.mark.parametrize(
    ("query", "more"),
    [
        ('{ node(id: "TmV0d29yazpzdGFnZW5ldA==") { id } }', {}),
        ("{ events(first: 1) { nodes { id } } }", {}),
        ("query ($i: RegistrationInput!) { validateRegistration(input: $i) { valid } }", {"variables": {"i": {}}}),
        ('mutation { requestRewardsClaim(address: "0x") { __typename } }', {}),
        ("{ network { blockHeight } nothing }", {}),
        ("{ network {", {}),
        ("query A { network { id } } query B { network { id } }", {}),
        ("query A { network { id } }", {"operationName": "B"}),
        ('{ serviceNode(by: { pubkey: "zz" }) { id } }', {}),
        ("query ($f: Int!) { serviceNodes(first: $f) { totalCount } }", {}),
        ("{ serviceNodes(first: -1) { totalCount } }", {}),
    ],
)
async def test_what_is_not_the_snapshots_alone_and_what_has_errors_is_not_kept(
    client: httpx.AsyncClient, served: Any, query: str, more: dict[str, Any]
) -> None:
    for _ in range(2):
        answer = await ask(client, query, **more)
        assert "etag" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        assert served.answers.bytes == 0
        by_get = await client.get("/graphql", params=query_string(query=query, **more))
        assert by_get.headers["cache-control"] == "no-store"
        assert "etag" not in by_get.headers


async def test_nothing_is_kept_before_the_first_snapshot(serve: Any, before_first: Any, snapshot: Any) -> None:
    served: Any = await serve(first=structs.replace(before_first, created_at=snapshot.created_at))
    async with httpx.AsyncClient(base_url=served.address) as client:
        for query in ("{ meta { version } }", NETWORK):
            answer = await client.get("/graphql", params={"query": query})
            assert answer.headers["cache-control"] == "no-store"
    assert served.answers.bytes == 0


async def test_many_who_ask_the_same_at_the_same_time_have_it_executed_once(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, begun, go, calls = served.schema.execute, asyncio.Event(), asyncio.Event(), 0

    async def slow(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        begun.set()
        await go.wait()
        return await execute(*args, **kwargs)

    monkeypatch.setattr(served.schema, "execute", slow)
    async with httpx.AsyncClient(base_url=served.address) as client:
        asking = [asyncio.create_task(ask(client, NODES, variables={"first": 2})) for _ in range(40)]
        await begun.wait()
        for gone in asking[1:10]:
            gone.cancel()
        go.set()
        answers = await asyncio.gather(*asking[10:], asking[0])
    assert {answer.content for answer in answers} == {answers[0].content}
    assert calls == 1


async def test_no_more_is_kept_than_the_setting_allows(serve: Any) -> None:
    served: Any = await serve(cache={"answers_bytes": 40_000})
    async with httpx.AsyncClient(base_url=served.address) as client:
        for number in range(200):
            await ask(client, f"query Q{number} {{ serviceNodes(first: 3) {{ nodes {{ pubkey pubkeyBls }} }} }}")
            assert served.answers.bytes <= 40_000
    assert served.answers.bytes > 20_000


async def test_a_bound_of_nothing_switches_it_off(serve: Any) -> None:
    served: Any = await serve(cache={"answers_bytes": 0})
    async with httpx.AsyncClient(base_url=served.address) as client:
        answers = [await ask(client, NETWORK) for _ in range(3)]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert len(served.executed) == 3
