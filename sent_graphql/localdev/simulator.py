"""The simulated oxend: mines a block every few seconds, follows the L2 and answers over OxenMQ."""

import asyncio
import time
from collections.abc import Callable, Mapping

import aiohttp
import structlog

from sent_graphql.localdev.chain import ChainError
from sent_graphql.localdev.l2_follower import L2Follower
from sent_graphql.localdev.ledger import Ledger
from sent_graphql.localdev.ledger_events import Verdict
from sent_graphql.localdev.ledger_state import LedgerState
from sent_graphql.localdev.omq_server import Handler, OmqServer
from sent_graphql.localdev.weather import Weather


class Simulator:
    """Moves the ledger. `weather` None: no node falls or rises but by `judge`."""

    def __init__(
        self,
        ledger: Ledger,
        follower: L2Follower,
        *,
        weather: Weather | None,
        endpoint: str,
        handlers: Mapping[str, Handler],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._follower = follower
        self._weather = weather
        self._server = OmqServer(endpoint, handlers)
        self._clock = clock
        self._verdicts: list[Verdict] = []
        self._mining = asyncio.Lock()
        self._log = structlog.get_logger()
        self.paused = False

    @property
    def height(self) -> int:
        """Of the top block."""
        return self._ledger.top.height

    async def start(self) -> None:
        """Begins to answer. Raises zmq.ZMQError when the endpoint cannot be had."""
        await self._server.start()

    async def close(self) -> None:
        """Stops answering."""
        await self._server.close()

    async def run(self, block_seconds: float) -> None:
        """Mines until it is cancelled."""
        while True:
            await asyncio.sleep(block_seconds)
            if not self.paused:
                await self.mine(with_weather=True)

    async def mine(self, *, with_weather: bool = False) -> LedgerState:
        """Adds a block now, with what the L2 and the quorums have brought, and tells the subscribers."""
        async with self._mining:
            await self._read_l2()
            verdicts, self._verdicts = self._verdicts, []
            if with_weather and self._weather is not None:
                verdicts.extend(self._weather.verdicts(self._ledger.top))
            timestamp = max(int(self._clock()), self._ledger.top.block.timestamp)
            state = self._ledger.advance(timestamp, self._follower.height, verdicts)
            await self._announce(state)
            return state

    async def reorganise(self, depth: int) -> LedgerState:
        """Replaces the last blocks by another branch and tells the subscribers of each new block."""
        async with self._mining:
            for state in self._ledger.reorganise(depth):
                await self._announce(state)
            return self._ledger.top

    def judge(self, verdict: Verdict) -> None:
        """A verdict for the next block."""
        self._verdicts.append(verdict)

    async def _read_l2(self) -> None:
        try:
            self._ledger.observe(await self._follower.poll())
        except (ChainError, aiohttp.ClientError, OSError) as error:
            # oxend goes on without its L2 provider too, and catches up when it is back
            self._log.warning("L2 not read", reason=type(error).__name__)

    async def _announce(self, state: LedgerState) -> None:
        await self._server.push_block(state.height, bytes.fromhex(state.block.hash))
