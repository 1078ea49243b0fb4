"""The figures of the local network: oxend's own for `localdev`, with waits that are short but visible."""

from typing import Final

from msgspec import Struct

NETTYPE: Final = "localdev"
CHAIN_ID: Final = 31337
HARD_FORK: Final = 21
VERSION: Final = "11"
NODE_VERSION: Final = (11, 0, 6)
STORAGE_SERVER_VERSION: Final = (2, 9, 0)
LOKINET_VERSION: Final = (0, 9, 14)

BLOCK_REWARD: Final = 22_983_257_229
"""Atomic units that a block's payable nodes share."""

MILLI: Final = 1000
"""Balances are kept in thousandths of an atomic unit."""

MAX_CONTRIBUTORS: Final = 10
NO_SWARM: Final = 2**64 - 1
NO_TRANSACTION_INDEX: Final = 2**32 - 1
CONFIRMATION_POINTS: Final = 5
PAYABLE_AFTER_BLOCKS: Final = 1
RECENT_BLOCKS: Final = 5
"""Blocks for which a rewards request may ask back."""

INITIAL_CREDIT_BLOCKS: Final = 1440
MAX_CREDIT_BLOCKS: Final = 34_560
MIN_DECOMMISSION_CREDIT_BLOCKS: Final = 1440
UPTIME_BLOCKS_PER_CREDIT_BLOCK: Final = 30

UNLOCK_SECONDS: Final = 120
DEREGISTRATION_LOCK_SECONDS: Final = 480
EXIT_BUFFER_SECONDS: Final = 240
PROOF_SECONDS: Final = 600
EXIT_SIGNATURE_SECONDS: Final = 600

GOVERNANCE_ADDRESS: Final = (
    "dV3EhSE1xXgSzswBgVioqFNTfcqGopvTrcYjs4YDLHUfU64DuHxFoEmbwoyipTidGiTXx5EuYdgzZhDLMTo9uEv82M4A7Uimp"
)
GOVERNANCE_BALANCE: Final = 23_833_333_329
"""What the governance wallet kept from before the change to the L2: an Oxen address among the balances."""

OPERATORS: Final = 32
"""Wallets that can act; their accounts are unlocked on the L2."""

ACCOUNTS: Final = OPERATORS + 1
"""Accounts that the L2 must have: the owner's and the operators'."""

HISTORY_SECONDS: Final = 28 * 86_400
"""Age of the oldest node."""

GENESIS_AGE: Final = HISTORY_SECONDS + 86_400
"""Seconds before the present at which the chain must begin: a day before its first node."""


class Timing(Struct, frozen=True, kw_only=True):
    """The network's waits in blocks, for one block time. `block_seconds` is what get_info calls `target`."""

    block_seconds: int
    unlock_blocks: int
    lock_blocks: int
    exit_buffer_blocks: int
    proof_blocks: int

    @classmethod
    def of(cls, block_seconds: float) -> "Timing":
        """The waits where a block comes every `block_seconds`."""
        whole = max(1, round(block_seconds))
        return cls(
            block_seconds=whole,
            unlock_blocks=_blocks(UNLOCK_SECONDS, whole),
            lock_blocks=_blocks(DEREGISTRATION_LOCK_SECONDS, whole),
            exit_buffer_blocks=_blocks(EXIT_BUFFER_SECONDS, whole),
            proof_blocks=_blocks(PROOF_SECONDS, whole),
        )


def _blocks(seconds: int, block_seconds: int) -> int:
    return max(1, seconds // block_seconds)
