"""Heads and logs are pushed over a WebSocket as they are mined."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect

from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.deployment import Deployment

NOWHERE = "0x" + "77" * 20


@pytest_asyncio.fixture
async def socket(chain: Chain) -> AsyncIterator[ClientConnection]:
    async with connect(chain.url.replace("http", "ws", 1)) as connection:
        yield connection


async def ask(socket: ClientConnection, method: str, *params: Any) -> Any:
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}))
    return json.loads(await socket.recv())


async def test_requests_are_answered_in_text_or_binary_frames(socket: ClientConnection) -> None:
    assert (await ask(socket, "eth_chainId"))["result"] == "0x7a69"
    await socket.send(b'{"jsonrpc":"2.0","id":8,"method":"net_version"}')
    assert json.loads(await socket.recv())["result"] == "31337"
    await socket.send("{")
    assert json.loads(await socket.recv())["error"]["code"] == -32700


async def test_heads_are_pushed_until_the_subscription_ends(socket: ClientConnection, chain: Chain) -> None:
    subscription = (await ask(socket, "eth_subscribe", "newHeads"))["result"]
    await chain.mine()
    pushed = json.loads(await socket.recv())
    assert pushed["method"] == "eth_subscription"
    assert pushed["params"]["subscription"] == subscription
    assert int(pushed["params"]["result"]["number"], 16) == await chain.block_number()
    assert (await ask(socket, "eth_unsubscribe", subscription))["result"] is True
    await chain.mine()
    assert (await ask(socket, "eth_unsubscribe", subscription))["result"] is False


async def test_only_the_wanted_logs_are_pushed(socket: ClientConnection, chain: Chain, deployment: Deployment) -> None:
    await ask(socket, "eth_subscribe", "logs", {"address": deployment.token.address})
    await chain.send(deployment.rewards, "setClaimCycle", 60, sender=deployment.owner)
    sent = await chain.send(deployment.token, "mint", NOWHERE, 1, sender=deployment.owner)
    pushed = json.loads(await socket.recv())["params"]["result"]
    assert pushed["transactionHash"] == sent.transaction_hash
    assert pushed["removed"] is False


async def test_what_cannot_be_subscribed_to_is_refused(socket: ClientConnection) -> None:
    for params in ([], ["syncing"], ["logs", {"address": "0x1"}]):
        assert (await ask(socket, "eth_subscribe", *params))["error"]["code"] == -32602
