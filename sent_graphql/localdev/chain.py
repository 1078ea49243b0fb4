"""A small client of an Ethereum node for the local network and its tests: call, send, look for logs, move time.

It speaks plain JSON-RPC to unlocked accounts, so it works alike against our EVM and anvil.
"""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import aiohttp
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from sent_graphql.localdev.artefact import CONTRACT_NAMES, Artefact
from sent_graphql.localdev.artefact import Event as EventType

GAS_LIMIT: Final = 400_000_000
"""Gas that a bulk transaction may name to save the node a trial run."""

DEPLOYMENT_GAS: Final = 20_000_000

RECEIPT_LOOKS: Final = 1000
RECEIPT_PAUSE: Final = 0.02
"""How often a receipt is looked for, and the seconds in between."""

Json = Any
"""What JSON can hold."""

AbiValue = Any
"""What an ABI can hold: numbers, hex addresses, bytes, tuples for structs, lists."""


class ChainError(Exception):
    """The node answered with an error."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class RevertError(ChainError):
    """A contract refused. `error`: the custom error's signature where one of the contracts declares it."""

    def __init__(self, message: str, data: str, error: str | None) -> None:
        super().__init__(3, message if error is None else f"{message}: {error}", data)
        self.error = error


class Contract(NamedTuple):
    """A deployed contract: where it is and what it understands."""

    address: str
    artefact: Artefact

    @classmethod
    def at(cls, address: str, name: str) -> "Contract":
        """The contract at `address`, of the artefact `name`."""
        return cls(to_checksum_address(address), Artefact.load(name))


class Event(NamedTuple):
    """A decoded log. `contract` is its checksummed address; `name` is empty when no known contract declares it."""

    contract: str
    name: str
    arguments: dict[str, Any]
    block_number: int
    transaction_hash: str
    log_index: int


class Receipt(NamedTuple):
    """What came of a transaction."""

    transaction_hash: str
    block_number: int
    gas_used: int
    contract_address: str | None
    events: tuple[Event, ...]


