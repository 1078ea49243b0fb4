"""A small chain behind real JSON-RPC over loopback: blocks with logs and a state each, which can be reorganised."""

import copy
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from eth_abi.abi import encode
from msgspec.structs import replace
from sqlalchemy import URL

from sent_graphql.models.contracts import (
    ContractNode,
    Contribution,
    ContributionContractState,
    ContributionStatus,
    Recipient,
    Stake,
)
from sent_graphql.models.keys import eth_address
from sent_graphql.models.network import NetworkType
from sent_graphql.settings import ContractsSettings, DatabaseSettings, NetworkSettings
from sent_graphql.sources.contracts.abi import Event, View
from sent_graphql.sources.contracts.calls import BlockReader
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.source import ContractsSource
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.events import EventStore
from sent_graphql.sources.database.identity import Identity

REWARDS = eth_address("0x" + "c2" * 20)
FACTORY = eth_address("0x" + "fa" * 20)
POOL = eth_address("0x" + "11" * 20)
MULTICALL = "0xcA11bde05977b3631167028862bE2a173976CA11"
REQUIREMENT = 25_000 * 10**9
NODE_TYPE = (
    "(uint64,uint64,address,(uint256,uint256),uint256,uint256,uint256,uint256,((address,address),uint256)[],uint256)"
)
NO_NODE: tuple[Any, ...] = (0, 0, "0x" + "00" * 20, (0, 0), 0, 0, 0, 0, [], 0)
VIEWS = {view.selector: view for view in View}


def wallet(number: int) -> str:
    """An address of its own for every number."""
    return eth_address(f"0x{number:040x}")


def point(pubkey_bls: str) -> tuple[int, int]:
    return int(pubkey_bls[:64], 16), int(pubkey_bls[64:], 16)


@lru_cache(maxsize=10_000)
def encoded_node(node: ContractNode) -> bytes:
    leave = node.leave_requested_at or 0
    stakes = [((stake.address, stake.beneficiary), stake.amount) for stake in node.contributors]
    struct = (7, 7, node.operator, point(node.pubkey_bls), node.added_at, leave, leave, node.deposit, stakes)
    return encode([NODE_TYPE], [(*struct, int(node.pubkey, 16))])


@dataclass
class State:
    """What the contracts hold at one block."""

    nodes: dict[int, ContractNode] = field(default_factory=dict)
    next_id: int = 1
    recipients: dict[str, Recipient] = field(default_factory=dict)
    contracts: dict[str, ContributionContractState] = field(default_factory=dict)
    numbers: dict[View, int] = field(
        default_factory=lambda: {
            View.STAKING_REQUIREMENT: REQUIREMENT,
            View.MAX_CONTRIBUTORS: 10,
            View.PAUSED: 0,
            View.CLAIM_THRESHOLD: 10**15,
            View.CLAIM_CYCLE: 43_200,
            View.CURRENT_CLAIM_CYCLE: 3,
            View.CURRENT_CLAIM_TOTAL: 5,
            View.BLS_NON_SIGNER_THRESHOLD: 1,
            View.SIGNATURE_EXPIRY: 600,
        }
    )

    def copied(self) -> "State":
        parts = {name: copy.copy(value) for name, value in vars(self).items()}
        return State(**parts)


@dataclass
class Block:
    hash: str
    state: State
    logs: list[dict[str, Any]]


