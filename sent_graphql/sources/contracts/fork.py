"""What to do when a block that was seen is no longer there."""

import structlog

from sent_graphql.sources.contracts.blocks import Header, header_request, parse_header
from sent_graphql.sources.contracts.errors import RpcError, RpcMalformedReplyError
from sent_graphql.sources.contracts.event_log import EventLog
from sent_graphql.sources.contracts.rpc import JsonRpc


class ChainBehindError(RpcError):
    """The newest block is below one that was seen before, and no reorganisation explains it."""


class ForkedError(RpcError):
    """A block that was seen before is no longer on the chain."""


async def newest_block(rpc: JsonRpc) -> Header:
    """The chain's newest block."""
    header = parse_header(await rpc.request(*header_request(None)))
    if header is None:
        raise RpcMalformedReplyError("the endpoint has no newest block")
    return header


async def take_back(rpc: JsonRpc, events: EventLog) -> None:
    """Find the fork point and forget what events above it told; all of it where no block seen is left.

    Raises ChainBehindError where the blocks seen are still there as far as the chain reaches: the endpoint lags, and
    another one is asked from then on. Raises SourceMisconfiguredError where the chain has become another one by its id.
    """
    log = structlog.get_logger(__name__)
    head = await newest_block(rpc)
    newest = events.blocks.newest()
    if newest is None:
        return
    seen = events.blocks.descending(head.number)
    fork = await events.blocks.find_fork(rpc, head.number)
    if newest > head.number and (not seen or fork == seen[0][0]):
        behind = ChainBehindError(f"the endpoint is at block {head.number}, but block {newest} was seen before")
        rpc.turn_away(behind)
        raise behind
    if fork is None:
        # A provider may have turned to another chain: it tells its id first, or another endpoint answers.
        rpc.doubt()
        head = await newest_block(rpc)
        fork = await events.blocks.find_fork(rpc, head.number)
    if fork is None:
        log.warning("chain is another one, events forgotten", block=head.number)
        events.clear()
    elif fork < newest:
        log.warning("chain reorganised", fork=fork, blocks_seen_above=newest - fork, block=head.number)
        events.rollback(fork)
