"""oxend's word of new blocks: the subscription, kept alive through expiry, restarts and reconnections."""

import asyncio
import random
from collections.abc import Callable
from typing import Final

import structlog

from sent_graphql.settings import OxendSettings
from sent_graphql.sources.oxend.errors import OxendError, OxendMalformedReplyError
from sent_graphql.sources.oxend.transport import OxendTransport

SUBSCRIBE: Final = "sub.block"
NOTIFICATION: Final = b"notify.block"

RETRY_MAX: Final = 60.0
"""Longest pause in seconds after a subscription that failed."""

_HASH_BYTES: Final = 32
_HEIGHT_DIGITS: Final = 20

BlockListener = Callable[[int, str], None]
"""Gets the height and hash (lower-case hex) of a new top block."""

InterruptionListener = Callable[[], None]


class BlockWatch:
    """Subscribes to new blocks and stays subscribed."""

    def __init__(
        self,
        transport: OxendTransport,
        settings: OxendSettings,
        *,
        on_block: BlockListener,
        on_interruption: InterruptionListener,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """`on_interruption` is called whenever blocks may have passed unseen: after every new subscription."""
        self._transport = transport
        self._settings = settings
        self._on_block = on_block
        self._on_interruption = on_interruption
        self._uniform = uniform
        self._log = structlog.get_logger()
        self._reconnected = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        transport.on_push(self._pushed)
        transport.on_connected(self._reconnected.set)

    def start(self) -> None:
        """Begins to watch; failures are logged and tried again, never raised."""
        if self._task is None:
            self._task = asyncio.create_task(self._stay_subscribed(), name="oxend block subscription")

    async def close(self) -> None:
        """Stops watching."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _stay_subscribed(self) -> None:
        failures = 0
        while True:
            self._reconnected.clear()
            try:
                is_new = await self._subscribe()
            except OxendError as error:
                self._log.warning("block subscription failed", reason=str(error))
                failures += 1
                pause = self._retry_pause(failures)
            else:
                failures = 0
                pause = self._settings.subscription_renewal
                if is_new:
                    self._on_interruption()
            await self._wait(pause)

    async def _subscribe(self) -> bool:
        """Subscribes or renews. True when oxend did not know of us: whatever it sent meanwhile did not come."""
        frames = await self._transport.request(SUBSCRIBE)
        if frames == [b"OK"]:
            self._log.debug("subscribed to blocks")
            return True
        if frames == [b"ALREADY"]:
            return False
        raise OxendMalformedReplyError(SUBSCRIBE, "OK or ALREADY is wanted")

    def _retry_pause(self, failures: int) -> float:
        longest = min(RETRY_MAX, self._settings.reconnect_initial * 2 ** min(failures, 32))
        return self._uniform(longest / 2, longest)

    async def _wait(self, seconds: float) -> None:
        """Until then, or until there is a new connection, which knows of no subscription."""
        try:
            async with asyncio.timeout(seconds):
                await self._reconnected.wait()
        except TimeoutError:
            return

    def _pushed(self, frames: list[bytes]) -> None:
        if frames[0] != NOTIFICATION:
            return
        if not _is_notification(frames):
            self._log.warning("block notification dropped: malformed", frames=len(frames))
            return
        self._on_block(int(frames[1]), frames[2].hex())


def _is_notification(frames: list[bytes]) -> bool:
    """Whether it is `[notify.block, height in decimal, 32 raw bytes]`."""
    return (
        len(frames) == 3 and frames[1].isdigit() and len(frames[1]) <= _HEIGHT_DIGITS and len(frames[2]) == _HASH_BYTES
    )
