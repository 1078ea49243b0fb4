"""Relay's opaque global ids: base64 of `TypeName:local id`."""

import base64
import binascii


class InvalidGlobalIdError(ValueError):
    """A text that no `id` field of this service has given out."""


def global_id(type_name: str, local_id: str) -> str:
    """The id under which `Query.node` finds the thing again."""
    return binascii.b2a_base64(f"{type_name}:{local_id}".encode(), newline=False).decode()


def parse_global_id(text: str) -> tuple[str, str]:
    """Type name and local id of a global id; the opposite of `global_id`."""
    try:
        type_name, separator, local_id = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        separator = type_name = local_id = ""
    if not (separator and type_name and local_id):
        raise InvalidGlobalIdError("not an id of this service: use one that an `id` field has given")
    return type_name, local_id
