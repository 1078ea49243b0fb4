"""A two-pass assembler for small EVM programs.

A program is a sequence of words: an instruction's name (`ADD`, `DUP3`), an integer or bytes to push, a label's
definition (`name:`) or its use (`@name`, which pushes its position in two bytes).
"""

from collections.abc import Iterable, Sequence
from typing import Final

_OPCODES: Final = {
    "STOP": 0x00, "ADD": 0x01, "MUL": 0x02, "SUB": 0x03, "LT": 0x10, "GT": 0x11, "EQ": 0x14, "ISZERO": 0x15,
    "AND": 0x16, "OR": 0x17, "NOT": 0x19, "SHL": 0x1B, "SHR": 0x1C, "CALLDATALOAD": 0x35, "CALLDATASIZE": 0x36,
    "CALLDATACOPY": 0x37, "CODECOPY": 0x39, "RETURNDATASIZE": 0x3D, "RETURNDATACOPY": 0x3E, "TIMESTAMP": 0x42,
    "NUMBER": 0x43, "CHAINID": 0x46, "POP": 0x50, "MLOAD": 0x51, "MSTORE": 0x52, "JUMP": 0x56, "JUMPI": 0x57,
    "GAS": 0x5A, "JUMPDEST": 0x5B, "CALL": 0xF1, "RETURN": 0xF3, "REVERT": 0xFD,
}  # fmt: skip
_PUSH0: Final = 0x5F
_DUP1: Final = 0x80
_SWAP1: Final = 0x90
_LABEL_PUSH: Final = 0x61
_LABEL_SIZE: Final = 3

Word = str | int | bytes


def assemble(program: Sequence[Word]) -> bytes:
    """The bytecode of `program`; raises KeyError for an unknown instruction or label."""
    labels: dict[str, int] = {}
    position = 0
    for word in program:
        if isinstance(word, str) and word.endswith(":"):
            labels[word[:-1]] = position
        position += len(_encode(word, None))
    return b"".join(_encode(word, labels) for word in program)


def deployer(runtime: bytes) -> bytes:
    """The creation code that leaves `runtime` as the contract's code."""

    def prologue(start: int) -> Iterable[Word]:
        return [len(runtime), "DUP1", start, 0, "CODECOPY", 0, "RETURN"]

    size = len(assemble([*prologue(1)]))
    return assemble([*prologue(size)]) + runtime


def _encode(word: Word, labels: dict[str, int] | None) -> bytes:
    if isinstance(word, int):
        word = word.to_bytes((word.bit_length() + 7) // 8, "big")
    if isinstance(word, bytes):
        return bytes([_PUSH0 + len(word)]) + word
    if word.startswith("@"):
        target = 0 if labels is None else labels[word[1:]]
        return bytes([_LABEL_PUSH]) + target.to_bytes(_LABEL_SIZE - 1, "big")
    if word.endswith(":"):
        return bytes([_OPCODES["JUMPDEST"]])
    for family, first in (("DUP", _DUP1), ("SWAP", _SWAP1)):
        if word.startswith(family):
            return bytes([first + int(word.removeprefix(family)) - 1])
    return bytes([_OPCODES[word]])
