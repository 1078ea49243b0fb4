"""Which blocks the chain has, as far as they were heard of: what tells a step back from another branch.

oxend announces every block that it adds, also those that take the place of others, and a header names its parent. What
is known of the accepted chain goes with the view, so that it outlives a restart.
"""

from typing import Final

from sent_graphql.models.oxend import OxendView
from sent_graphql.sources.oxend.replies import BlockHeader

BLOCKS_KEPT: Final = 120
"""Newest blocks whose hashes are remembered; reorganisations reach half as deep."""


class Branch:
    """Gathers blocks between two views."""

    def __init__(self) -> None:
        self._announced: dict[int, str] = {}

    def announced(self, height: int, block_hash: str) -> None:
        """oxend has added this block: what it had at this height and above is gone."""
        self._announced = {known: text for known, text in self._announced.items() if known < height}
        self._announced[height] = block_hash
        if len(self._announced) > BLOCKS_KEPT:
            del self._announced[min(self._announced)]

    def up_to(self, top: BlockHeader, previous: OxendView | None) -> dict[int, str]:
        """Known hashes by height of the chain that ends with `top`, after the view `previous`."""
        before = {} if previous is None else {**previous.branch, previous.block_height: previous.block_hash}
        announced = {height: text for height, text in self._announced.items() if height < top.height}
        self._announced = {height: text for height, text in self._announced.items() if height > top.height}
        sure = {**announced, top.height: top.hash.lower()}
        # Blocks known from before stay only below the first one that has been replaced.
        replaced = [height for height, text in before.items() if sure.get(height, text) != text or height > top.height]
        kept = {height: text for height, text in before.items() if height < min(replaced, default=top.height + 1)}
        chain = kept | sure
        if top.prev_hash is not None:
            chain.setdefault(top.height - 1, top.prev_hash.lower())
        return dict(sorted(chain.items())[-BLOCKS_KEPT:])
