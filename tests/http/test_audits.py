"""GraphQL over HTTP as graphql-http's audits see it: other people's reading of the specification.

The same rules are tried by name in test_graphql_requests.py and test_graphql_responses.py, where there is no Node.js.
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

AUDITS = 61
"""How many there are in the pinned package."""


async def audited(url: str) -> list[dict[str, Any]]:
    """The results of all audits of the server at `url`."""
    assert NODE
    process = await asyncio.create_subprocess_exec(
        NODE, str(PROGRAM), f"{url}/graphql", stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    results: list[dict[str, Any]] = json.loads(output)
    return results


@pytest.mark.node
@pytest.mark.skipif(not HAS_AUDITS, reason="needs Node.js and its pinned packages (scripts/node)")
async def test_every_audit_is_passed(start: Any, snapshots: Any) -> None:
    results = await audited(start(schema=build_schema(GraphqlSettings(), "stagenet")))

    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS
