"""Subscriptions of the running service: a block reaches who waits for it, and the end of the service loses nothing."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from sent_graphql.localdev.chain import Chain

HEIGHT = "{ network { blockHeight } }"
NODES = "subscription { serviceNodes(filter: {states: [RUNNING]}) { version previousVersion upserted { id } removed } }"
LOAD = 8
"""Clients that ask without a pause."""


@asynccontextmanager
async def subscribed(service: Any, query: str) -> AsyncIterator[ClientConnection]:
    """A WebSocket with one subscription."""
    url = str(service.client.base_url.copy_with(scheme="ws")).rstrip("/") + "/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send('{"type":"connection_init"}')
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
        yield socket


async def heard(socket: ClientConnection) -> Any:
    """The data of the next result."""
    async with asyncio.timeout(60):
        message = json.loads(await socket.recv())
    assert message["type"] == "next", message
    return message["payload"]["data"]


async def test_a_block_that_oxend_announces_reaches_a_subscriber(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await service.until(HEIGHT, lambda data: True)
    async with subscribed(service, "subscription { network { blockHeight } }") as socket:
        assert await heard(socket) == {"network": {"blockHeight": 5313}}
        await stage.oxend.move(height=5320)
        assert await heard(socket) == {"network": {"blockHeight": 5320}}


async def test_blocks_of_the_l2_reach_a_subscriber_by_push_also_after_the_connection_was_lost(
    stage: Any, l2: Any
) -> None:
    await stage.oxend.start()
    pushed_only = {
        "SENT_CONTRACTS__RPC_URLS": f"ws://127.0.0.1:{stage.gate.port}",
        "SENT_POLL_CONTRACTS__INTERVAL": "86400",
    }
    service = await stage.serve(environ=pushed_only)
    await service.until("{ network { l2Height } }", lambda data: True)
    async with Chain(l2.url) as chain, subscribed(service, "subscription { network { l2Height } }") as socket:
        await chain.mine()
        await until_heard(socket, await chain.block_number())
        await stage.gate.shut()
        await chain.mine()
        await stage.gate.open()
        await until_heard(socket, await chain.block_number())
        await chain.mine()
        await until_heard(socket, await chain.block_number())


async def until_heard(socket: ClientConnection, height: int) -> None:
    """Waits until the L2 is shown to have come so far."""
    while int((await heard(socket))["network"]["l2Height"]) < height:
        continue


async def test_versions_grow_over_a_restart_and_a_client_that_comes_back_gets_the_whole(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await service.until(HEIGHT, lambda data: True)
    async with subscribed(service, NODES) as socket:
        before = (await heard(socket))["serviceNodes"]
    await service.stop()
    again = await stage.serve()
    async with subscribed(again, NODES) as socket:
        after = (await heard(socket))["serviceNodes"]
    assert after["previousVersion"] is None
    assert int(after["version"]) > int(before["version"])
    assert {node["id"] for node in after["upserted"]} == {node["id"] for node in before["upserted"]}


async def test_sigterm_under_load_cuts_no_answer_and_completes_subscriptions(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await service.until(HEIGHT, lambda data: True)
    answered = [asyncio.create_task(_ask_until_the_end(str(service.client.base_url))) for _ in range(LOAD)]
    async with subscribed(service, "subscription { network { blockHeight } }") as socket:
        await heard(socket)
        service.process.send_signal(signal.SIGTERM)
        messages = []
        try:
            async with asyncio.timeout(60):
                messages.extend([json.loads(message) async for message in socket])
        except ConnectionClosed:
            pass
    assert messages[-1:] == [{"id": "1", "type": "complete"}]
    assert socket.close_code == 1001
    assert await service.ended() == 0
    counts = await asyncio.gather(*answered)
    assert all(count > 0 for count in counts), counts


async def _ask_until_the_end(base_url: str) -> int:
    """How many answers came, each of them whole. What is sent to a closing connection gets none at all."""
    count = 0
    async with httpx.AsyncClient(base_url=base_url, timeout=60) as client:
        while True:
            try:
                response = await client.post("/graphql", json={"query": HEIGHT})
            except (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as error:
                if "incomplete" in str(error):
                    raise  # an answer that had begun was cut
                return count
            assert response.json()["data"] == {"network": {"blockHeight": 5313}}
            count += 1
