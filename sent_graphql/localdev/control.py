"""Commands with which a test moves the simulated oxend step by step. Only served when asked for."""

from collections.abc import Awaitable, Callable

from sent_graphql.localdev.ledger_events import Decommission, Deregister, Recommission
from sent_graphql.localdev.omq_server import Handler, Reply
from sent_graphql.localdev.oxend_rpc import OxendRpc
from sent_graphql.localdev.simulator import Simulator

_UPTIME = 1


class Control:
    """`sim.*`: the body is one plain word; the answer is 200 with the top block's height, or 400 with the
    complaint.

    A verdict (decommission, recommission, deregister) comes into force with the next block.
    """

    def __init__(self, rpc: OxendRpc) -> None:
        self._rpc = rpc
        self._simulator: Simulator | None = None

    def attach(self, simulator: Simulator) -> None:
        """Says what is controlled; the simulator needs the handlers first."""
        self._simulator = simulator

    def handlers(self) -> dict[str, Handler]:
        """The commands by name."""
        return {
            "sim.mine": self._answering(self._mine),
            "sim.pause": self._answering(self._pause),
            "sim.resume": self._answering(self._resume),
            "sim.busy": self._answering(self._busy),
            "sim.reorg": self._answering(self._reorganise),
            "sim.decommission": self._answering(self._decommission),
            "sim.recommission": self._answering(self._recommission),
            "sim.deregister": self._answering(self._deregister),
        }

    async def _mine(self, word: str) -> None:
        """`sim.mine [COUNT]`: so many blocks at once, without weather."""
        for _ in range(int(word or "1")):
            await self._controlled.mine()

    async def _pause(self, _word: str) -> None:
        self._controlled.paused = True

    async def _resume(self, _word: str) -> None:
        self._controlled.paused = False

    async def _busy(self, word: str) -> None:
        """`sim.busy on|off`: answers as a daemon that is not synced."""
        if word not in ("on", "off"):
            raise ValueError("on or off is wanted")
        self._rpc.busy = word == "on"

    async def _reorganise(self, word: str) -> None:
        """`sim.reorg COUNT`"""
        await self._controlled.reorganise(int(word))

    async def _decommission(self, word: str) -> None:
        self._controlled.judge(Decommission(word, _UPTIME, _UPTIME))

    async def _recommission(self, word: str) -> None:
        self._controlled.judge(Recommission(word))

    async def _deregister(self, word: str) -> None:
        self._controlled.judge(Deregister(word))

    @property
    def _controlled(self) -> Simulator:
        assert self._simulator is not None
        return self._simulator

    def _answering(self, command: Callable[[str], Awaitable[None]]) -> Handler:
        async def handler(body: bytes | None) -> Reply:
            try:
                await command((body or b"").decode().strip())
                return b"200", str(self._controlled.height).encode()
            except ValueError as error:
                return b"400", str(error).encode()

        return handler
