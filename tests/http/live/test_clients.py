"""Other people's clients against the real server and the real live queries."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport

NODE = shutil.which("node")
CLIENTS = Path(__file__).parent / "clients"
HAS_NODE = NODE is not None and (Path(__file__).parents[3] / "node_modules" / "graphql-ws").is_dir()

HEIGHT = "subscription { network { blockHeight } }"
NODES = "subscription { serviceNodes(filter: {states: [RUNNING]}) { previousVersion upserted { contractId } removed } }"

needs_node = pytest.mark.skipif(not HAS_NODE, reason="needs Node.js and its pinned packages (scripts/node)")


class Lines:
    """A Node.js program that writes lines of JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def next(self) -> Any:
        """The next line."""
        assert self.process.stdout
        async with asyncio.timeout(60):
            line = await self.process.stdout.readline()
        assert line, "it ended"
        return json.loads(line)


@pytest.fixture
async def run() -> AsyncIterator[Callable[..., Any]]:
    """Starts the programs in clients/."""
    async with AsyncExitStack() as running:

        async def run(script: str, *arguments: str) -> Lines:
            assert NODE
            process = await asyncio.create_subprocess_exec(
                NODE, str(CLIENTS / script), *arguments, stdout=asyncio.subprocess.PIPE
            )
            running.push_async_callback(_ended, process)
            return Lines(process)

        yield run


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


def _address(network: Any, script: str) -> str:
    url: str = network.stage.url
    return url.replace("http:", "ws:") if "ws" in script else url


@pytest.mark.node
@needs_node
@pytest.mark.parametrize("script", ["graphql_ws.mjs", "graphql_sse.mjs"])
async def test_npm_clients_get_the_present_state_the_changes_and_the_end(
    network: Any, make: Any, run: Any, script: str
) -> None:
    client = await run(script, _address(network, script), NODES)
    first = (await client.next())["next"]["data"]["serviceNodes"]
    assert first == {"previousVersion": None, "upserted": [{"contractId": 1}], "removed": []}
    await network.publish(make.state(make.node(2)))
    second = (await client.next())["next"]["data"]["serviceNodes"]
    assert second == {"previousVersion": "1", "upserted": [{"contractId": 2}], "removed": [make.node(1).id]}
    network.stage.serving.cancel()
    assert await client.next() == {"complete": True}
    assert await client.process.wait() == 0


@pytest.mark.node
@needs_node
@pytest.mark.parametrize("script", ["graphql_ws.mjs", "graphql_sse.mjs"])
async def test_npm_clients_are_told_what_is_wrong(network: Any, run: Any, script: str) -> None:
    client = await run(script, _address(network, script), "subscription { nothing }")
    (message,) = (await client.next())["error"]
    assert "nothing" in message


@pytest.mark.parametrize("protocol", ["graphql-transport-ws", "graphql-ws"])
async def test_gql_gets_the_present_state_and_the_changes(network: Any, make: Any, protocol: str) -> None:
    transport = WebsocketsTransport(url=_address(network, "ws"), subprotocols=[protocol])
    async with Client(transport=transport, fetch_schema_from_transport=False) as session:
        async with aclosing(session.subscribe(gql(HEIGHT))) as heights:
            assert await anext(heights) == {"network": {"blockHeight": 5313}}
            await network.publish(make.state(make.node(1), block_height=5314))
            assert await anext(heights) == {"network": {"blockHeight": 5314}}
        assert await session.execute(gql("{ network { blockHeight } }")) == {"network": {"blockHeight": 5314}}


async def test_gql_is_told_what_is_wrong(network: Any) -> None:
    transport = WebsocketsTransport(url=_address(network, "ws"), subprotocols=["graphql-transport-ws"])
    async with Client(transport=transport, fetch_schema_from_transport=False) as session:
        with pytest.raises(TransportQueryError, match="nothing"):
            await anext(session.subscribe(gql("subscription { nothing }")))
