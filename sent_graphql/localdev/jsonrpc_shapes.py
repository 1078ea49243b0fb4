"""How blocks, transactions, receipts and logs look in JSON-RPC."""

from typing import Any, Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from sent_graphql.localdev.evm_ledger import Log, MinedBlock, MinedTransaction

ERROR_STRING: Final = bytes.fromhex("08c379a0")
"""Selector of Error(string), which a plain revert with a reason carries."""

Json = dict[str, Any]


def data(value: bytes) -> str:
    """Bytes in hex."""
    return "0x" + value.hex()


address = data
"""Addresses are sent in lower case, as nodes do."""


def block(mined: MinedBlock, *, full: bool) -> Json:
    """A block, with its transactions `full` or as hashes."""
    header = mined.header
    return {
        "number": hex(header.block_number),
        "hash": data(header.hash),
        "parentHash": data(header.parent_hash),
        "nonce": data(header.nonce),
        "sha3Uncles": data(header.uncles_hash),
        "logsBloom": _bloom(header.bloom),
        "transactionsRoot": data(header.transaction_root),
        "stateRoot": data(header.state_root),
        "receiptsRoot": data(header.receipt_root),
        "miner": data(header.coinbase),
        "difficulty": hex(header.difficulty),
        "totalDifficulty": hex(0),
        "extraData": data(header.extra_data),
        "mixHash": data(header.mix_hash),
        "size": hex(0),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": hex(header.timestamp),
        "baseFeePerGas": hex(header.base_fee_per_gas or 0),
        "uncles": [],
        "transactions": [transaction(mined, one) if full else data(one.transaction.hash) for one in mined.transactions],
    }


def transaction(mined: MinedBlock, one: MinedTransaction) -> Json:
    """A mined transaction."""
    signed = one.transaction
    type_id = signed.type_id or 0
    shape = {
        **_place(mined, one),
        "hash": data(signed.hash),
        "type": hex(type_id),
        "chainId": None if signed.chain_id is None else hex(signed.chain_id),
        "from": data(signed.sender),
        "to": data(signed.to) if signed.to else None,
        "nonce": hex(signed.nonce),
        "value": hex(signed.value),
        "gas": hex(signed.gas),
        "gasPrice": hex(_price(mined, one)),
        "input": data(signed.data),
        "v": hex(signed.y_parity if type_id else signed.v),  # type: ignore[attr-defined]  # legacy ones have v
        "r": hex(signed.r),
        "s": hex(signed.s),
    }
    if type_id >= 2:
        shape["maxFeePerGas"] = hex(signed.max_fee_per_gas)
        shape["maxPriorityFeePerGas"] = hex(signed.max_priority_fee_per_gas)
    if type_id >= 1:
        shape["accessList"] = []
    return shape


def receipt(mined: MinedBlock, one: MinedTransaction) -> Json:
    """What came of a mined transaction."""
    signed = one.transaction
    return {
        **_place(mined, one),
        "transactionHash": data(signed.hash),
        "type": hex(signed.type_id or 0),
        "from": data(signed.sender),
        "to": data(signed.to) if signed.to else None,
        "contractAddress": None if one.created is None else data(one.created),
        "status": hex(one.succeeded),
        "gasUsed": hex(one.gas_used),
        "cumulativeGasUsed": hex(one.cumulative_gas_used),
        "effectiveGasPrice": hex(_price(mined, one)),
        "logsBloom": _bloom(one.bloom),
        "logs": [log(entry) for entry in one.logs],
    }


def log(entry: Log) -> Json:
    """An event."""
    return {
        "address": data(entry.address),
        "topics": [data(topic) for topic in entry.topics],
        "data": data(entry.data),
        "blockNumber": hex(entry.block_number),
        "blockHash": data(entry.block_hash),
        "transactionHash": data(entry.transaction_hash),
        "transactionIndex": hex(entry.transaction_index),
        "logIndex": hex(entry.log_index),
        "removed": False,
    }


def revert_reason(output: bytes) -> str:
    """The words of a revert that has some, as `Error(string)`; empty for custom errors and bare reverts."""
    if not output.startswith(ERROR_STRING):
        return ""
    try:
        (reason,) = decode(["string"], output[4:])
    except DecodingError:
        return ""
    return str(reason)


def _place(mined: MinedBlock, one: MinedTransaction) -> Json:
    return {
        "blockNumber": hex(mined.number),
        "blockHash": data(mined.hash),
        "transactionIndex": hex(one.position),
    }


def _price(mined: MinedBlock, one: MinedTransaction) -> int:
    base = mined.header.base_fee_per_gas or 0
    return min(one.transaction.max_fee_per_gas, base + one.transaction.max_priority_fee_per_gas)


def _bloom(value: int) -> str:
    return f"0x{value:0512x}"
