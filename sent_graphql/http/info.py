"""`/info`: the network in the shape that clients of the earlier REST service read.

That service changed its keys once and clients read either set, so both are sent.
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from sent_graphql.http.replies import json_reply, refusal
from sent_graphql.http.snapshots import SnapshotReader
from sent_graphql.models.network import Network

RETRY_SECONDS = 5
"""How long a client is asked to wait for the first snapshot."""


class Info:
    """The endpoint. `clock` gives unix seconds."""

    def __init__(self, snapshots: SnapshotReader, *, clock: Callable[[], float]) -> None:
        self._snapshots = snapshots
        self._clock = clock

    async def __call__(self, _request: Request) -> Response:
        """`{"network": …, "t": now}`; 503 before the first snapshot."""
        state = (await self._snapshots.current()).state
        if state is None:
            return refusal(503, "The network has not been read yet.", {"retry-after": str(RETRY_SECONDS)})
        return json_reply({"network": network_summary(state.network), "t": self._clock()})


def network_summary(network: Network) -> dict[str, int | str]:
    """The network's keys, old and new. Amounts are whole atomic units, `block_timestamp` is unix seconds.

    `height` is the chain's height (the number of blocks), `block_height` that of the top block.
    """
    return {
        "block_hash": network.block_hash,
        "block_height": network.block_height,
        "block_timestamp": int(network.block_timestamp.timestamp()),
        "hard_fork": network.hard_fork,
        "height": network.block_height + 1,
        "max_stakers": network.max_contributors,
        "min_operator_contribution": network.min_operator_contribution,
        "min_operator_stake": network.min_operator_contribution,
        "nettype": network.net_type.value,
        "staking_requirement": network.staking_requirement,
        "top_block_hash": network.block_hash,
        "version": network.version,
    }
