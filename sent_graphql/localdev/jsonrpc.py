"""JSON-RPC as an Ethereum node speaks it, over our EVM.

Requests come parsed and answers go out as plain data (`evm_http.py` moves the bytes). One lock guards the EVM:
methods run to their end one after another, in whatever threads they are called.
"""

import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from eth.exceptions import VMError
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException  # type: ignore[import-untyped]  # it ships no types

from sent_graphql.localdev import jsonrpc_params as params
from sent_graphql.localdev import jsonrpc_shapes as shapes
from sent_graphql.localdev.evm import CHAIN_ID, Evm, ExecutionError
from sent_graphql.localdev.evm_ledger import MinedBlock, UnknownBlockError
from sent_graphql.localdev.jsonrpc_params import RpcError

CALL_GAS_CAP: Final = 50_000_000
"""Gas of one eth_call, as most nodes have it; asked for more, they give this."""

MAX_LOGS: Final = 50_000
"""Most logs of one answer."""

MAX_BATCH: Final = 10_000
"""Most requests in one batch."""

MAX_MINED_AT_ONCE: Final = 10_000

Json = Any
"""What JSON can hold; its shape is each method's business."""


class JsonRpc:
    """Answers requests and batches. `accounts` are unlocked: eth_sendTransaction signs for them."""

    def __init__(self, evm: Evm, *, call_gas_cap: int = CALL_GAS_CAP) -> None:
        self._evm = evm
        self._call_gas_cap = call_gas_cap
        self._lock = threading.Lock()
        self._methods: Mapping[str, Callable[..., Json]] = {
            "eth_accounts": self._accounts,
            "eth_blockNumber": self._block_number,
            "eth_call": self._call,
            "eth_chainId": self._chain_id,
            "eth_estimateGas": self._estimate_gas,
            "eth_gasPrice": self._gas_price,
            "eth_getBalance": self._get_balance,
            "eth_getBlockByHash": self._get_block_by_hash,
            "eth_getBlockByNumber": self._get_block_by_number,
            "eth_getCode": self._get_code,
            "eth_getLogs": self._get_logs,
            "eth_getStorageAt": self._get_storage_at,
            "eth_getTransactionByHash": self._get_transaction_by_hash,
            "eth_getTransactionCount": self._get_transaction_count,
            "eth_getTransactionReceipt": self._get_transaction_receipt,
            "eth_maxPriorityFeePerGas": self._max_priority_fee,
            "eth_sendRawTransaction": self._send_raw_transaction,
            "eth_sendTransaction": self._send_transaction,
            "evm_increaseTime": self._increase_time,
            "evm_mine": self._mine,
            "evm_revert": self._revert,
            "evm_setNextBlockTimestamp": self._set_next_block_timestamp,
            "evm_snapshot": self._snapshot,
            "net_version": self._net_version,
            "web3_clientVersion": self._client_version,
        }

    def answer(self, request: Json) -> Json:
        """The answer to a parsed request or batch; None when there is nothing to say (a notification)."""
        if not isinstance(request, list):
            return self._answer_one(request)
        if not 1 <= len(request) <= MAX_BATCH:
            return error_answer(None, RpcError(-32600, f"a batch has 1 to {MAX_BATCH} requests"))
        answers = [answer for one in request if (answer := self._answer_one(one)) is not None]
        return answers or None

    def _answer_one(self, request: Json) -> Json:
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return error_answer(None, RpcError(-32600, "invalid request"))
        request_id = request.get("id")
        try:
            result = self.invoke(request["method"], request.get("params", []))
        except RpcError as error:
            answer = error_answer(request_id, error)
        else:
            answer = {"jsonrpc": "2.0", "id": request_id, "result": result}
        return answer if "id" in request else None

    def invoke(self, method: str, arguments: Json) -> Json:
        """The result of one method; raises RpcError."""
        handler = self._methods.get(method)
        if handler is None:
            raise RpcError(-32601, f"the method {method} does not exist/is not available")
        if not isinstance(arguments, list):
            raise RpcError(-32602, "params: a list is wanted")
        try:
            inspect.signature(handler).bind(*arguments)
        except TypeError as error:
            raise RpcError(-32602, f"{method}: {error}") from error
        with self._lock:
            try:
                return handler(*arguments)
            except ExecutionError as error:
                raise _execution_error(error) from error
            except UnknownBlockError as error:
                raise RpcError(-32000, str(error)) from error
            except (ValidationError, VMError, RLPException) as error:
                raise RpcError(-32000, str(error)) from error

    @property
    def listeners(self) -> list[Callable[[MinedBlock], None]]:
        """Who is told of every mined block, in the thread that mined it."""
        return self._evm.listeners

    def mine(self) -> None:
        """Mines one empty block, as time passing does."""
        with self._lock:
            self._evm.mine()

    # Chain

    def _chain_id(self) -> Json:
        return hex(CHAIN_ID)

    def _net_version(self) -> Json:
        return str(CHAIN_ID)

    def _client_version(self) -> Json:
        return "sent-graphql-localdev/py-evm"

    def _accounts(self) -> Json:
        return [shapes.address(account) for account in self._evm.accounts]

    def _block_number(self) -> Json:
        return hex(self._evm.ledger.head.number)

    def _gas_price(self) -> Json:
        return hex(self._evm.ledger.head.header.base_fee_per_gas or 0)

    def _max_priority_fee(self) -> Json:
        return hex(0)

    def _get_block_by_number(self, number: Json, full: Json = False) -> Json:
        try:
            return shapes.block(self._block(number), full=bool(full))
        except UnknownBlockError:
            return None

    def _get_block_by_hash(self, block_hash: Json, full: Json = False) -> Json:
        try:
            return shapes.block(self._evm.ledger.block_by_hash(params.word(block_hash)), full=bool(full))
        except UnknownBlockError:
            return None

    def _get_transaction_by_hash(self, transaction_hash: Json) -> Json:
        found = self._evm.ledger.transaction(params.word(transaction_hash))
        return None if found is None else shapes.transaction(*found)

    def _get_transaction_receipt(self, transaction_hash: Json) -> Json:
        found = self._evm.ledger.transaction(params.word(transaction_hash))
        return None if found is None else shapes.receipt(*found)

    def _get_logs(self, wanted: Json) -> Json:
        fields = params.fields(wanted)
        log_filter = params.log_filter(fields)
        from_block, to_block = self._log_range(fields)
        found = self._evm.ledger.logs(log_filter, from_block, to_block, limit=MAX_LOGS + 1)
        if len(found) > MAX_LOGS:
            raise RpcError(-32005, f"query returned more than {MAX_LOGS} results")
        return [shapes.log(log) for log in found]

    def _log_range(self, fields: Mapping[str, Json]) -> tuple[int, int]:
        ledger = self._evm.ledger
        if fields.get("blockHash") is not None:
            if fields.get("fromBlock") is not None or fields.get("toBlock") is not None:
                raise RpcError(-32602, "cannot specify both blockHash and fromBlock/toBlock")
            number = ledger.block_by_hash(params.word(fields["blockHash"])).number
            return number, number
        head = ledger.head.number
        from_block = params.height(fields.get("fromBlock"), head)
        to_block = params.height(fields.get("toBlock"), head)
        if from_block > to_block:
            raise RpcError(-32602, "invalid block range params")
        return from_block, min(to_block, head)

    # State

    def _call(self, call: Json, at: Json = "latest", overrides: Json = None) -> Json:
        if overrides:
            raise RpcError(-32602, "state overrides are not supported")
        message = params.message(call)
        if message.to is None:
            raise RpcError(-32602, "eth_call: `to` is wanted")
        gas = min(message.gas or self._call_gas_cap, self._call_gas_cap)
        output = self._evm.call(
            message.sender or bytes(20), message.to, message.data, value=message.value, gas=gas, at=self._block(at)
        )
        return shapes.data(output)

    def _estimate_gas(self, call: Json, at: Json = "latest") -> Json:
        if self._block(at) is not self._evm.ledger.head:
            raise RpcError(-32602, "gas is estimated at the head only")
        message = params.message(call)
        return hex(self._evm.estimate(self._sender(message.sender), message.to, message.data, value=message.value))

    def _get_code(self, address: Json, at: Json = "latest") -> Json:
        return shapes.data(self._evm.code(params.address(address), self._block(at)))

    def _get_balance(self, address: Json, at: Json = "latest") -> Json:
        return hex(self._evm.balance(params.address(address), self._block(at)))

    def _get_transaction_count(self, address: Json, at: Json = "latest") -> Json:
        return hex(self._evm.nonce(params.address(address), self._block(at)))

    def _get_storage_at(self, address: Json, slot: Json, at: Json = "latest") -> Json:
        value = self._evm.storage(params.address(address), params.quantity(slot), self._block(at))
        return shapes.data(value.to_bytes(32, "big"))

    def _block(self, at: Json) -> MinedBlock:
        """The block that a number, a tag, or an object with either a hash or a number stands for."""
        ledger = self._evm.ledger
        if isinstance(at, dict):
            if "blockHash" in at:
                return ledger.block_by_hash(params.word(at["blockHash"]))
            at = at.get("blockNumber")
        return ledger.block(params.height(at, ledger.head.number))

    # Transactions

    def _send_transaction(self, transaction: Json) -> Json:
        message = params.message(transaction)
        sender = self._sender(message.sender)
        if sender not in self._evm.accounts:
            raise RpcError(-32000, "unknown account")
        signed = self._evm.sign(
            sender, message.to, message.data, value=message.value, gas=message.gas, nonce=message.nonce
        )
        self._evm.mine([signed])
        return shapes.data(signed.hash)

    def _send_raw_transaction(self, raw: Json) -> Json:
        signed = self._evm.decode(params.data(raw))
        self._evm.mine([signed])
        return shapes.data(signed.hash)

    def _sender(self, sender: bytes | None) -> bytes:
        return next(iter(self._evm.accounts)) if sender is None else sender

    # Time and branches

    def _mine(self, options: Json = None) -> Json:
        blocks = params.quantity(options.get("blocks", 1)) if isinstance(options, dict) else 1
        if not 1 <= blocks <= MAX_MINED_AT_ONCE:
            raise RpcError(-32602, f"1 to {MAX_MINED_AT_ONCE} blocks can be mined at once")
        for _ in range(blocks):
            self._evm.mine()
        return "0x0"

    def _increase_time(self, seconds: Json) -> Json:
        self._evm.clock.advance(params.quantity(seconds))
        return self._evm.clock.offset

    def _set_next_block_timestamp(self, timestamp: Json) -> Json:
        wanted = params.quantity(timestamp)
        if wanted < self._evm.ledger.head.header.timestamp:
            raise RpcError(-32602, "the timestamp lies before the head's")
        self._evm.clock.set_next(wanted)

    def _snapshot(self) -> Json:
        return hex(self._evm.snapshot())

    def _revert(self, number: Json) -> Json:
        return self._evm.revert(params.quantity(number))


def _execution_error(error: ExecutionError) -> RpcError:
    if error.data is None:
        return RpcError(-32000, str(error))
    reason = shapes.revert_reason(error.data)
    return RpcError(3, f"{error}: {reason}" if reason else str(error), shapes.data(error.data))


def error_answer(request_id: Json, error: RpcError) -> Json:
    """The answer that refuses a request."""
    body: dict[str, Json] = {"code": error.code, "message": str(error)}
    if error.data is not None:
        body["data"] = error.data
    return {"jsonrpc": "2.0", "id": request_id, "error": body}
