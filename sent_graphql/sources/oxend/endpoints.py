"""Where an oxend listens: `ipc://PATH`, `tcp://HOST:PORT` or `curve://HOST:PORT/PUBKEY`, as settings write it."""

import base64
import binascii
import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from sent_graphql.sources.errors import SourceMisconfiguredError
from sent_graphql.sources.oxend.base32z import Base32zError, from_base32z

MAX_IPC_PATH_BYTES: Final = 107
"""Longest path of a Unix socket that the system takes."""

_KEY_BYTES: Final = 32
_HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\]]+):(?P<port>\d{1,5})")


class Endpoint(Struct, frozen=True):
    """A listener of oxend."""

    address: str
    """For libzmq: `ipc://` with an absolute path, or `tcp://`."""
    server_key: bytes | None
    """The listener's 32-byte x25519 key; None where it is plain."""

    @property
    def label(self) -> str:
        """How messages name it: without its key."""
        return self.address if self.server_key is None else "curve" + self.address.removeprefix("tcp")

    @property
    def full_address(self) -> str:
        """As liboxenmq takes it, key included (hex)."""
        return self.address if self.server_key is None else f"{self.label}/{self.server_key.hex()}"


def parse_endpoint(text: str) -> Endpoint:
    """The endpoint that `text` names. Raises SourceMisconfiguredError, saying what is allowed."""
    scheme, separator, rest = text.partition("://")
    if separator and scheme == "ipc" and rest:
        return Endpoint(_ipc_address(rest), None)
    if separator and scheme in ("tcp", "curve"):
        where, _, key = rest.partition("/")
        match = _HOST_AND_PORT.fullmatch(where)
        if match is not None and 0 < int(match["port"]) <= 65_535 and bool(key) == (scheme == "curve"):
            return Endpoint(f"tcp://{where}", _server_key(key) if key else None)
    raise SourceMisconfiguredError(
        f"{_without_key(text)!r} is not an oxend endpoint: "
        "ipc://PATH, tcp://HOST:PORT or curve://HOST:PORT/PUBKEY is wanted"
    )


def _ipc_address(path: str) -> str:
    if path.startswith("@"):
        return f"ipc://{path}"  # Linux's abstract names are no files
    absolute = str(Path(path).absolute())
    if len(absolute.encode()) > MAX_IPC_PATH_BYTES:
        raise SourceMisconfiguredError(
            f"the socket's path {absolute} is longer than the {MAX_IPC_PATH_BYTES} bytes that the system allows: "
            "use a shorter one, such as a symlink in a directory near the root"
        )
    return f"ipc://{absolute}"


def _server_key(text: str) -> bytes:
    """The key in hex (64 characters), base32z (52) or base64 (43, or 44 with padding)."""
    try:
        match len(text):
            case 64:
                return bytes.fromhex(text)
            case 52:
                return from_base32z(text)
            case 43 | 44:
                key = base64.b64decode(text.rstrip("=") + "=", validate=True)
                if len(key) == _KEY_BYTES:
                    return key
    except (ValueError, Base32zError, binascii.Error):
        pass
    raise SourceMisconfiguredError("a curve endpoint's key is 32 bytes in hex, base32z or base64")


def _without_key(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    return scheme + separator + rest.partition("/")[0] if scheme == "curve" else text
