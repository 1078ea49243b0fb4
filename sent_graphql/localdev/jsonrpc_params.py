"""The parameters of JSON-RPC methods: each form read strictly, or refused with an error that names it."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sent_graphql.localdev.evm_ledger import LogFilter

MAX_FILTER_ADDRESSES: Final = 10_000
MAX_FILTER_TOPICS: Final = 4

_HEX_DATA = re.compile(r"0[xX](?:[0-9a-fA-F]{2})*")
_HEX_QUANTITY = re.compile(r"0[xX][0-9a-fA-F]{1,64}")

_HEAD_TAGS = frozenset({"latest", "pending", "safe", "finalized"})


class RpcError(Exception):
    """An error answer: JSON-RPC `code`, message, and `data` as hex where there is some."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class Message(NamedTuple):
    """A call or transaction object; what it leaves out is None, or no value and no data."""

    sender: bytes | None
    to: bytes | None
    data: bytes
    value: int
    gas: int | None
    nonce: int | None


def fields(value: Any) -> Mapping[str, Any]:  # noqa: ANN401  # anything that JSON can hold
    """An object."""
    if not isinstance(value, dict):
        raise _wanted("an object", value)
    return value


def data(value: object) -> bytes:
    """Bytes: 0x and an even number of hex digits."""
    if not isinstance(value, str) or _HEX_DATA.fullmatch(value) is None:
        raise _wanted("0x and an even number of hex digits", value)
    return bytes.fromhex(value[2:])


def address(value: object) -> bytes:
    """An address: 20 bytes."""
    return _sized(value, 20)


def word(value: object) -> bytes:
    """A hash or topic: 32 bytes."""
    return _sized(value, 32)


def quantity(value: object) -> int:
    """A number: hex digits after 0x, or a plain JSON integer as test tools send it."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if not isinstance(value, str) or _HEX_QUANTITY.fullmatch(value) is None:
        raise _wanted("0x and hex digits", value)
    return int(value, 16)


def height(value: object, head: int) -> int:
    """A block's height: a number or a tag. There are no pending blocks, and every block is final."""
    if value is None or (isinstance(value, str) and value in _HEAD_TAGS):
        return head
    return 0 if value == "earliest" else quantity(value)


def message(value: object) -> Message:
    """A call or transaction object; its fee fields are of no consequence here."""
    given = fields(value)
    payload = given.get("input", given.get("data"))
    return Message(
        sender=None if given.get("from") is None else address(given["from"]),
        to=None if given.get("to") is None else address(given["to"]),
        data=b"" if payload is None else data(payload),
        value=quantity(given.get("value", 0)),
        gas=None if given.get("gas") is None else quantity(given["gas"]),
        nonce=None if given.get("nonce") is None else quantity(given["nonce"]),
    )


def log_filter(given: Mapping[str, Any]) -> LogFilter:
    """`address` is one or a list of them; each of `topics` is null, one topic or a list of alternatives."""
    topics = given.get("topics") or []
    if not isinstance(topics, list) or len(topics) > MAX_FILTER_TOPICS:
        raise _wanted(f"a list of at most {MAX_FILTER_TOPICS} topics", topics)
    return LogFilter(
        addresses=frozenset(address(one) for one in _alternatives(given.get("address"))),
        topics=tuple(frozenset(word(one) for one in _alternatives(topic)) for topic in topics),
    )


def _alternatives(value: object) -> list[object]:
    if value is None:
        return []
    alternatives = value if isinstance(value, list) else [value]
    if len(alternatives) > MAX_FILTER_ADDRESSES:
        raise RpcError(-32602, f"more than {MAX_FILTER_ADDRESSES} alternatives in a filter")
    return alternatives


def _sized(value: object, size: int) -> bytes:
    if not isinstance(value, str) or _HEX_DATA.fullmatch(value) is None or len(value) != 2 + 2 * size:
        raise _wanted(f"0x and {2 * size} hex digits", value)
    return bytes.fromhex(value[2:])


def _wanted(what: str, value: object) -> RpcError:
    return RpcError(-32602, f"invalid argument: {what} wanted, not {repr(value)[:80]}")
