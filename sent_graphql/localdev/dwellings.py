"""What a new node gets besides its registration: derived from its key, so that a seed always gives the same."""

import hashlib
from typing import Final

from nacl.bindings import crypto_sign_ed25519_pk_to_curve25519

from sent_graphql.localdev.service_nodes import Dwelling, Registration, ServiceNode

_SWARMS: Final = 8


def new_service_node(registration: Registration, height: int, timestamp: int) -> ServiceNode:
    """The node as it stands in the block at `height` in which its registration is confirmed."""
    return ServiceNode(
        registration=registration,
        pubkey_x25519=crypto_sign_ed25519_pk_to_curve25519(bytes.fromhex(registration.pubkey)).hex(),
        dwelling=dwelling_of(registration.pubkey),
        registration_height=height,
        active_since_height=height,
        swarm_id=swarm_of(registration.pubkey, height),
        last_reward_block_height=height,
        last_uptime_proof=timestamp,
    )


def dwelling_of(pubkey: str) -> Dwelling:
    """An address of the range kept for benchmarks (RFC 2544), and ports."""
    digest = hashlib.blake2b(bytes.fromhex(pubkey), digest_size=8).digest()
    base = 20_000 + int.from_bytes(digest[3:5], "big") % 20_000
    return Dwelling(f"198.{18 + digest[0] % 2}.{digest[1]}.{digest[2]}", base, base + 1, base + 2)


def swarm_of(pubkey: str, height: int) -> int:
    """One of the network's few swarms, another one after each return."""
    choice = hashlib.blake2b(f"{pubkey}/{height}".encode(), digest_size=1).digest()[0] % _SWARMS
    return choice * (2**64 // _SWARMS)