class Chain:
    """One node. An asynchronous context manager; `close` it otherwise."""

    def __init__(self, url: str, *, timeout: float = 120.0) -> None:
        self.url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None
        self._ids = itertools.count(1)
        self._known: dict[bytes, EventType] = {}
        self._errors: dict[bytes, str] = {}
        for name in CONTRACT_NAMES:
            artefact = Artefact.load(name)
            self._known.update(artefact.events)
            self._errors.update({keccak(text=error)[:4]: error for error in artefact.errors})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    # The node

    async def request(self, method: str, *params: Json) -> Json:
        """The result of a JSON-RPC method; raises ChainError, RevertError where a contract refused."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        async with self._session.post(self.url, json=body) as response:
            answer = await response.json()
        if "error" in answer:
            raise self._error(answer["error"])
        return answer["result"]

    async def accounts(self) -> list[str]:
        """The unlocked accounts, checksummed."""
        return [to_checksum_address(account) for account in await self.request("eth_accounts")]

    async def block_number(self) -> int:
        """The head's height."""
        return int(await self.request("eth_blockNumber"), 16)

    async def timestamp(self) -> int:
        """The head's second."""
        return int((await self.request("eth_getBlockByNumber", "latest", False))["timestamp"], 16)

    async def mine(self, blocks: int = 1) -> None:
        """Mines empty blocks, one after another."""
        for _ in range(blocks):
            await self.request("evm_mine")

    async def set_time(self, timestamp: int) -> None:
        """Mines a block of that second, later than the head's; the clock goes on from there."""
        await self.request("evm_setNextBlockTimestamp", timestamp)
        await self.mine()

    async def increase_time(self, seconds: int) -> None:
        """Moves the clock ahead and mines a block, so that calls see it."""
        await self.request("evm_increaseTime", seconds)
        await self.mine()

    async def snapshot(self) -> str:
        """An id by which `revert` finds back."""
        return str(await self.request("evm_snapshot"))

    async def revert(self, snapshot: str) -> None:
        """Drops all blocks since that snapshot, which is used up."""
        if not await self.request("evm_revert", snapshot):
            raise ChainError(0, f"no snapshot {snapshot}")

    # Contracts

    async def call(
        self,
        contract: Contract,
        function: str,
        *arguments: AbiValue,
        block: int | str = "latest",
        sender: str | None = None,
    ) -> AbiValue:
        """What a function answers: None, its one value, or a tuple. `function`: its name or whole signature."""
        known = contract.artefact.function(function, len(arguments))
        message = {"to": contract.address, "data": _hex(known.encode(arguments))}
        if sender is not None:
            message["from"] = sender
        output = await self.request("eth_call", message, hex(block) if isinstance(block, int) else block)
        return known.decode(bytes.fromhex(output[2:]))

    async def send(
        self, contract: Contract, function: str, *arguments: AbiValue, sender: str, gas: int | None = None
    ) -> Receipt:
        """Sends a transaction from an unlocked account and waits until it is mined; raises RevertError.

        Without `gas` the node tries it first, so that a refused one is not mined. The trial may take the head's
        block number for the next one's, so what it needed is given half again.
        """
        data = contract.artefact.function(function, len(arguments)).encode(arguments)
        return await self.transact({"from": sender, "to": contract.address, "data": _hex(data)}, gas=gas)

    async def deploy(self, name: str, *arguments: AbiValue, sender: str) -> Contract:
        """Deploys the contract of the artefact `name`."""
        artefact = Artefact.load(name)
        return Contract(await self._create(artefact.initcode(arguments), sender), artefact)

    async def deploy_blueprint(self, name: str, *, sender: str) -> str:
        """Deploys the creation code of the artefact `name`; returns its address."""
        artefact = Artefact.load(name)
        return await self._create(artefact.blueprint_initcode(), sender)

    async def logs(
        self,
        from_block: int,
        to_block: int | str = "latest",
        *,
        address: str | Sequence[str] | None = None,
        topics: Sequence[str | Sequence[str] | None] = (),
    ) -> list[Event]:
        """The decoded events of a range of blocks, both ends included."""
        wanted: dict[str, Json] = {
            "fromBlock": hex(from_block),
            "toBlock": hex(to_block) if isinstance(to_block, int) else to_block,
            "topics": list(topics),
        }
        if address is not None:
            wanted["address"] = address
        return [self._event(log) for log in await self.request("eth_getLogs", wanted)]

    async def transact(self, transaction: Mapping[str, str], *, gas: int | None = None) -> Receipt:
        """Sends a transaction object and waits until it is mined; raises RevertError."""
        if gas is None:
            gas = int(await self.request("eth_estimateGas", transaction), 16) * 3 // 2
        fields = {**transaction, "gas": hex(gas)}
        transaction_hash = await self.request("eth_sendTransaction", fields)
        receipt = await self._receipt(transaction_hash)
        if int(receipt["status"], 16) == 0:
            await self._explain(fields, int(receipt["blockNumber"], 16))
        created = receipt["contractAddress"]
        return Receipt(
            transaction_hash=transaction_hash,
            block_number=int(receipt["blockNumber"], 16),
            gas_used=int(receipt["gasUsed"], 16),
            contract_address=None if created is None else to_checksum_address(created),
            events=tuple(self._event(log) for log in receipt["logs"]),
        )

    async def _create(self, initcode: bytes, sender: str) -> str:
        receipt = await self.transact({"from": sender, "data": _hex(initcode)}, gas=DEPLOYMENT_GAS)
        assert receipt.contract_address is not None
        return receipt.contract_address

    async def _receipt(self, transaction_hash: str) -> Json:
        for _ in range(RECEIPT_LOOKS):
            receipt = await self.request("eth_getTransactionReceipt", transaction_hash)
            if receipt is not None:
                return receipt
            await asyncio.sleep(RECEIPT_PAUSE)
        raise ChainError(0, f"transaction {transaction_hash} is not mined")

    async def _explain(self, transaction: Mapping[str, str], block_number: int) -> None:
        """Raises what a mined transaction was refused with: its receipt does not tell."""
        await self.request("eth_call", dict(transaction), hex(block_number - 1))
        raise RevertError("transaction failed, and would not fail again", "0x", None)

    def _error(self, error: Mapping[str, Json]) -> ChainError:
        data = error.get("data")
        if error["code"] != 3 or not isinstance(data, str):
            return ChainError(error["code"], error["message"], data if isinstance(data, str) else None)
        return RevertError(error["message"], data, self._errors.get(bytes.fromhex(data[2:10])))

    def _event(self, log: Mapping[str, Json]) -> Event:
        topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
        known = self._known.get(topics[0]) if topics else None
        return Event(
            contract=to_checksum_address(log["address"]),
            name="" if known is None else known.name,
            arguments={} if known is None else known.decode(topics, bytes.fromhex(log["data"][2:])),
            block_number=int(log["blockNumber"], 16),
            transaction_hash=log["transactionHash"],
            log_index=int(log["logIndex"], 16),
        )


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
