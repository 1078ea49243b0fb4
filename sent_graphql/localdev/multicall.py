"""Multicall3's `aggregate3`, written in EVM instructions.

Many calls in one: `aggregate3((address target, bool allowFailure, bytes callData)[])` answers
`(bool success, bytes returnData)[]`. A call that fails and may not makes all of it fail. Sizes are bounded by gas
alone, which no contract with a static memory layout could offer.
"""

from typing import Any, Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from sent_graphql.localdev.assembler import Word, assemble, deployer


def _selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]


_VIEWS: Final = {
    "getBlockNumber": "NUMBER",
    "getCurrentBlockTimestamp": "TIMESTAMP",
    "getChainId": "CHAINID",
}

_CALL_FAILED: Final = _selector("Error(string)") + encode(["string"], ["Multicall3: call failed"])
"""What a failed call that was not allowed to fail reverts with: 100 bytes."""

# Memory: the answer as it is encoded, from 0 on: 0x20, the count, one offset per result, then the results.
# A call's data is put where its result will be. The offsets count from the heads, at 0x40.
_HEADS: Final = 0x40

# The stack while the loop runs, bottom to top: calls (position in calldata of the first call's offset), count,
# tail (position in memory of the next result), index.
_AGGREGATE3: Final[list[Word]] = [
    "aggregate3:",
    4, "CALLDATALOAD", 4, "ADD",                         # position of the count
    "DUP1", "CALLDATALOAD", "SWAP1", 0x20, "ADD", "SWAP1",  # calls, count
    0x20, 0, "MSTORE", "DUP1", 0x20, "MSTORE",
    "DUP1", 5, "SHL", _HEADS, "ADD", 0,                  # calls, count, tail, index
    "next:",
    "DUP3", "DUP2", "LT", "ISZERO", "@done", "JUMPI",
    _HEADS, "DUP3", "SUB", "DUP2", 5, "SHL", _HEADS, "ADD", "MSTORE",  # head[index] = tail - heads
    "DUP1", 5, "SHL", "DUP5", "ADD", "CALLDATALOAD", "DUP5", "ADD",    # + call
    "DUP1", 0x40, "ADD", "CALLDATALOAD", "DUP2", "ADD",  # + position of its data's length
    "DUP1", "CALLDATALOAD",                              # + length
    "DUP1", "SWAP2", 0x20, "ADD",                        # call, length, length, position of the data
    "DUP6", 0x60, "ADD", "CALLDATACOPY",                 # call, length
    0, 0, "SWAP2", "DUP6", 0x60, "ADD", 0, "DUP6", "CALLDATALOAD", "GAS", "CALL",  # call, success
    "DUP1", "DUP3", 0x20, "ADD", "CALLDATALOAD", "OR", "ISZERO", "@failed", "JUMPI",
    "DUP4", "MSTORE",                                    # result: success
    "POP",
    0x40, "DUP3", 0x20, "ADD", "MSTORE",                 # result: where its data is
    "RETURNDATASIZE", "DUP3", 0x40, "ADD", "MSTORE",     # result: length
    "RETURNDATASIZE", 0, "DUP4", 0x60, "ADD", "RETURNDATACOPY",
    0, "RETURNDATASIZE", "DUP4", 0x60, "ADD", "ADD", "MSTORE",         # zeros after the data
    "SWAP1", "RETURNDATASIZE", 0x1F, "ADD", 0x1F, "NOT", "AND", 0x60, "ADD", "ADD", "SWAP1",  # tail past the result
    1, "ADD", "@next", "JUMP",
    "done:",
    "POP", 0, "RETURN",
    "failed:",
]  # fmt: skip


def _revert_with(payload: bytes) -> list[Word]:
    words: list[Word] = []
    for start in range(0, len(payload), 32):
        words += [payload[start : start + 32].ljust(32, b"\0"), start, "MSTORE"]
    return [*words, len(payload), 0, "REVERT"]


def multicall_initcode() -> bytes:
    """The creation code."""
    program: list[Word] = [0, "CALLDATALOAD", 0xE0, "SHR"]
    program += ["DUP1", _selector("aggregate3((address,bool,bytes)[])"), "EQ", "@aggregate3", "JUMPI"]
    for name in _VIEWS:
        program += ["DUP1", _selector(f"{name}()"), "EQ", f"@{name}", "JUMPI"]
    program += [0, 0, "REVERT"]
    for name, instruction in _VIEWS.items():
        program += [f"{name}:", instruction, 0, "MSTORE", 0x20, 0, "RETURN"]
    program += [*_AGGREGATE3, *_revert_with(_CALL_FAILED)]
    return deployer(assemble(program))


def _view(name: str) -> dict[str, Any]:
    return {
        "type": "function",
        "name": name,
        "stateMutability": "view",
        "inputs": [],
        "outputs": [{"name": "", "type": "uint256"}],
    }


MULTICALL_ABI: Final[list[dict[str, Any]]] = [
    {
        "type": "function",
        "name": "aggregate3",
        "stateMutability": "payable",
        "inputs": [
            {
                "name": "calls",
                "type": "tuple[]",
                "components": [
                    {"name": "target", "type": "address"},
                    {"name": "allowFailure", "type": "bool"},
                    {"name": "callData", "type": "bytes"},
                ],
            }
        ],
        "outputs": [
            {
                "name": "returnData",
                "type": "tuple[]",
                "components": [{"name": "success", "type": "bool"}, {"name": "returnData", "type": "bytes"}],
            }
        ],
    },
    *(_view(name) for name in _VIEWS),
]
