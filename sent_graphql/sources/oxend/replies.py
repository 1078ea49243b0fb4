"""oxend's replies as it writes them: what we read of each, with what must be there. Unknown fields are ignored.

Amounts are atomic units, heights block heights, times unix seconds. Each number has the bound of what it may mean, so
that nothing absurd comes further than this: neither a date beyond the calendar nor what GraphQL's Int cannot hold.
"""

from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from sent_graphql.sources.oxend.errors import OxendMalformedReplyError, OxendNotReadyError, OxendUpstreamError

Height = Annotated[int, Meta(ge=0, le=2**30)]
"""Ages beyond any chain; half of GraphQL's Int, so that a lock may be added to it."""

Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Signed = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Amount = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Timestamp = Annotated[int, Meta(ge=0, le=2**36)]
"""Up to the year 4147: room in the calendar for what is reckoned from it."""

Word = Annotated[int, Meta(ge=0)]
"""64 bits; msgspec knows no bound beyond 63, so whoever reads it checks the last one."""

Version = tuple[Count, Count, Count]


class Status(Struct, frozen=True):
    """What every reply that is an object may carry: `OK`, `BUSY`, or oxend's words for a failure."""

    status: str = "OK"


class Info(Status, frozen=True, kw_only=True):
    """`rpc.get_info`."""

    height: Height
    """Number of blocks: the top block's height + 1."""
    top_block_hash: str
    target_height: Height
    """The peers' height while syncing, else 0 or near ours."""
    hard_fork: Count
    nettype: str
    version: str
    staking_requirement: Amount
    max_contributors: Count
    min_operator_contribution: Amount


class BlockHeader(Struct, frozen=True):
    """What is read of a block's header."""

    height: Height
    hash: str
    timestamp: Timestamp
    prev_hash: str | None = None


class LastBlockHeader(Status, frozen=True, kw_only=True):
    """`rpc.get_last_block_header`; only a status while oxend is not synced."""

    block_header: BlockHeader


class StakingRequirement(Status, frozen=True, kw_only=True):
    """`rpc.get_staking_requirement`."""

    height: Height
    staking_requirement: Amount


class AccruedRewards(Status, frozen=True, kw_only=True):
    """`rpc.get_accrued_rewards`: lifetime totals by address, in any of oxend's spellings."""

    balances: dict[str, Amount]


class NodeContributor(Struct, frozen=True, gc=False):
    """A stake in a registered or pending node."""

    address: str
    amount: Amount
    beneficiary: str | None = None
    reserved: Amount | None = None


NODE_CONTRIBUTORS: Final = tuple[NodeContributor, ...]


class DecommissionReasons(Struct, frozen=True):
    """What all of the quorum held against the node, and what some did."""

    all: tuple[str, ...] = ()
    some: tuple[str, ...] = ()


class NodeState(Struct, frozen=True, kw_only=True, gc=False):
    """An entry of `rpc.get_service_nodes`; optional is what oxend leaves out or what need not be asked for."""

    service_node_pubkey: str
    active: bool
    operator_address: str
    contributors: Raw
    """The text of NODE_CONTRIBUTORS."""
    registration_height: Height
    staking_requirement: Amount
    total_contributed: Amount
    requested_unlock_height: Height = 0
    pubkey_bls: str | None = None
    portions_for_operator: Word | None = None
    last_reward_block_height: Height | None = None
    last_uptime_proof: Timestamp = 0
    earned_downtime_blocks: Signed | None = None
    decommission_count: Count | None = None
    last_decommission_reason_consensus_all: Count = 0
    last_decommission_reason_consensus_any: Count = 0
    last_decomm_reasons: DecommissionReasons = DecommissionReasons()
    state_height: Height | None = None
    payable: bool | None = None
    swarm_id: Word | None = None
    service_node_version: Version | None = None
    storage_server_version: Version | None = None
    lokinet_version: Version | None = None
    public_ip: str | None = None


class ServiceNodes(Status, frozen=True, kw_only=True):
    """`rpc.get_service_nodes`; `height` is the top block's. No `block_hash` while oxend is not synced."""

    height: Height
    block_hash: str | None = None
    service_node_states: tuple[Raw, ...]
    """The text of each NodeState: they are read one by one, and only those that are new."""


SERVICE_NODE_FIELDS: tuple[str, ...] = ("height", "block_hash", *NodeState.__struct_fields__)
"""What is asked of `rpc.get_service_nodes`."""


class RemovedContributor(Struct, frozen=True, gc=False):
    """A stake in a removed node; its addresses come without 0x."""

    address: str
    amount: Amount
    ethereum_beneficiary: str | None = None
    reserved: Amount | None = None


