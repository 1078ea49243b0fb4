"""Keys and addresses: one canonical text for each, so that two spellings of one thing are equal inside.

Canonical forms: an Ed25519 key is 64 and a BLS key 128 lower-case hex digits without 0x; an L2 address is
EIP-55 checksummed with 0x; an Oxen address is kept as written.
"""

import re
from functools import lru_cache
from typing import Final

from eth_utils.address import to_checksum_address

ZERO_ADDRESS: Final = "0x" + "00" * 20

_HEX_ADDRESS = re.compile(r"(?:0[xX])?([0-9a-fA-F]{40})")
_HEX = re.compile(r"(?:0[xX])?([0-9a-fA-F]*)")
_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]+")

OXEN_ADDRESS_FORMS: Final = {
    "mainnet": ("L", 95),
    "stagenet": ("ST", 97),
    "devnet": ("dV", 97),
    "testnet": ("T", 97),
    "localdev": ("dV", 97),
    "fakechain": ("L", 95),
}
"""Prefix and whole length of an Oxen address, by oxend's name of the network."""


class InvalidKeyError(ValueError):
    """A text that is no key or address; the message says what would be one."""


def ed25519_pubkey(text: str) -> str:
    """Canonical Ed25519 key of `text` (64 hex digits, any case, with or without 0x)."""
    return _hex_key(text, 64, "an Ed25519 public key")


def bls_pubkey(text: str) -> str:
    """Canonical BLS key of `text` (128 hex digits X||Y, any case, with or without 0x)."""
    return _hex_key(text, 128, "a BLS public key")


def ed25519_from_int(value: int) -> str:
    """The key that the contract keeps as a big-endian number; leading zero bytes are kept."""
    return f"{value:064x}"


def bls_from_ints(x: int, y: int) -> str:
    """The G1 point that the contract keeps as two numbers; leading zero bytes are kept."""
    return f"{x:064x}{y:064x}"


@lru_cache(maxsize=65_536)
def eth_address(text: str) -> str:
    """Canonical form of an L2 address from a trusted side, in any case, with or without 0x.

    The two sides write one address in three ways; none of them is a user, so a checksum is not demanded.
    """
    match = _HEX_ADDRESS.fullmatch(text)
    if match is None:
        raise InvalidKeyError(f"{_quoted(text)} is not an address: 40 hex digits with 0x are wanted")
    return str(to_checksum_address("0x" + match[1]))


def user_address(text: str, nettype: str) -> str:
    """Canonical form of what a user typed: an L2 address, or an Oxen address of the served network.

    A mixed-case L2 address must carry the right EIP-55 checksum.
    """
    if _HEX_ADDRESS.fullmatch(text) is not None:
        return user_eth_address(text)
    if is_oxen_address(text, nettype):
        return text
    prefix, length = OXEN_ADDRESS_FORMS.get(nettype, ("", 0))
    raise InvalidKeyError(
        f"{_quoted(text)} is not an address: 0x and 40 hex digits are wanted, "
        f"or an Oxen address of this network ({prefix}…, {length} characters)"
    )


def user_eth_address(text: str) -> str:
    """Canonical form of an L2 address that a user typed; a mixed-case one must carry the right EIP-55 checksum."""
    match = _HEX_ADDRESS.fullmatch(text)
    if match is None:
        raise InvalidKeyError(f"{_quoted(text)} is not an address of the L2 chain: 0x and 40 hex digits are wanted")
    digits = match[1]
    canonical = eth_address(digits)
    if digits not in (digits.lower(), digits.upper(), canonical[2:]):
        raise InvalidKeyError(
            f"{_quoted(text)} has a wrong checksum: {canonical} would be right (or write it in lower case)"
        )
    return canonical


def is_oxen_address(text: str, nettype: str) -> bool:
    """Whether `text` has the form of an Oxen address of the network that oxend calls `nettype`."""
    prefix, length = OXEN_ADDRESS_FORMS.get(nettype, ("", -1))
    return len(text) == length and text.startswith(prefix) and _BASE58.fullmatch(text) is not None


def any_address(text: str) -> str:
    """Canonical form of an address from oxend: an L2 address in any spelling, or an Oxen address as written."""
    return eth_address(text) if _HEX_ADDRESS.fullmatch(text) else text


def _hex_key(text: str, digits: int, what: str) -> str:
    match = _HEX.fullmatch(text)
    if match is None or len(match[1]) != digits:
        raise InvalidKeyError(f"{_quoted(text)} is not {what}: {digits} hex digits are wanted")
    return match[1].lower()


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 140 else text[:137] + "...")
