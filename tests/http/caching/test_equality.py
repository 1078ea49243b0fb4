"""Whatever is asked in whatever order: the answer is what the question's execution on the newest snapshot gives."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PAGES = """query Pages($first: Int, $states: [ServiceNodeState!], $with: Boolean = true) {
  serviceNodes(first: $first, filter: { states: $states }) {
    totalCount edges { cursor node { id ...Fields contributors @include(if: $with) { address amount } } }
  }
}
fragment Fields on ServiceNode { pubkey state operatorFee lastUptimeProof }"""

QUESTIONS = [
    ("{ meta { version createdAt sources { name height } } network { blockHeight } }", None),
    ("{ a: network { blockHeight } b: network { ...N } } fragment N on Network { hardFork rewardRate }", None),
    (PAGES, "Pages"),
    ("query A { network { blockHeight } } query B { meta { version } }", "A"),
    ("query A { network { blockHeight } } query B { meta { version } }", "B"),
    ("query A { network { blockHeight } } query B { meta { version } }", None),
    ("{ __schema { queryType { name fields { name } } } }", None),
    ("{ serviceNode(by: { contractId: 2 }) { pubkey operator contributors { wallet { totalStaked } } } }", None),
    ('{ serviceNode(by: { pubkey: "zz" }) { id } }', None),
    ("{ network { nothing } }", None),
    ("{ contributionContracts { nodes { address status operator fee } } exitList { id } }", None),
]
VARIABLES = [
    None,
    {},
    {"first": 1},
    {"first": True},
    {"first": 1.0},
    {"first": 2, "states": ["RUNNING"], "with": False},
    {"states": "RUNNING", "first": None},
    {"with": False, "states": ["DECOMMISSIONED"], "first": 2},
    {"first": -1},
]


class Asked(NamedTuple):
    """One question, asked by some at once."""

    question: tuple[str, str | None]
    variables: dict[str, Any] | None
    method: str
    headers: dict[str, str]
    times: int

    def request(self) -> dict[str, Any]:
        """As httpx takes it."""
        query, name = self.question
        given = {"query": query, "operationName": name, "variables": self.variables}
        if self.method == "POST":
            return {"json": given}
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
        return {"params": {key: text for key, text in texts.items() if text != "null"}}


ASKED = st.builds(
    Asked,
    question=st.sampled_from(QUESTIONS),
    variables=st.sampled_from(VARIABLES),
    method=st.sampled_from(["GET", "POST"]),
    headers=st.sampled_from(
        [
            {},
            {"accept-encoding": "gzip"},
            {"accept": "application/graphql-response+json"},
            {"accept-encoding": "identity"},
        ]
    ),
    times=st.integers(1, 3),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(ASKED, ASKED, ASKED, st.just("block")), min_size=4, max_size=16))
def test_an_answer_from_the_cache_is_that_of_its_execution(assemble: Callable[[], Any], steps: list[Any]) -> None:
    asyncio.run(_play(assemble(), steps))


async def _play(served: Any, steps: list[Any]) -> None:
    transport = httpx.ASGITransport(served.app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for step in steps:
            if step == "block":
                await served.publish()
                assert served.answers.bytes == 0
                continue
            newest = served.snapshots.newest
            answers = await asyncio.gather(
                *(
                    client.request(step.method, "/graphql", headers=step.headers, **step.request())
                    for _ in range(step.times)
                )
            )
            expected = await _executed(served, step)
            for answer in answers:
                told = answer.json()
                assert (told.get("data"), [error["message"] for error in told.get("errors", [])]) == expected
            assert served.snapshots.newest is newest


async def _executed(served: Any, step: Asked) -> tuple[Any, list[str]]:
    """Data and errors of the question, executed on the newest snapshot."""
    query, name = step.question
    if name is None and query.startswith("query A"):
        return None, ["The document has several operations: name one in `operationName`."]
    result = await served.schema.execute(
        query,
        variable_values=step.variables,
        operation_name=name,
        context_value=served.context(served.snapshots.newest),
    )
    return result.data, [error.message for error in result.errors or ()]
