"""One look at oxend. Its answers carry no common height, so a round tells only whether all of them name one block."""

import asyncio

from msgspec import Struct

from sent_graphql.models.oxend import OxendView
from sent_graphql.sources.oxend.calls import OxendRpc
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

    def view(self, block_seconds: int) -> OxendView:
        """What a round of one block says; `block_seconds` is the network's. Raises OxendMalformedReplyError."""
        return oxend_view(
            self.last,
            self.header,
            self.nodes,
            self.exit_list,
            self.pending,
            self.accrued,
            block_seconds=block_seconds,
        )


async def ask_round(rpc: OxendRpc, first: Info) -> Round:
    """Asks everything that follows on the `get_info` that opens the round. Raises OxendError."""
    try:
        async with asyncio.TaskGroup() as group:
            header = group.create_task(rpc.get_last_block_header())
            nodes = group.create_task(rpc.get_service_nodes())
            exit_list = group.create_task(rpc.get_exit_list())
            pending = group.create_task(rpc.get_pending_events())
            accrued = group.create_task(rpc.get_accrued_rewards())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return Round(
        first=first,
        header=header.result().block_header,
        nodes=nodes.result(),
        exit_list=exit_list.result(),
        pending=pending.result(),
        accrued=accrued.result(),
        last=await rpc.get_info(),
    )
