"""oxend as a source: views of one block each, and word of new blocks."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from msgspec.structs import replace

from sent_graphql.models.oxend import OxendView
from sent_graphql.settings import NetworkSettings, OxendSettings
from sent_graphql.sources.oxend.acceptance import Acceptance
from sent_graphql.sources.oxend.block_watch import BlockListener, BlockWatch, InterruptionListener
from sent_graphql.sources.oxend.branch import Branch
from sent_graphql.sources.oxend.calls import OxendRpc
from sent_graphql.sources.oxend.errors import OxendNotReadyError
from sent_graphql.sources.oxend.recall import RoundRecall
from sent_graphql.sources.oxend.rounds import Round, ask_round
from sent_graphql.sources.oxend.transport import OxendTransport

ROUND_PAUSE: Final = 0.1
"""Seconds after a round that straddled a block, doubled each time: oxend takes in a block step by step."""


class OxendSource:
    """Owns its transport: starts and closes it."""

    def __init__(
        self,
        settings: OxendSettings,
        network: NetworkSettings,
        transport: OxendTransport,
        *,
        on_block: BlockListener | None = None,
        on_interruption: InterruptionListener | None = None,
    ) -> None:
        """`on_block` hears of every new block; `on_interruption` that some may have passed unseen (ask again)."""
        self._settings = settings
        self._transport = transport
        self._rpc = OxendRpc(transport)
        self._block_seconds = network.block_seconds
        self._acceptance = Acceptance(network)
        self._branch = Branch()
        self._recall = RoundRecall()
        self._log = structlog.get_logger()
        self._block_listeners = [on_block] if on_block else []
        self._interruption_listeners = [on_interruption] if on_interruption else []
        self._watch = BlockWatch(transport, settings, on_block=self._new_block, on_interruption=self._interrupted)

    def on_block(self, listener: BlockListener) -> None:
        """Has `listener` called with height and hash of every new top block."""
        self._block_listeners.append(listener)

    def on_interruption(self, listener: Callable[[], None]) -> None:
        """Has `listener` called when blocks may have passed unseen."""
        self._interruption_listeners.append(listener)

    async def start(self) -> None:
        """Begins to connect and to watch for blocks; an oxend that is not there is no error."""
        await self._transport.start()
        self._watch.start()

    async def close(self) -> None:
        """Ends everything."""
        await self._watch.close()
        await self._transport.close()

    async def fetch(self, previous: OxendView | None) -> OxendView:
        """What oxend says now; `previous` is the last view that was taken from it.

        Raises OxendError when it says nothing or nothing that is data, SourceMisconfiguredError when it serves
        another network.
        """
        answers = await self._settled_round(previous)
        recall = RoundRecall(self._recall)
        view = await asyncio.to_thread(answers.view, self._block_seconds, recall)
        self._recall = recall
        if previous is not None:
            view = shared(previous, view)
        return replace(view, branch=self._branch.up_to(answers.header, previous))

    async def _settled_round(self, previous: OxendView | None) -> Round:
        """A round whose answers all belong to one block; repeated, within bounds, while they do not."""
        for attempt in range(self._settings.round_attempts):
            if attempt > 0:
                await asyncio.sleep(ROUND_PAUSE * 2 ** (attempt - 1))
            info = await self._rpc.get_info()
            self._acceptance.check_info(info, previous)
            answers = await ask_round(self._rpc, info)
            self._acceptance.check_nodes(answers.nodes, previous)
            if answers.is_of_one_block():
                return answers
            self._log.debug("round straddled a block", attempt=attempt + 1, height=answers.last.height)
        raise OxendNotReadyError(
            f"oxend's answers belonged to different blocks {self._settings.round_attempts} times in a row"
        )

    def _new_block(self, height: int, block_hash: str) -> None:
        self._branch.announced(height, block_hash)
        for listener in self._block_listeners:
            listener(height, block_hash)

    def _interrupted(self) -> None:
        for listener in self._interruption_listeners:
            listener()


def shared(old: OxendView, new: OxendView) -> OxendView:
    """`new`, with those large parts of `old` that are equal in their place."""
    return replace(
        new,
        nodes=old.nodes if old.nodes == new.nodes else new.nodes,
        accrued=old.accrued if old.accrued == new.accrued else new.accrued,
    )
