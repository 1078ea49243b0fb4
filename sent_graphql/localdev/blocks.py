"""The simulated chain's blocks: each hash is made of the one before it."""

import hashlib

from msgspec import Struct


class Block(Struct, frozen=True, kw_only=True):
    """A block's header. Hashes are 64 hex digits, `timestamp` unix seconds."""

    height: int
    hash: str
    prev_hash: str
    timestamp: int
    l2_height: int
    nonce: int
    winner: str
    """Ed25519 key of the node that led it; 64 zeros if none."""
    l2_votes: tuple[bool, ...] = ()
    transactions: int = 0


def block_after(
    prev_hash: str,
    height: int,
    *,
    timestamp: int,
    l2_height: int,
    winner: str,
    branch: int,
    l2_votes: tuple[bool, ...] = (),
    transactions: int = 0,
) -> Block:
    """The block at `height` on top of `prev_hash`; another `branch` gives another hash for the same contents."""
    contents = f"{prev_hash}/{height}/{timestamp}/{l2_height}/{winner}/{branch}"
    digest = hashlib.blake2b(contents.encode(), digest_size=32).digest()
    return Block(
        height=height,
        hash=digest.hex(),
        prev_hash=prev_hash,
        timestamp=timestamp,
        l2_height=l2_height,
        nonce=int.from_bytes(digest[:4], "big"),
        winner=winner,
        l2_votes=l2_votes,
        transactions=transactions,
    )
