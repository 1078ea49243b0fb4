"""Reading ABI-encoded bytes: 32-byte words, the offsets between them, and nothing beyond the end.

Every reader checks that it stays inside and that unused high bytes are zero; otherwise RpcMalformedReplyError names
what was read. Bytes after the last value are ignored, as every ABI decoder does.
"""

from typing import Final

from sent_graphql.models.keys import eth_address
from sent_graphql.sources.contracts.errors import RpcMalformedReplyError

WORD: Final = 32


class Words:
    """A struct, or the items of an array, that begins at `start` of `data`; `what` names it in errors.

    Indexes count words from its start; offsets in it count bytes from there.
    """

    __slots__ = ("_data", "_start", "_what")

    def __init__(self, data: bytes, what: str, start: int = 0) -> None:
        self._data = data
        self._what = what
        self._start = start

    def uint(self, index: int, bits: int = 256) -> int:
        """The number in a word, below 2 ** `bits`."""
        at = self._start + WORD * index
        word = self._data[at : at + WORD]
        value = int.from_bytes(word, "big")
        if len(word) != WORD:
            raise self._malformed(f"nothing in word {index}")
        if value >> bits:
            raise self._malformed(f"{value} in word {index} is more than {bits} bits hold")
        return value

    def boolean(self, index: int) -> bool:
        """The truth value in a word."""
        return self.uint(index, 1) == 1

    def address(self, index: int) -> str:
        """The address in a word, in canonical form."""
        at = self._start + WORD * index
        if len(self._data) < at + WORD or any(self._data[at : at + 12]):
            raise self._malformed(f"no address in word {index}")
        return eth_address(self._data[at + 12 : at + WORD].hex())

    def digits(self, index: int, count: int = 1) -> str:
        """`count` words as lower-case hex digits, leading zeros kept."""
        at = self._start + WORD * index
        end = at + WORD * count
        if len(self._data) < end:
            raise self._malformed(f"nothing in word {index}")
        return self._data[at:end].hex()

    def struct(self, index: int) -> "Words":
        """The struct that the offset in a word leads to."""
        return Words(self._data, self._what, self._follow(index))

    def array(self, index: int, item_words: int) -> tuple["Words", int]:
        """The items of the array that the offset in a word leads to, each `item_words` long, and their number."""
        at = self._follow(index)
        head = self._data[at : at + WORD]
        count = int.from_bytes(head, "big")
        if len(head) != WORD or at + WORD + WORD * item_words * count > len(self._data):
            raise self._malformed(f"no whole array at word {index}")
        return Words(self._data, self._what, at + WORD), count

    def data(self, index: int) -> bytes:
        """The byte string that the offset in a word leads to."""
        at = self._follow(index)
        head = self._data[at : at + WORD]
        end = at + WORD + int.from_bytes(head, "big")
        if len(head) != WORD or end > len(self._data):
            raise self._malformed(f"no whole bytes at word {index}")
        return self._data[at + WORD : end]

    def _follow(self, index: int) -> int:
        at = self._start + self.uint(index)
        if at > len(self._data):
            raise self._malformed(f"an offset beyond the end in word {index}")
        return at

    def _malformed(self, fault: str) -> RpcMalformedReplyError:
        return RpcMalformedReplyError(f"{self._what}: {fault} ({len(self._data)} bytes in all)")