class RemovedInfo(Struct, frozen=True, kw_only=True):
    """A node's record as it was when it left."""

    operator_address: str
    contributors: tuple[RemovedContributor, ...]
    registration_height: Height
    staking_requirement: Amount
    total_contributed: Amount
    requested_unlock_height: Height = 0
    bls_public_key: str | None = None
    portions_for_operator: Word | None = None
    last_reward_block_height: Height | None = None
    decommission_count: Count | None = None
    last_decommission_reason_consensus_all: Count = 0
    last_decommission_reason_consensus_any: Count = 0


class RemovedEntry(Struct, frozen=True, kw_only=True):
    """An entry of `rpc.bls_exit_liquidation_list`, whose reply is a bare array."""

    height: Height
    liquidation_height: Height
    service_node_pubkey: str
    type: Literal["exit", "deregister"]
    info: RemovedInfo


class RegistrationEvent(Struct, frozen=True, kw_only=True):
    """A registration seen on the L2; `fee` is percent."""

    sn_pubkey: str
    bls_pubkey: str
    fee: Annotated[float, Meta(ge=0, le=100)]
    contributors: Annotated[tuple[NodeContributor, ...], Meta(min_length=1)]
    height: Height
    l2_height: Word


class UnlockEvent(Struct, frozen=True):
    """An exit request seen on the L2."""

    bls_pubkey: str


class PendingEvents(Status, frozen=True, kw_only=True):
    """`rpc.get_pending_events`: what oxend has not confirmed yet."""

    registrations: tuple[RegistrationEvent, ...]
    unlocks: tuple[UnlockEvent, ...]


PubkeyBls = Annotated[str, Meta(pattern="^[0-9a-f]{128}\\Z")]
SignatureHex = Annotated[str, Meta(pattern="^[0-9a-f]{256}\\Z")]
MessageHex = Annotated[str, Meta(pattern="^(?:[0-9a-f]{2}){32,256}\\Z")]
"""A tag and what is signed under it: 84 or 128 bytes."""

ContractIds = Annotated[tuple[Annotated[int, Meta(ge=1, le=2**31 - 1)], ...], Meta(max_length=100_000)]
"""More nodes than the contract will ever hold."""


class SignedReply(Status, frozen=True, kw_only=True):
    """What both requests for an aggregate signature give."""

    msg_to_sign: MessageHex
    signature: SignatureHex
    non_signer_indices: ContractIds
    """Contract ids of the registered nodes that did not sign."""


class RewardsSignature(SignedReply, frozen=True, kw_only=True):
    """`rpc.bls_rewards_request`; `amount` is the address's lifetime total at `height`."""

    address: str
    amount: Amount
    height: Height


class RemovalSignature(SignedReply, frozen=True, kw_only=True):
    """`rpc.bls_exit_liquidation_request`; `timestamp` is part of the message."""

    bls_pubkey: PubkeyBls
    timestamp: Timestamp


ReplyType = TypeVar("ReplyType")

_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_reply(command: str, body: bytes, kind: type[ReplyType]) -> ReplyType:
    """The body of a `200` reply as `kind`.

    Raises OxendNotReadyError for BUSY, OxendUpstreamError for another status than OK, and OxendMalformedReplyError,
    which names the field.
    """
    try:
        reply = msgspec.json.decode(body, type=kind)
    except _UNREADABLE as error:
        _check_status(command, _status_of(body))
        raise OxendMalformedReplyError(command, str(error)) from error
    if isinstance(reply, Status):
        _check_status(command, reply.status)
    return reply


def decode_part(command: str, text: bytes, kind: type[ReplyType], place: str) -> ReplyType:
    """A part of a reply that was left as it came; `place` is where it lies. Raises OxendMalformedReplyError."""
    try:
        return msgspec.json.decode(text, type=kind)
    except _UNREADABLE as error:
        told = str(error)
        told = told.replace("`$", f"`$.{place}") if "`$" in told else f"{told} - at `$.{place}`"
        raise OxendMalformedReplyError(command, told) from error


def _status_of(body: bytes) -> str:
    """The status of a reply that is otherwise not as promised: it often says why."""
    try:
        return msgspec.json.decode(body, type=Status).status
    except _UNREADABLE:
        return "OK"


def _check_status(command: str, status: str) -> None:
    if status == "BUSY":
        raise OxendNotReadyError(f"oxend is busy: not synced, or starting up ({command})")
    if status != "OK":
        raise OxendUpstreamError(command, 200, status)
