"""An oxend and an L2 in a process of their own, whose network is as large as is wanted and moves when it is told to.

Nodes have four contributors each, out of twice as many wallets as there are nodes. Their data follows from their
numbers, so that both sides tell the same.
"""

import asyncio
import hashlib
import multiprocessing
import multiprocessing.connection
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import orjson
from aiohttp import web
from eth_abi.abi import decode, encode

from sent_graphql.localdev.omq_server import Handler, OmqServer, Reply
from sent_graphql.models.keys import eth_address
from sent_graphql.sources.contracts.abi import Event, View
from sent_graphql.sources.contracts.multicall import AGGREGATE3

CHAIN_ID: Final = 31337
REWARDS: Final = eth_address("0x" + "c2" * 20)
MULTICALL: Final = eth_address("0x" + "ca" * 20)

CONTRIBUTORS: Final = 4
STAKE: Final = 25_000 * 10**9
FEW: Final = 20
"""Nodes that a block changes a little: who was paid, and who has proven its uptime."""

HEIGHT: Final = 2_000_000
BLOCK_SECONDS: Final = 120
BEGINNING: Final = 1_750_000_000

_NUMBERS: Final = {
    View.STAKING_REQUIREMENT: STAKE,
    View.MAX_CONTRIBUTORS: 10,
    View.PAUSED: 0,
    View.CLAIM_THRESHOLD: 10**15,
    View.CLAIM_CYCLE: 43_200,
    View.CURRENT_CLAIM_CYCLE: 0,
    View.CURRENT_CLAIM_TOTAL: 0,
    View.BLS_NON_SIGNER_THRESHOLD: 0,
    View.SIGNATURE_EXPIRY: 600,
}