class FakeChain:
    """Things done are pending until `mine`. `calls` counts what was read, by view."""

    def __init__(self, node: Any, revert: type[Exception], refusal: Callable[[int, str], Exception]) -> None:
        self.node = node
        self.revert, self.refusal = revert, refusal
        self.state = State()
        self.blocks: list[Block] = []
        self.deployed_at = 3
        self.calls: list[tuple[View, int]] = []
        self.log_queries: list[tuple[int, int]] = []
        self.refused_views: set[View] = set()
        self.lacking_views: set[View] = set()
        self.max_range: int | None = None
        self.max_logs: int | None = None
        self.max_addresses: int | None = None
        self.range_words = "block range is too large"
        self.left_out: set[int] = set()
        """Blocks whose logs are kept back."""
        self.code_kept_from = 0
        self.state_kept_from = 0
        self.tells_times = False
        self.foreign_logs: list[dict[str, Any]] = []
        self.before_answer: Callable[[str, list[Any]], None] = lambda method, params: None
        self.codeless: set[str] = set()
        self.old_generation = False
        self._pending: list[dict[str, Any]] = []
        self._transaction = 0
        self._salt = 0
        node.contract = self._contract
        for name, method in {
            "eth_getBlockByNumber": self._get_block,
            "eth_getLogs": self._get_logs,
            "eth_getCode": self._get_code,
        }.items():
            node.methods[name] = self._watched(name, method)
        node.methods["eth_call"] = self._watched("eth_call", node.methods["eth_call"])
        self.mine(6)

    @property
    def head(self) -> int:
        return len(self.blocks) - 1

    @property
    def round_trips(self) -> int:
        return len(self.node.posts)

    def count(self, view: View) -> int:
        return sum(1 for called, _ in self.calls if called is view)

    def mine(self, count: int = 1) -> None:
        for _ in range(count):
            number = len(self.blocks)
            parent = self.blocks[-1].hash if self.blocks else ""
            block_hash = "0x" + hashlib.sha256(f"{self._salt} {number} {parent}".encode()).hexdigest()
            for index, log in enumerate(self._pending):
                log |= {"blockNumber": hex(number), "blockHash": block_hash, "logIndex": hex(index)}
                if self.tells_times:
                    log["blockTimestamp"] = hex(1_700_000_000 + number)
            self.blocks.append(Block(block_hash, self.state.copied(), self._pending))
            self._pending = []

    def reorganise(self, depth: int, length: int | None = None) -> None:
        """Drop the last `depth` blocks, and mine `length` other ones (as many) in their place."""
        del self.blocks[len(self.blocks) - depth :]
        self.state = self.blocks[-1].state.copied()
        self._pending = []
        self._salt += 1
        self.mine(depth if length is None else length)

    def replace_all(self) -> None:
        """Another chain in this one's place."""
        self.blocks.clear()
        self.state = State()
        self._pending = []
        self._salt += 1
        self.mine(6)

    # What people do on the chain

    def register(
        self,
        *stakers: str,
        pubkey: str | None = None,
        pubkey_bls: str | None = None,
        fee: int = 1000,
        initiator: str | None = None,
        same_transaction: bool = False,
        seeded: bool = False,
    ) -> int:
        contract_id = self.state.next_id
        people = stakers or (wallet(1000 + contract_id),)
        share = REQUIREMENT // len(people)
        node = ContractNode(
            contract_id=contract_id,
            pubkey=pubkey or f"{0xE0000 + contract_id:064x}",
            pubkey_bls=pubkey_bls or f"{0xB0000 + contract_id:064x}{0xC0000 + contract_id:064x}",
            operator=people[0],
            added_at=1_700_000_000 + contract_id,
            leave_requested_at=None,
            deposit=REQUIREMENT,
            contributors=tuple(Stake(person, person, share) for person in people),
        )
        self.state.nodes[contract_id] = node
        self.state.next_id += 1
        ed25519 = int(node.pubkey, 16)
        if seeded:
            data = encode(["(uint256,uint256)", "uint256"], [point(node.pubkey_bls), ed25519])
            self.log(REWARDS, Event.NEW_SEEDED_SERVICE_NODE.topic, contract_id, data=data)
            return contract_id
        data = encode(
            [
                "address",
                "(uint256,uint256)",
                "(uint256,uint256,uint256,uint16)",
                "((address,address),uint256)[]",
            ],
            [
                initiator or people[0],
                point(node.pubkey_bls),
                (ed25519, 1, 2, fee),
                [((stake.address, stake.beneficiary), stake.amount) for stake in node.contributors],
            ],
        )
        self.log(REWARDS, Event.NEW_SERVICE_NODE_V2.topic, contract_id, data=data, same_transaction=same_transaction)
        return contract_id

    def request_exit(self, contract_id: int, at: int = 1_700_100_000) -> None:
        node = self.state.nodes[contract_id]
        self.state.nodes[contract_id] = replace(node, leave_requested_at=at)
        data = encode(["address", "(uint256,uint256)"], [node.operator, point(node.pubkey_bls)])
        self.log(REWARDS, Event.SERVICE_NODE_EXIT_REQUEST.topic, contract_id, data=data)

    def exit(self, contract_id: int) -> None:
        node = self.state.nodes.pop(contract_id)
        data = encode(["address", "uint256", "(uint256,uint256)"], [wallet(9), node.deposit, point(node.pubkey_bls)])
        self.log(REWARDS, Event.SERVICE_NODE_EXIT.topic, contract_id, data=data)

    def credit(self, person: str, total: int) -> None:
        before = self.state.recipients.get(person, Recipient(0, 0))
        self.state.recipients[person] = Recipient(total, before.claimed)
        data = encode(["uint256", "uint256"], [total, before.credited])
        self.log(REWARDS, Event.REWARDS_BALANCE_UPDATED.topic, int(person, 16), data=data)

    def claim(self, person: str, amount: int) -> None:
        before = self.state.recipients[person]
        self.state.recipients[person] = Recipient(before.credited, before.claimed + amount)
        self.log(REWARDS, Event.REWARDS_CLAIMED.topic, int(person, 16), data=encode(["uint256"], [amount]))

    def deploy(self, number: int, operator: str) -> str:
        """A new contribution contract, with the event of the generation that is current."""
        address = eth_address(f"0x{0xDE << 100 | number:040x}")
        self.state.contracts[address] = ContributionContractState(
            address=address,
            status=ContributionStatus.WAIT_FOR_OPERATOR_CONTRIBUTION,
            operator=operator,
            pubkey=f"{0xAB0000 + number:064x}",
            pubkey_bls=f"{0xAC0000 + number:064x}{0xAD0000 + number:064x}",
            fee=250,
            contributions=(),
            reservations=(),
            total_contributed=0,
            total_reserved=0,
            staking_requirement=REQUIREMENT,
            max_contributors=10,
            minimum_contribution=REQUIREMENT // 4,
            manual_finalize=False,
            created_at_block=None,
        )
        key = 0xAB0000 + number
        if self.old_generation:
            data = encode(["uint256"], [key])
            self.log(FACTORY, Event.NEW_CONTRIBUTION_CONTRACT_OLD.topic, int(address, 16), data=data)
        else:
            data = encode(["uint256", "address"], [key, operator])
            self.log(FACTORY, Event.NEW_CONTRIBUTION_CONTRACT.topic, int(address, 16), data=data)
        return address

    def change(self, address: str, event: Event, *topics: int, data: bytes = b"", **values: Any) -> None:
        """A contribution contract changes and says so by `event`."""
        self.state.contracts[address] = replace(self.state.contracts[address], **values)
        self.log(address, event.topic, *topics, data=data)

    def contribute(self, address: str, person: str, amount: int, at: int) -> None:
        state = self.state.contracts[address]
        entry = Contribution(address=person, beneficiary=person, amount=amount, contributed_at=at)
        old = encode(["uint256"], [amount])
        self.change(
            address,
            Event.NEW_CONTRIBUTION_OLD if self.old_generation else Event.NEW_CONTRIBUTION,
            int(person, 16),
            data=old if self.old_generation else encode(["address"], [person]) + old,
            status=ContributionStatus.OPEN_FOR_PUBLIC_CONTRIBUTION,
            contributions=(*state.contributions, entry),
            total_contributed=state.total_contributed + amount,
        )

    def finalize(self, address: str) -> int:
        """The contract registers its node, as its generation does."""
        state = self.state.contracts[address]
        event = Event.FINALIZED_OLD if self.old_generation else Event.FINALIZED
        topics = [int(state.pubkey, 16)] if self.old_generation else []
        self.change(address, event, *topics, status=ContributionStatus.FINALIZED, minimum_contribution=None)
        return self.register(
            *(entry.address for entry in state.contributions),
            pubkey=state.pubkey,
            pubkey_bls=state.pubkey_bls,
            fee=state.fee,
            initiator=state.operator if self.old_generation else address,
            same_transaction=True,
        )

    def log(self, address: str, *topics: str | int, data: bytes = b"", same_transaction: bool = False) -> None:
        if not same_transaction:
            self._transaction += 1
        self._pending.append(
            {
                "address": address.lower(),
                "topics": [topic if isinstance(topic, str) else f"0x{topic:064x}" for topic in topics],
                "data": "0x" + data.hex(),
                "transactionHash": f"0x{self._salt:032x}{self._transaction:032x}",
                "removed": False,
            }
        )

    # JSON-RPC

    def _watched(self, name: str, method: Callable[[list[Any]], object]) -> Callable[[list[Any]], object]:
        def answer(params: list[Any]) -> object:
            self.before_answer(name, params)
            return method(params)

        return answer

    def _get_block(self, params: list[Any]) -> object:
        number = self.head if params[0] == "latest" else int(params[0], 16)
        if number > self.head:
            return None
        return {"number": hex(number), "hash": self.blocks[number].hash, "timestamp": hex(1_700_000_000 + number)}

    def _get_code(self, params: list[Any]) -> str:
        address = eth_address(params[0])
        block = self.head if params[1] == "latest" else int(params[1], 16)
        if block < self.code_kept_from:
            raise self.refusal(-32000, "missing trie node 5ad1")
        if address == MULTICALL:
            return "0x60" if self.node.multicall else "0x"
        known = {REWARDS, FACTORY, POOL} - self.codeless
        return "0x6001" if address in known and block >= self.deployed_at else "0x"

    def _get_logs(self, params: list[Any]) -> object:
        wanted = params[0]
        first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        addresses = {text.lower() for text in wanted.get("address", ())}
        names = set(wanted["topics"][0]) if wanted.get("topics") else set()
        self.log_queries.append((first, last))
        if self.max_range is not None and last - first >= self.max_range:
            raise self.refusal(-32602, self.range_words)
        if self.max_addresses is not None and not 0 < len(addresses) <= self.max_addresses:
            raise self.refusal(-32602, "please name fewer addresses")
        found = [
            log
            for block in self.blocks[first : last + 1]
            for log in block.logs
            if int(log["blockNumber"], 16) not in self.left_out
            and (not addresses or log["address"] in addresses)
            and (not names or log["topics"][0] in names)
        ]
        if self.max_logs is not None and len(found) > self.max_logs:
            raise self.refusal(-32005, f"query returned more than {self.max_logs} results")
        return [*found, *self.foreign_logs]

    def _contract(self, to: str, data: bytes, block: int) -> bytes:
        address, view, argument = eth_address(to), VIEWS[data[:4]], int.from_bytes(data[4:36], "big")
        if block > self.head:
            raise self.refusal(-32000, "header not found")
        if block < self.state_kept_from:
            raise self.refusal(-32000, "missing trie node 5ad1")
        self.calls.append((view, argument))
        if view in self.refused_views:
            raise self.refusal(-32000, "out of gas")
        if view in self.lacking_views:
            raise self.revert(b"")
        state = self.blocks[block].state
        if address == REWARDS:
            return self._rewards(state, view, argument)
        if address == POOL:
            assert view is View.REWARD_RATE
            return encode(["uint256"], [123_456])
        if address in state.contracts:
            return self._contribution(state.contracts[address], view, argument)
        return b""

    def _rewards(self, state: State, view: View, argument: int) -> bytes:
        if view in state.numbers:
            return encode(["uint256"], [state.numbers[view]])
        if view is View.TOTAL_NODES:
            return encode(["uint256"], [len(state.nodes)])
        if view is View.NEXT_SERVICE_NODE_ID:
            return encode(["uint64"], [state.next_id])
        if view is View.AGGREGATE_PUBKEY:
            total = sum(sum(point(node.pubkey_bls)) for node in state.nodes.values())
            return encode(["(uint256,uint256)"], [(total % 2**256, 1)])
        if view is View.ALL_SERVICE_NODE_IDS:
            keys = [point(node.pubkey_bls) for node in state.nodes.values()]
            return encode(["uint64[]", "(uint256,uint256)[]"], [list(state.nodes), keys])
        if view is View.SERVICE_NODES:
            node = state.nodes.get(argument)
            return encode([NODE_TYPE], [NO_NODE]) if node is None else encoded_node(node)
        assert view is View.RECIPIENTS
        recipient = state.recipients.get(wallet(argument), Recipient(0, 0))
        return encode(["uint256", "uint256"], [recipient.credited, recipient.claimed])

    def _contribution(self, state: ContributionContractState, view: View, argument: int) -> bytes:
        entries, places = state.contributions, state.reservations
        if view is View.MINIMUM_CONTRIBUTION and state.minimum_contribution is None:
            raise self.revert(bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big"))
        if view is View.CONTRIBUTION_TIMESTAMP:
            times = {entry.address: entry.contributed_at or 0 for entry in entries}
            return encode(["uint256"], [times[wallet(argument)]])
        answers: dict[View, tuple[list[str], list[Any]]] = {
            View.STATUS: (["uint8"], [int(state.status)]),
            View.OPERATOR: (["address"], [state.operator]),
            View.BLS_PUBKEY: (["uint256", "uint256"], list(point(state.pubkey_bls))),
            View.SERVICE_NODE_PARAMS: (
                ["(uint256,uint256,uint256,uint16)"],
                [(int(state.pubkey, 16), 1, 2, state.fee)],
            ),
            View.GET_CONTRIBUTIONS: (
                ["address[]", "address[]", "uint256[]"],
                [[e.address for e in entries], [e.beneficiary for e in entries], [e.amount for e in entries]],
            ),
            View.GET_RESERVED: (
                ["address[]", "uint256[]", "bool[]"],
                [[p.address for p in places], [p.amount for p in places], [p.received for p in places]],
            ),
            View.TOTAL_CONTRIBUTION: (["uint256"], [state.total_contributed]),
            View.TOTAL_RESERVED_CONTRIBUTION: (["uint256"], [state.total_reserved]),
            View.STAKING_REQUIREMENT: (["uint256"], [state.staking_requirement]),
            View.MAX_CONTRIBUTORS: (["uint256"], [state.max_contributors]),
            View.MINIMUM_CONTRIBUTION: (["uint256"], [state.minimum_contribution]),
            View.MANUAL_FINALIZE: (["bool"], [state.manual_finalize]),
        }
        return encode(*answers[view])


@pytest.fixture
def chain(node: Any, stub_revert: type[Exception], stub_refusal: Callable[[int, str], Exception]) -> FakeChain:
    return FakeChain(node, stub_revert, stub_refusal)


@pytest.fixture
def network() -> NetworkSettings:
    return NetworkSettings(
        name="localdev", nettype=NetworkType.LOCALDEV, chain_id=31337, unlock_seconds=60, deregistration_lock_seconds=60
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An open database. Most of what is tested here is the same on every kind; what is not, asks for both."""
    url = URL.create("sqlite+aiosqlite", database=str(tmp_path / "chain.db"))
    opened = Database(url, DatabaseSettings(), Identity(31337, REWARDS))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def make_source(
    chain: FakeChain,
    network: NetworkSettings,
    database: Database,
    contracts_settings: Callable[..., ContractsSettings],
    make_rpc: Callable[..., JsonRpc],
) -> Callable[..., Awaitable[ContractsSource]]:
    """A started source over the chain; several share one database, as restarts do."""

    async def make(*more_urls: str, database: Database = database, **changes: Any) -> ContractsSource:
        values = {
            "service_node_rewards": REWARDS.lower(),
            "contribution_factory": FACTORY,
            "reward_rate_pool": POOL,
        } | changes
        settings = contracts_settings(chain.node.url, **values)
        rpc = make_rpc(chain.node.url, *more_urls, **values)
        store = EventStore(database, settings.reorg_depth)
        source = ContractsSource(settings, network, rpc, BlockReader(rpc, settings), store)
        await source.start()
        return source

    return make


@pytest.fixture
async def source(make_source: Callable[..., Awaitable[ContractsSource]]) -> ContractsSource:
    return await make_source()


@pytest.fixture
def person() -> Callable[[int], str]:
    """Addresses by number."""
    return wallet


@pytest.fixture
def addresses() -> SimpleNamespace:
    """The contracts' addresses on the chain."""
    return SimpleNamespace(rewards=REWARDS, factory=FACTORY, pool=POOL)
