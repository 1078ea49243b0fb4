"""What the contracts' views return, decoded into our own structs.

Written by hand over `Words`: a general ABI decoder takes some twenty times as long, which the event loop would feel at
a few thousand nodes. Bytes that do not decode raise RpcMalformedReplyError, and so does the empty answer of an address
without a contract. Amounts are atomic units, times unix seconds.
"""

from typing import Final

from msgspec import Struct

from sent_graphql.models.contracts import ContractNode, ContributionStatus, Recipient, ReservedPlace, Stake
from sent_graphql.models.keys import ZERO_ADDRESS
from sent_graphql.models.units import FEE_BASIS
from sent_graphql.sources.contracts.errors import RpcMalformedReplyError
from sent_graphql.sources.contracts.words import Words

INT_BITS: Final = 31
"""What GraphQL's Int holds: contract ids and counts beyond it could not be answered with."""

TIME_BITS: Final = 37
"""Unix seconds until the year 6325: what a date holds with every delay added to it."""

NO_BLS_PUBKEY: Final = "00" * 64


class NodeParams(Struct, frozen=True):
    """A contribution contract's `serviceNodeParams()`. `signature`: 128 hex digits; `fee`: hundredths of a percent."""

    pubkey: str
    signature: str
    fee: int


class ContributionShare(Struct, frozen=True):
    """One entry of a contribution contract's `getContributions()`."""

    address: str
    beneficiary: str
    amount: int


def number(data: bytes, what: str, bits: int = 256) -> int:
    """The single number that the view `what` returned."""
    return Words(data, what).uint(0, bits)


def boolean(data: bytes, what: str) -> bool:
    """The single truth value that the view `what` returned."""
    return Words(data, what).boolean(0)


def address(data: bytes, what: str) -> str:
    """The single address that the view `what` returned, in canonical form."""
    return Words(data, what).address(0)


def node_ids(data: bytes) -> list[tuple[int, str]]:
    """`allServiceNodeIDs()`: contract id and BLS key of every node the contract holds, in order of registration."""
    returned = Words(data, "allServiceNodeIDs")
    ids, count = returned.array(0, item_words=1)
    keys, key_count = returned.array(1, item_words=2)
    if count != key_count:
        raise RpcMalformedReplyError(f"allServiceNodeIDs: {count} ids and {key_count} keys")
    return [(ids.uint(i, INT_BITS), keys.digits(2 * i, 2)) for i in range(count)]


def node(data: bytes, contract_id: int) -> ContractNode | None:
    """`serviceNodes(contract_id)`; None for the all-zero struct of an id that the contract does not hold."""
    struct = _node_struct(data)
    operator, pubkey_bls = struct.address(2), struct.digits(3, 2)
    contributors = stakes(struct, 9)
    if operator == ZERO_ADDRESS and pubkey_bls == NO_BLS_PUBKEY:
        return None
    return ContractNode(
        contract_id=contract_id,
        pubkey=struct.digits(10),
        pubkey_bls=pubkey_bls,
        operator=operator,
        added_at=struct.uint(5, TIME_BITS),
        leave_requested_at=_leave_requested_at(struct),
        deposit=struct.uint(8),
        contributors=contributors,
    )


def recipient(data: bytes) -> Recipient:
    """`recipients(wallet)`."""
    totals = Words(data, "recipients")
    return Recipient(credited=totals.uint(0), claimed=totals.uint(1))


def bls_pubkey(data: bytes) -> str:
    """`blsPubkey()`: 128 hex digits."""
    return Words(data, "blsPubkey").digits(0, 2)


def node_params(data: bytes) -> NodeParams:
    """`serviceNodeParams()`."""
    params = Words(data, "serviceNodeParams")
    fee = params.uint(3, 16)
    if fee > FEE_BASIS:
        raise RpcMalformedReplyError(f"serviceNodeParams: a fee of {fee} hundredths of a percent")
    return NodeParams(pubkey=params.digits(0), signature=params.digits(1, 2), fee=fee)


def status(data: bytes) -> ContributionStatus:
    """`status()` of a contribution contract."""
    value = Words(data, "status").uint(0, 8)
    try:
        return ContributionStatus(value)
    except ValueError:
        raise RpcMalformedReplyError(f"status: {value} is none") from None


def contributions(data: bytes) -> tuple[ContributionShare, ...]:
    """`getContributions()`, operator first."""
    returned = Words(data, "getContributions")
    stakers, count = returned.array(0, item_words=1)
    beneficiaries, beneficiary_count = returned.array(1, item_words=1)
    amounts, amount_count = returned.array(2, item_words=1)
    if not count == beneficiary_count == amount_count:
        raise RpcMalformedReplyError(f"getContributions: {count}, {beneficiary_count} and {amount_count} entries")
    return tuple(ContributionShare(stakers.address(i), beneficiaries.address(i), amounts.uint(i)) for i in range(count))


def reservations(data: bytes) -> tuple[ReservedPlace, ...]:
    """`getReserved()`, operator first."""
    returned = Words(data, "getReserved")
    holders, count = returned.array(0, item_words=1)
    amounts, amount_count = returned.array(1, item_words=1)
    received, received_count = returned.array(2, item_words=1)
    if not count == amount_count == received_count:
        raise RpcMalformedReplyError(f"getReserved: {count}, {amount_count} and {received_count} entries")
    return tuple(ReservedPlace(holders.address(i), amounts.uint(i), received.boolean(i)) for i in range(count))


def stakes(words: Words, index: int) -> tuple[Stake, ...]:
    """An array of `((address addr, address beneficiary) staker, uint256 stakedAmount)` at word `index`."""
    items, count = words.array(index, item_words=3)
    return tuple(Stake(items.address(i), items.address(i + 1), items.uint(i + 2)) for i in range(0, 3 * count, 3))


def _node_struct(data: bytes) -> Words:
    return Words(data, "serviceNodes").struct(0)


def _leave_requested_at(struct: Words) -> int | None:
    """The first leave request; the most recent one, in word 7, is not wanted."""
    return struct.uint(6, TIME_BITS) or None
