"""Keys, signatures and addresses as operators and their tools write them.

Nothing here raises: what cannot be read is a RegistrationError that names the field, so that all faults are told at
once. Fields are named as GraphQL writes them.
"""

import binascii
import re
from typing import Final

from msgspec import Struct

from sent_graphql.models.keys import ZERO_ADDRESS, InvalidKeyError, user_eth_address
from sent_graphql.models.proofs import RegistrationTexts, SignedKeys, Spelling
from sent_graphql.models.registrations import RegistrationError, RegistrationErrorCode

MAX_SHOWN: Final = 60
"""Characters of a refused value that an error repeats."""

MAX_SHOWN_ADDRESS: Final = 140
"""The same of what should be an address: all of an Oxen address."""

_HEX = re.compile(r"(?:0[xX])?([0-9a-fA-F]*)")
_BASE64 = re.compile(r"([0-9A-Za-z+/_-]*)(={0,2})")
_URL_SAFE: Final = str.maketrans("-_", "+/")


class _Bytes(Struct, frozen=True):
    field: str
    what: str
    size: int


_PUBKEY: Final = _Bytes("pubkey", "an Ed25519 public key", 32)
_PUBKEY_BLS: Final = _Bytes("pubkeyBls", "a BLS public key", 64)
_SIG_ED25519: Final = _Bytes("sigEd25519", "an Ed25519 signature", 64)
_SIG_BLS: Final = _Bytes("sigBls", "a BLS signature", 128)


def read_keys(
    texts: RegistrationTexts, spelling: Spelling = Spelling.HEX
) -> tuple[SignedKeys | None, list[RegistrationError]]:
    """The signed keys, null where one part cannot be read, and what is wrong, in the order of the fields."""
    problems: list[RegistrationError] = []
    pubkey = _read_bytes(texts.pubkey, _PUBKEY, spelling, problems)
    pubkey_bls = _read_bytes(texts.pubkey_bls, _PUBKEY_BLS, spelling, problems)
    sig_ed25519 = _read_bytes(texts.sig_ed25519, _SIG_ED25519, spelling, problems)
    sig_bls = _read_bytes(texts.sig_bls, _SIG_BLS, spelling, problems)
    operator = read_address(texts.operator, "operator", RegistrationErrorCode.INVALID_OPERATOR_ADDRESS, problems)
    if pubkey is None or pubkey_bls is None or sig_ed25519 is None or sig_bls is None or operator is None:
        return None, problems
    keys = SignedKeys(pubkey=pubkey, pubkey_bls=pubkey_bls, sig_ed25519=sig_ed25519, sig_bls=sig_bls, operator=operator)
    return keys, problems


def read_contract(text: str | None, problems: list[RegistrationError]) -> str | None:
    """The contribution contract's canonical address; null for none, and where it cannot be read."""
    if text is None:
        return None
    return read_address(text, "contract", RegistrationErrorCode.INVALID_CONTRACT_ADDRESS, problems)


def read_address(
    text: str | None,
    field: str,
    code: RegistrationErrorCode,
    problems: list[RegistrationError],
    *,
    index: int | None = None,
) -> str | None:
    """The canonical form of an address of the L2, which must not be zero. What is wrong is added to `problems`.

    `index`: its position where the field is a list.
    """
    if text is None:
        problems.append(_missing(field))
        return None
    try:
        address = user_eth_address(text)
    except InvalidKeyError as error:
        message, shown = str(error), text if len(text) <= MAX_SHOWN_ADDRESS else text[:MAX_SHOWN_ADDRESS] + "…"
    else:
        if address != ZERO_ADDRESS:
            return address
        message, shown = "the zero address belongs to nobody", address
    problems.append(
        RegistrationError(code=code, message=f"`{field}`: {message}", field=field, index=index, address=shown)
    )
    return None


def _read_bytes(text: str | None, wanted: _Bytes, spelling: Spelling, problems: list[RegistrationError]) -> str | None:
    """Lower-case hex of exactly the wanted size."""
    if text is None:
        problems.append(_missing(wanted.field))
        return None
    digits = _from_hex(text, wanted.size)
    if digits is None and spelling is Spelling.HEX_OR_BASE64:
        digits = _from_base64(text, wanted.size)
    if digits is None:
        forms = f"{2 * wanted.size} hex digits"
        if spelling is Spelling.HEX_OR_BASE64:
            forms += f", or {wanted.size} bytes in base64 (in a URL write + as %2B, or use the url-safe alphabet)"
        problems.append(
            RegistrationError(
                code=RegistrationErrorCode.BAD_REQUEST,
                message=f"`{wanted.field}`: {_shown(text)} ({len(text)} characters) is not {wanted.what}: {forms} are "
                "wanted",
                field=wanted.field,
            )
        )
    return digits


def _from_hex(text: str, size: int) -> str | None:
    match = _HEX.fullmatch(text)
    return match[1].lower() if match is not None and len(match[1]) == 2 * size else None


def _from_base64(text: str, size: int) -> str | None:
    match = _BASE64.fullmatch(text)
    digits = -(-size * 4 // 3)
    padding = -digits % 4
    if match is None or len(match[1]) != digits or len(match[2]) not in (0, padding):
        return None
    return binascii.a2b_base64(match[1].translate(_URL_SAFE) + "=" * padding).hex()


def _missing(field: str) -> RegistrationError:
    return RegistrationError(code=RegistrationErrorCode.BAD_REQUEST, message=f"`{field}` is missing", field=field)


def _shown(text: str) -> str:
    return repr(text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…")
