"""oxend's RPC commands, each with its arguments and the type of its reply."""

import asyncio
from typing import Final, TypeVar

import msgspec

from sent_graphql.sources.oxend.errors import OxendMalformedReplyError, OxendUpstreamError
from sent_graphql.sources.oxend.replies import (
    SERVICE_NODE_FIELDS,
    AccruedRewards,
    Info,
    LastBlockHeader,
    PendingEvents,
    RemovalSignature,
    RemovedEntry,
    RewardsSignature,
    ServiceNodes,
    StakingRequirement,
    decode_reply,
)
from sent_graphql.sources.oxend.transport import OxendTransport

DECODE_ASIDE_BYTES: Final = 64 * 1024
"""Replies from this size on are decoded in a thread, so that the event loop goes on."""

ReplyType = TypeVar("ReplyType")


class OxendRpc:
    """The commands of `rpc.*` that are read. All raise OxendError."""

    def __init__(self, transport: OxendTransport) -> None:
        """Asks over `transport`, which somebody else starts and closes."""
        self._transport = transport

    async def get_info(self) -> Info:
        """The chain's height, top block and network."""
        return await self._call("rpc.get_info", Info)

    async def get_last_block_header(self) -> LastBlockHeader:
        """The top block."""
        return await self._call("rpc.get_last_block_header", LastBlockHeader)

    async def get_service_nodes(self) -> ServiceNodes:
        """All registered nodes, with the fields that are read of them."""
        body = msgspec.json.encode({"fields": SERVICE_NODE_FIELDS})
        return await self._call("rpc.get_service_nodes", ServiceNodes, body)

    async def get_staking_requirement(self) -> StakingRequirement:
        """What a new registration needs, as far as oxend has confirmed."""
        return await self._call("rpc.get_staking_requirement", StakingRequirement)

    async def get_accrued_rewards(self) -> AccruedRewards:
        """Lifetime rewards of all addresses that have any."""
        return await self._call("rpc.get_accrued_rewards", AccruedRewards)

    async def get_exit_list(self) -> tuple[RemovedEntry, ...]:
        """Nodes that have left and whose exit is not confirmed on the L2 yet (`bls_exit_liquidation_list`)."""
        return await self._call("rpc.bls_exit_liquidation_list", tuple[RemovedEntry, ...])

    async def get_pending_events(self) -> PendingEvents:
        """What has been seen on the L2 and is not confirmed yet."""
        return await self._call("rpc.get_pending_events", PendingEvents)

    async def bls_rewards_request(self, address: str, *, timeout: float) -> RewardsSignature:
        """The network's signature over what `address` has earned; oxend takes up to 15 s to gather it.

        What oxend refuses is an OxendUpstreamError, which `signature_refusal` tells apart.
        """
        body = msgspec.json.encode({"address": address})
        return await self._call("rpc.bls_rewards_request", RewardsSignature, body, timeout)

    async def bls_exit_liquidation_request(self, pubkey: str, *, liquidate: bool, timeout: float) -> RemovalSignature:
        """The network's signature over the exit or liquidation of the node with this Ed25519 key.

        oxend never replies where any active node fails to: OxendTimeoutError is an expected outcome, and as each one
        costs oxend a thread, it is no reason to ask again at once.
        """
        body = msgspec.json.encode({"pubkey": pubkey, "liquidate": liquidate})
        return await self._call("rpc.bls_exit_liquidation_request", RemovalSignature, body, timeout)

    async def _call(
        self, command: str, kind: type[ReplyType], body: bytes | None = None, timeout: float | None = None
    ) -> ReplyType:
        text = _body(command, await self._transport.request(command, body, timeout=timeout))
        if len(text) < DECODE_ASIDE_BYTES:
            return decode_reply(command, text, kind)
        return await asyncio.to_thread(decode_reply, command, text, kind)


def _body(command: str, frames: list[bytes]) -> bytes:
    """The body of `[status, body]`. Raises OxendUpstreamError for another status than 200."""
    if len(frames) != 2 or not frames[0].isdigit() or len(frames[0]) > 3:
        raise OxendMalformedReplyError(command, f"a status and a body are wanted, not {len(frames)} frames")
    status, body = int(frames[0]), frames[1]
    if status != 200:
        raise OxendUpstreamError(command, status, body.decode("utf-8", "replace"))
    return body
