"""Whom limits count: the address that a connection comes from, as far as one party holds it."""

from ipaddress import IPv6Address, IPv6Network

from starlette.types import Scope

IPV6_PREFIX = 64
"""Bits of an IPv6 address that one party is given at least; it may use any of the rest."""


def client_of(scope: Scope) -> str:
    """The client of a request or WebSocket; empty where the server knows none, as on a Unix socket.

    uvicorn has put the address there, and has believed a proxy's headers about it only where the proxy is trusted.
    """
    client = scope.get("client")
    return party(client[0]) if client else ""


def party(address: str) -> str:
    """An IPv4 address as it is, also where it is written as an IPv6 one; an IPv6 address as its network of 64 bits."""
    if ":" not in address:
        return address
    try:
        parsed = IPv6Address(address)
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed), IPV6_PREFIX), strict=False))
