"""GraphQL over HTTP as graphql-http's audits see it: other people's reading of the specification.

The same rules are tried in Python by test_graphql_requests.py and test_graphql_responses.py.
"""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sent_graphql.schema.build import build_schema
from sent_graphql.settings import GraphqlSettings

NODE = shutil.which("node")
PROGRAM = Path(__file__).parent / "audits" / "audit.mjs"
HAS_AUDITS = NODE is not None and (Path(__file__).parents[2] / "node_modules" / "graphql-http").is_dir()

COUNTERPARTS = {
    "responses.test_the_answer_has_the_media_type_that_is_asked_for": "22EB 4655 47DE 80D8 82A3 2C94 34A2 13EE",
    "responses.test_a_named_operation_runs_and_no_other": "8161 B8B3",
    "responses.test_a_mutation_by_get_is_405_and_does_not_run": "9C48",
    "responses.test_what_never_ran_has_no_data": "572B FDE2 7B9B 865D 556A D586 51FE 74FF 5E5B 86EE",
    "requests.test_json_may_say_its_charset": "BF61 78D5 03D4",
    "requests.test_another_content_type_is_415": "9ABE",
    "requests.test_post_and_get_answer_the_same": "5A70 2EA1 28B9 D6D5 6A70",
    "requests.test_optional_parameters_may_be_absent_or_null_and_extensions_unknown": (
        "94B0 94B1 94B2 0220 0221 0222 428F 1B7A"
    ),
    "requests.test_a_body_that_is_no_request_is_400_and_names_the_reason": (
        "A5BF 423L LKJ0 LKJ1 LKJ2 LKJ3 6C00 6C01 6C02 6C03 4760 4761 4762 4763 58B0 58B1 58B2 58B3 B6DC BCF8 B7N8 "
        "8764 3E3A"
    ),
}
"""The tests of ours that try the same as each audit."""

AUDITS = {audit for audits in COUNTERPARTS.values() for audit in audits.split()}
"""All of the pinned package."""


async def audited(url: str) -> list[dict[str, Any]]:
    """The results of all audits of the server at `url`."""
    assert NODE
    process = await asyncio.create_subprocess_exec(NODE, str(PROGRAM), f"{url}/graphql", stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    results: list[dict[str, Any]] = json.loads(output)
    return results


@pytest.mark.node
@pytest.mark.skipif(not HAS_AUDITS, reason="needs Node.js and its pinned packages (scripts/node)")
async def test_every_audit_is_passed(start: Any, snapshots: Any) -> None:
    results = await audited(start(schema=build_schema(GraphqlSettings(), "stagenet")))

    assert [result for result in results if result["status"] != "ok"] == []
    assert {result["id"] for result in results} == AUDITS
    assert len(results) == 61


def test_every_audit_has_its_counterpart_in_python() -> None:
    for place, audits in COUNTERPARTS.items():
        module, name = place.split(".")
        source = (Path(__file__).parent / f"test_graphql_{module}.py").read_text()
        assert f"async def {name}(" in source, (place, audits)