class Inhabitants:
    """Who is in the network. Nodes are numbered from 0; the contract's ids from 1."""

    def __init__(self, nodes: int) -> None:
        self.nodes = nodes
        self._wallets = 2 * nodes
        self.wallets = [self.wallet(number) for number in range(self._wallets)]

    def wallet(self, number: int) -> str:
        """The address of a wallet, with its checksum."""
        return eth_address(hashlib.sha256(b"wallet %d" % (number % self._wallets)).hexdigest()[:40])

    def pubkey(self, node: int) -> str:
        """The Ed25519 key of a node."""
        return hashlib.sha256(b"node %d" % node).hexdigest()

    def bls(self, node: int) -> tuple[int, int]:
        """Its BLS key as the contract keeps it."""
        digest = hashlib.sha512(b"bls %d" % node).digest()
        return int.from_bytes(digest[:31], "big"), int.from_bytes(digest[32:63], "big")

    def stakers(self, node: int) -> list[str]:
        """Its contributors, the operator first: one operator for four nodes."""
        return [self.wallets[node // 4], *(self.wallets[(7 * node + 3 * n) % self._wallets] for n in range(1, 4))]


class Oxend:
    """oxend's answers, and what moves them."""

    def __init__(self, people: Inhabitants) -> None:
        self.height = HEIGHT
        self._people = people
        self._random = random.Random(1)
        self._nodes = [self._node(number) for number in range(people.nodes)]
        self._accrued = {wallet.lower(): STAKE + number for number, wallet in enumerate(people.wallets)}

    def move(self, kind: str) -> None:
        """The next block: of no news (`quiet`), of some nodes' (`few`), or of all nodes' uptime (`proofs`)."""
        self.height += 1
        if kind == "few":
            for node in self._random.sample(self._nodes, FEW):
                node["last_reward_block_height"] = self.height
                node["last_uptime_proof"] = self.timestamp
            for wallet in self._random.sample(list(self._accrued), FEW * CONTRIBUTORS):
                self._accrued[wallet] += 10**6
        elif kind == "proofs":
            for node in self._nodes:
                node["last_uptime_proof"] = self.timestamp

    @property
    def timestamp(self) -> int:
        """Of the top block."""
        return BEGINNING + (self.height - HEIGHT) * BLOCK_SECONDS

    @property
    def block_hash(self) -> str:
        """Of the top block."""
        return hashlib.sha256(b"block %d" % self.height).hexdigest()

    def handlers(self) -> dict[str, Handler]:
        """The commands by name."""
        return {
            f"rpc.{make.__name__.lstrip('_')}": _answering(make)
            for make in (
                self._get_info,
                self._get_last_block_header,
                self._get_service_nodes,
                self._bls_exit_liquidation_list,
                self._get_pending_events,
                self._get_accrued_rewards,
            )
        }

    def _get_info(self) -> object:
        return {
            "status": "OK",
            "height": self.height + 1,
            "top_block_hash": self.block_hash,
            "target_height": 0,
            "hard_fork": 21,
            "nettype": "localdev",
            "version": "11.6.0",
            "staking_requirement": STAKE,
            "max_contributors": 10,
            "min_operator_contribution": STAKE // 4,
        }

    def _get_last_block_header(self) -> object:
        header = {"height": self.height, "hash": self.block_hash, "timestamp": self.timestamp}
        return {"status": "OK", "block_header": header}

    def _get_service_nodes(self) -> object:
        # As oxend does, in the order of a hash map that is another one each time.
        nodes = self._random.sample(self._nodes, len(self._nodes))
        return {"status": "OK", "height": self.height, "block_hash": self.block_hash, "service_node_states": nodes}

    def _bls_exit_liquidation_list(self) -> object:
        return []

    def _get_pending_events(self) -> object:
        return {"status": "OK", "registrations": [], "unlocks": []}

    def _get_accrued_rewards(self) -> object:
        return {"status": "OK", "balances": self._accrued}

    def _node(self, number: int) -> dict[str, Any]:
        stakers = self._people.stakers(number)
        x, y = self._people.bls(number)
        return {
            "active": True,
            "contributors": [
                {"address": staker, "amount": STAKE // CONTRIBUTORS, "beneficiary": staker} for staker in stakers
            ],
            "decommission_count": number % 3,
            "earned_downtime_blocks": 1_440,
            "last_reward_block_height": HEIGHT - number,
            "last_uptime_proof": BEGINNING - number % 3_600,
            "lokinet_version": [0, 9, 14],
            "operator_address": stakers[0],
            "payable": True,
            "portions_for_operator": 1_844_674_407_370_955_161,
            "pubkey_bls": f"{x:064x}{y:064x}",
            "public_ip": f"203.0.{number // 250 % 250}.{number % 250}",
            "registration_height": HEIGHT - 100_000 + number,
            "requested_unlock_height": 0,
            "service_node_pubkey": self._people.pubkey(number),
            "service_node_version": [11, 6, 0],
            "staking_requirement": STAKE,
            "state_height": HEIGHT - 100_000 + number,
            "storage_server_version": [2, 11, 0],
            "swarm_id": int(hashlib.sha256(b"swarm %d" % (number // 7)).hexdigest()[:15], 16),
            "total_contributed": STAKE,
        }


class Chain:
    """The L2: one rewards contract. Node n was registered in block n + 1."""

    def __init__(self, people: Inhabitants) -> None:
        self.head = people.nodes + 100
        self._people = people
        self._logs = [self._registration(node) for node in range(people.nodes)]
        self._nodes = {node + 1: self._struct(node) for node in range(people.nodes)}
        self._views = {view.selector: encode(["uint256"], [number]) for view, number in _NUMBERS.items()}
        ids, keys = list(self._nodes), [people.bls(node) for node in range(people.nodes)]
        self._views |= {
            View.TOTAL_NODES.selector: encode(["uint256"], [people.nodes]),
            View.NEXT_SERVICE_NODE_ID.selector: encode(["uint256"], [people.nodes + 1]),
            View.AGGREGATE_PUBKEY.selector: encode(["uint256", "uint256"], [1, 2]),
            View.ALL_SERVICE_NODE_IDS.selector: encode(["uint64[]", "(uint256,uint256)[]"], [ids, keys]),
            View.RECIPIENTS.selector: encode(["uint256", "uint256"], [STAKE, STAKE // 2]),
        }

    def answer(self, item: dict[str, Any]) -> dict[str, Any]:
        """One JSON-RPC request."""
        method, params = item["method"], item["params"]
        match method:
            case "eth_chainId":
                result: object = hex(CHAIN_ID)
            case "eth_getCode":
                result = "0x00"
            case "eth_getBlockByNumber":
                result = self._header(self.head if params[0] == "latest" else int(params[0], 16))
            case "eth_getLogs":
                first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
                result = self._logs[max(0, first - 1) : last]
            case "eth_call":
                result = "0x" + self._call(bytes.fromhex(params[0]["data"][2:])).hex()
            case _:
                raise ValueError(method)
        return {"jsonrpc": "2.0", "id": item["id"], "result": result}

    def _call(self, data: bytes) -> bytes:
        selector, arguments = data[:4], data[4:]
        if selector == AGGREGATE3:
            (calls,) = decode(["(address,bool,bytes)[]"], arguments)
            return encode(["(bool,bytes)[]"], [[(True, self._call(inner)) for _, _, inner in calls]])
        if selector == View.SERVICE_NODES.selector:
            return self._nodes[int.from_bytes(arguments, "big")]
        return self._views[selector]

    def _header(self, number: int) -> dict[str, str] | None:
        if number > self.head:
            return None
        return {"number": hex(number), "hash": _hash(number), "timestamp": hex(BEGINNING - 10**6 + number)}

    def _struct(self, node: int) -> bytes:
        stakers = [((staker, staker), STAKE // CONTRIBUTORS) for staker in self._people.stakers(node)]
        fields = "uint64,uint64,address,(uint256,uint256),uint256,uint256,uint256,uint256"
        values = (0, 0, stakers[0][0][0], self._people.bls(node), BEGINNING - 10**6 + node, 0, 0, STAKE)
        key = int(self._people.pubkey(node), 16)
        return encode([f"({fields},((address,address),uint256)[],uint256)"], [(*values, stakers, key)])

    def _registration(self, node: int) -> dict[str, Any]:
        stakers = [((staker, staker), STAKE // CONTRIBUTORS) for staker in self._people.stakers(node)]
        operator, key = stakers[0][0][0], int(self._people.pubkey(node), 16)
        data = encode(
            ["address", "(uint256,uint256)", "(uint256,uint256,uint256,uint16)", "((address,address),uint256)[]"],
            [operator, self._people.bls(node), (key, 1, 2, 1_000), stakers],
        )
        return {
            "address": REWARDS.lower(),
            "topics": [Event.NEW_SERVICE_NODE_V2.topic, f"0x{node + 1:064x}"],
            "data": "0x" + data.hex(),
            "blockNumber": hex(node + 1),
            "blockHash": _hash(node + 1),
            "transactionHash": f"0x{node:064x}",
            "logIndex": "0x0",
            "removed": False,
        }


@contextmanager
def block_network(nodes: int, endpoint: str) -> Iterator[str]:
    """The URL of the L2, while oxend listens at `endpoint`."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there, nodes, endpoint), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(parent: multiprocessing.connection.Connection, nodes: int, endpoint: str) -> None:
    people = Inhabitants(nodes)
    asyncio.run(_answer(parent, Oxend(people), Chain(people), endpoint))


async def _answer(parent: multiprocessing.connection.Connection, oxend: Oxend, chain: Chain, endpoint: str) -> None:
    async def mine(body: bytes | None) -> Reply:
        oxend.move((body or b"").decode())
        await server.push_block(oxend.height, bytes.fromhex(oxend.block_hash))
        return b"200", b"OK"

    async def mine_l2(_body: bytes | None) -> Reply:
        chain.head += 1
        return b"200", b"OK"

    async def post(request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read())
        answers = [chain.answer(item) for item in body] if isinstance(body, list) else chain.answer(body)
        return web.Response(body=msgspec.json.encode(answers), content_type="application/json")

    server = OmqServer(endpoint, {**oxend.handlers(), "sim.mine": mine, "sim.mine_l2": mine_l2})
    await server.start()
    app = web.Application(client_max_size=1 << 28)
    app.router.add_post("/", post)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    parent.send(runner.addresses[0][1])
    await asyncio.Event().wait()


def _answering(make: Any) -> Handler:  # noqa: ANN401 - a bound method without arguments
    async def handler(_body: bytes | None) -> Reply:
        return b"200", orjson.dumps(make())

    return handler


def _hash(number: int) -> str:
    return "0x" + hashlib.sha256(b"L2 %d" % number).hexdigest()
