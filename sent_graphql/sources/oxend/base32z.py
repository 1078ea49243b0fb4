"""base32z, in which the Oxen tools write keys: five bits a letter, high bits first, no padding letters."""

from typing import Final

from sent_graphql.sources.oxend.optional import optional_module

ALPHABET: Final = "ybndrfg8ejkmcpqxot1uwisza345h769"

_VALUES: Final = {letter: value for value, letter in enumerate(ALPHABET)}


class Base32zError(ValueError):
    """A text that no bytes are written as."""


def to_base32z(data: bytes) -> str:
    """`data` in base32z; the last letter is filled up with zero bits."""
    oxenc = optional_module("oxenc")
    if oxenc is not None:
        return str(oxenc.to_base32z(data))
    letters = -(-len(data) * 8 // 5)
    number = int.from_bytes(data, "big") << (letters * 5 - len(data) * 8)
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range((letters - 1) * 5, -1, -5))


def from_base32z(text: str) -> bytes:
    """The bytes that `text` (in either case) stands for. Raises Base32zError; one value has one text."""
    values = [_VALUES.get(letter) for letter in text.lower()]
    size, spare = divmod(len(text) * 5, 8)
    if None in values or spare >= 5:
        raise Base32zError("not base32z: unknown letters, or a length that no bytes have")
    number = 0
    for value in values:
        number = number << 5 | (value or 0)
    if number & ((1 << spare) - 1):
        raise Base32zError("not base32z: the bits that fill up the last letter are not zero")
    oxenc = optional_module("oxenc")
    if oxenc is not None:
        return bytes(oxenc.from_base32z(text))
    return (number >> spare).to_bytes(size, "big")
