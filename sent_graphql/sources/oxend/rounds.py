"""One look at oxend. Its answers carry no common height, so a round tells only whether all of them name one block."""

import asyncio

from msgspec import Struct

from sent_graphql.models.oxend import OxendView
from sent_graphql.sources.oxend.calls import OxendRpc
from sent_graphql.sources.oxend.recall import RoundRecall
from sent_graphql.sources.oxend.replies import (
    AccruedRewards,
    BlockHeader,
    Info,
    PendingEvents,
    RemovedEntry,
    ServiceNodes,
)
from sent_graphql.sources.oxend.views import oxend_view


class Round(Struct, frozen=True, kw_only=True):
    """The answers between two `get_info`."""

    first: Info
    header: BlockHeader
    nodes: ServiceNodes
    exit_list: tuple[RemovedEntry, ...]
    pending: PendingEvents
    accrued: AccruedRewards
    last: Info

    def is_of_one_block(self) -> bool:
        """Whether every answer that names a block names the same, so that none of the others can be of another."""
        hashes = {self.first.top_block_hash, self.last.top_block_hash, self.header.hash, self.nodes.block_hash}
        heights = {self.first.height, self.last.height, self.header.height + 1, self.nodes.height + 1}
        return len(hashes) == 1 and len(heights) == 1

    def view(self, block_seconds: int, recall: RoundRecall) -> OxendView:
        """What a round of one block says; `block_seconds` is the network's. Raises OxendMalformedReplyError.

        What it has in common with the round that `recall` goes on from is shared.
        """
        return oxend_view(
            self.last,
            self.header,
            self.nodes,
            self.exit_list,
            self.pending,
            self.accrued,
            block_seconds=block_seconds,
            recall=recall,
        )


async def ask_round(rpc: OxendRpc, first: Info) -> Round:
    """Asks everything that follows on the `get_info` that opens the round. Raises OxendError."""
    calls = (
        asyncio.ensure_future(rpc.get_last_block_header()),
        asyncio.ensure_future(rpc.get_service_nodes()),
        asyncio.ensure_future(rpc.get_exit_list()),
        asyncio.ensure_future(rpc.get_pending_events()),
        asyncio.ensure_future(rpc.get_accrued_rewards()),
    )
    try:
        header, nodes, exit_list, pending, accrued = await asyncio.gather(*calls)
    finally:
        for call in calls:
            call.cancel()
    return Round(
        first=first,
        header=header.block_header,
        nodes=nodes,
        exit_list=exit_list,
        pending=pending,
        accrued=accrued,
        last=await rpc.get_info(),
    )
