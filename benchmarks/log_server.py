"""A JSON-RPC node in a process of its own whose chain is made of events, as many as are wanted.

All nodes are registered and all wallets named in the first tenth of it; what follows is their daily life.
"""

import asyncio
import bisect
import hashlib
import multiprocessing
import multiprocessing.connection
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from aiohttp import web
from eth_abi.abi import encode

from sent_graphql.models.keys import eth_address
from sent_graphql.sources.contracts.abi import Event

CHAIN_ID: Final = 31337
REWARDS: Final = eth_address("0x" + "c2" * 20)
FACTORY: Final = eth_address("0x" + "fa" * 20)
POOL: Final = eth_address("0x" + "11" * 20)

LOGS_AT_ONCE: Final = 10_000
"""Most logs of one answer, as providers have it."""

BLOCK_STRIDE: Final = 40
"""Blocks from one with events to the next."""

EVENTS_PER_BLOCK: Final = 10

STAKE: Final = 25_000 * 10**9


class LogChain:
    """Blocks of ten events each, far apart; hashes and logs follow from their numbers."""

    def __init__(self, events: int, nodes: int, wallets: int) -> None:
        self.head = (events // EVENTS_PER_BLOCK + 1) * BLOCK_STRIDE
        self._nodes, self._wallets = nodes, wallets
        self._early = max(events // 10, nodes + wallets)
        contracts = nodes // 20
        self._contracts = [eth_address(f"0x{0xDE << 100 | number:040x}") for number in range(contracts)]
        self._logs = [self._log(number) for number in range(events)]
        self._blocks = [int(log["blockNumber"], 16) for log in self._logs]

    def header(self, number: int) -> dict[str, str] | None:
        """As eth_getBlockByNumber tells it."""
        if number > self.head:
            return None
        return {"number": hex(number), "hash": block_hash(number), "timestamp": hex(1_700_000_000 + number)}

    def logs(self, first: int, last: int, addresses: set[str]) -> list[dict[str, Any]]:
        """As eth_getLogs tells them."""
        low, high = bisect.bisect_left(self._blocks, first), bisect.bisect_right(self._blocks, last)
        return [log for log in self._logs[low:high] if log["address"] in addresses]

    def _log(self, number: int) -> dict[str, Any]:
        block = (number // EVENTS_PER_BLOCK + 1) * BLOCK_STRIDE
        address, topics, data = self._event(number)
        return {
            "address": address.lower(),
            "topics": [topic if isinstance(topic, str) else f"0x{topic:064x}" for topic in topics],
            "data": "0x" + data.hex(),
            "blockNumber": hex(block),
            "blockHash": block_hash(block),
            "transactionHash": f"0x{number:064x}",
            "logIndex": hex(number % EVENTS_PER_BLOCK),
            "removed": False,
        }

    def _event(self, number: int) -> tuple[str, tuple[str | int, ...], bytes]:
        contracts = len(self._contracts)
        if number < contracts:
            data = encode(["uint256", "address"], [2**200 + number, self._wallet(number)])
            return FACTORY, (Event.NEW_CONTRIBUTION_CONTRACT.topic, int(self._contracts[number], 16)), data
        if number < self._nodes:
            return self._registration(number)
        if number >= self._early and number % 3 == 0:
            contract = self._contracts[number % contracts]
            person = self._wallet(number)
            return (
                contract,
                (Event.NEW_CONTRIBUTION.topic, int(person, 16)),
                encode(["address", "uint256"], [person, STAKE]),
            )
        wallet = int(self._wallet(number), 16)
        if number >= self._early and number % 3 == 1:
            return REWARDS, (Event.REWARDS_CLAIMED.topic, wallet), encode(["uint256"], [number])
        return REWARDS, (Event.REWARDS_BALANCE_UPDATED.topic, wallet), encode(["uint256", "uint256"], [number, 1])

    def _registration(self, number: int) -> tuple[str, tuple[str | int, ...], bytes]:
        people = [self._wallet(number), self._wallet(number + 1)]
        data = encode(
            ["address", "(uint256,uint256)", "(uint256,uint256,uint256,uint16)", "((address,address),uint256)[]"],
            [
                people[0],
                (2**250 + number, number),
                (2**201 + number, 1, 2, 500),
                [((person, person), STAKE // 2) for person in people],
            ],
        )
        return REWARDS, (Event.NEW_SERVICE_NODE_V2.topic, number + 1), data

    def _wallet(self, number: int) -> str:
        return f"0x{0xA0 << 152 | number % self._wallets:040x}"


def block_hash(number: int) -> str:
    """A hash of its own for every number."""
    return "0x" + hashlib.sha256(number.to_bytes(8, "big")).hexdigest()


@contextmanager
def log_server(events: int, nodes: int, wallets: int) -> Iterator[tuple[str, int]]:
    """The server's URL and its newest block, while it runs."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(there, events, nodes, wallets), daemon=True
    )
    process.start()
    try:
        port, head = here.recv()
        yield f"http://127.0.0.1:{port}", head
    finally:
        process.terminate()
        process.join()


def _serve(parent: multiprocessing.connection.Connection, events: int, nodes: int, wallets: int) -> None:
    asyncio.run(_answer(parent, LogChain(events, nodes, wallets)))


async def _answer(parent: multiprocessing.connection.Connection, chain: LogChain) -> None:
    async def post(request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read())
        answers = [_one(chain, item) for item in body] if isinstance(body, list) else _one(chain, body)
        return web.Response(body=msgspec.json.encode(answers), content_type="application/json")

    app = web.Application(client_max_size=1 << 28)
    app.router.add_post("/", post)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    parent.send((runner.addresses[0][1], chain.head))
    await asyncio.Event().wait()


def _one(chain: LogChain, item: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"jsonrpc": "2.0", "id": item["id"]}
    method, params = item["method"], item["params"]
    if method == "eth_chainId":
        return answer | {"result": hex(CHAIN_ID)}
    if method == "eth_getBlockByNumber":
        return answer | {"result": chain.header(chain.head if params[0] == "latest" else int(params[0], 16))}
    assert method == "eth_getLogs", method
    wanted = params[0]
    addresses = {address.lower() for address in wanted["address"]}
    found = chain.logs(int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16), addresses)
    if len(found) > LOGS_AT_ONCE:
        return answer | {"error": {"code": -32005, "message": f"query returned more than {LOGS_AT_ONCE} results"}}
    return answer | {"result": found}
