"""Scalars: how numbers, keys, addresses and instants are written, and what is accepted.

Values are canonical inside (see models/keys.py), so nothing is converted on the way out but numbers and instants.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, NewType

import strawberry
from graphql import GraphQLError
from msgspec import to_builtins
from strawberry.types.scalar import ScalarDefinition

from sent_graphql.execution.leaves import unchanged
from sent_graphql.models import keys
from sent_graphql.models.keys import InvalidKeyError
from sent_graphql.resolvers.errors import BAD_USER_INPUT
from sent_graphql.schema.refusals import refused_value

BigInt = NewType("BigInt", int)
Address = NewType("Address", str)
Ed25519PublicKey = NewType("Ed25519PublicKey", str)
BlsPublicKey = NewType("BlsPublicKey", str)
HexBytes = NewType("HexBytes", str)
EthHash = NewType("EthHash", str)

MAX_BIG_INT_DIGITS: Final = 78
"""Digits of the largest number that the contracts can hold (2^256)."""

MAX_HEX_DIGITS: Final = 131_072
"""Longest HexBytes accepted: 64 KiB."""

_WHOLE_NUMBER = re.compile(rf"-?[0-9]{{1,{MAX_BIG_INT_DIGITS}}}")
_HASH = re.compile(r"(?:0[xX])?([0-9a-fA-F]{64})")
_HEX = re.compile(rf"(?:0[xX])?((?:[0-9a-fA-F]{{2}}){{0,{MAX_HEX_DIGITS // 2}}})")


def scalars(nettype: str) -> Mapping[object, ScalarDefinition]:
    """All scalars by their Python type; addresses are those of the network that oxend calls `nettype`."""
    return {
        BigInt: strawberry.scalar(
            name="BigInt",
            description="A whole number of any size, written as a string of decimal digits because JSON numbers lose "
            "precision beyond 2^53. Token amounts are in atomic units: 1 SENT = 10^9. As input a JSON integer is "
            "accepted too.",
            serialize=str,
            parse_value=parse_big_int,
        ),
        Address: strawberry.scalar(
            name="Address",
            description="Who owns something: an address of the L2 chain as 0x and 40 hex digits with its EIP-55 "
            "checksum, or an Oxen address of the served network for nodes that registered before the move to the L2. "
            "As input any case is accepted, but a mixed-case address must have the right checksum.",
            specified_by_url="https://eips.ethereum.org/EIPS/eip-55",
            serialize=unchanged,
            parse_value=_parser("Address", lambda text: keys.user_address(text, nettype)),
        ),
        Ed25519PublicKey: strawberry.scalar(
            name="Ed25519PublicKey",
            description="The 32-byte Ed25519 public key that names a service node, as 64 lower-case hex digits; "
            "leading zeros are kept. As input any case is accepted, with or without 0x.",
            serialize=unchanged,
            parse_value=_parser("Ed25519PublicKey", keys.ed25519_pubkey),
        ),
        BlsPublicKey: strawberry.scalar(
            name="BlsPublicKey",
            description="The BLS public key with which a service node signs for the contracts: a 64-byte point X||Y of "
            "alt_bn128 G1, as 128 lower-case hex digits; leading zeros are kept. As input any case is accepted, with "
            "or without 0x.",
            serialize=unchanged,
            parse_value=_parser("BlsPublicKey", keys.bls_pubkey),
        ),
        HexBytes: strawberry.scalar(
            name="HexBytes",
            description="Bytes as lower-case hex digits without 0x: Oxen block hashes, swarm ids, signatures and "
            "messages. As input any case is accepted, with or without 0x.",
            serialize=unchanged,
            parse_value=_parser("HexBytes", _hex_bytes),
        ),
        EthHash: strawberry.scalar(
            name="EthHash",
            description="A 32-byte hash of the L2 chain, of a block or a transaction, as 0x and 64 lower-case hex "
            "digits. As input any case is accepted, with or without 0x.",
            serialize=unchanged,
            parse_value=_parser("EthHash", _eth_hash),
        ),
        datetime: strawberry.scalar(
            name="DateTime",
            description="An instant in UTC as RFC 3339 writes it, such as 2025-05-21T01:00:00Z; milliseconds appear "
            "only where they are known. As input any offset is accepted.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
            serialize=format_instant,
            parse_value=parse_instant,
        ),
    }


def parse_big_int(value: object) -> int:
    """A whole number from a JSON integer or a string of decimal digits, and from nothing else."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**MAX_BIG_INT_DIGITS:
        return value
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        return int(value)
    raise refused_value("BigInt", value, f"a whole number of at most {MAX_BIG_INT_DIGITS} decimal digits is wanted")


def format_instant(instant: datetime) -> str:
    """RFC 3339 in UTC with Z; whole seconds, or milliseconds where there are any."""
    if instant.tzinfo is UTC and instant.microsecond == 0:  # nearly all: a tenth of the time
        written: str = to_builtins(instant)
        return written
    text = instant.astimezone(UTC).replace(tzinfo=None)
    return text.isoformat(timespec="milliseconds" if text.microsecond >= 1_000 else "seconds") + "Z"


def parse_instant(value: object) -> datetime:
    """An instant from RFC 3339 text; without an offset it would be ambiguous and is refused."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise refused_value("DateTime", value, "an instant such as 2025-05-21T01:00:00Z is wanted")
    return instant.astimezone(UTC)


def _parser(name: str, canonical: Callable[[str], str]) -> Callable[[object], str]:
    """A strict parser of strings whose canonical form `canonical` gives or refuses with InvalidKeyError."""

    def parse(value: object) -> str:
        if not isinstance(value, str):
            raise refused_value(name, value, "a string is wanted")
        try:
            return canonical(value)
        except InvalidKeyError as error:
            raise GraphQLError(str(error), extensions={"code": BAD_USER_INPUT}) from None

    return parse


def _hex_bytes(text: str) -> str:
    match = _HEX.fullmatch(text)
    if match is None:
        raise InvalidKeyError(f"an even number of at most {MAX_HEX_DIGITS} hex digits is wanted")
    return match[1].lower()


def _eth_hash(text: str) -> str:
    match = _HASH.fullmatch(text)
    if match is None:
        raise InvalidKeyError("not a hash of the L2 chain: 64 hex digits are wanted, with or without 0x")
    return f"0x{match[1].lower()}"
