"""Being told of new L2 blocks over a WebSocket, as a reason to read the contracts again.

A push carries no data, only the number of a block: what is missed while the connection is down is made good by the
next refresh, which a new connection asks for at once.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from eth_utils.address import to_checksum_address
from pydantic import SecretStr
from web3 import AsyncWeb3
from web3.exceptions import Web3Exception
from web3.utils.subscriptions import EthSubscription, LogsSubscription, NewHeadsSubscription
from websockets.exceptions import WebSocketException

from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.transports import QuietWebSocketProvider, connection_fault, public_name

MAX_PUSH_BYTES: Final = 1 << 20
"""Largest message taken from the pushing side: a head is about 1 kB, a log little more."""

PAUSE_MAX: Final = 60.0
"""Seconds: the longest pause between two connections."""


class HeadPush:
    """Calls `on_head` with the newest block number it is told of; `run` it as a task, cancel it to stop."""

    def __init__(
        self,
        url: SecretStr,
        on_head: Callable[[int], None],
        settings: ContractsSettings,
        *,
        chain_id: int,
        random: random.Random,
        addresses: Sequence[str] = (),
    ) -> None:
        """`url`: ws:// or wss://. With `addresses`, logs of these contracts call `on_head` too, with their block.

        `on_head` is called on the event loop and must not block.
        """
        self.connected = False
        self._heard = False
        """Whether this connection has pushed anything; one that never does is no success."""
        self._url = url
        self._name = public_name(url.get_secret_value())
        self._on_head = on_head
        self._settings = settings
        self._chain_id = chain_id
        self._random = random
        self._addresses = [to_checksum_address(address) for address in addresses]
        self._log = structlog.get_logger(__name__).bind(endpoint=self._name)

    async def run(self) -> None:
        """Stay connected for ever; only cancelling ends it."""
        failures = 0
        while True:
            fault = await self._listen()
            failures = 1 if self._heard else failures + 1
            self.connected = self._heard = False
            pause = min(PAUSE_MAX, self._settings.retry_initial * 2.0 ** min(failures - 1, 32))
            pause *= self._random.uniform(0.5, 1.0)
            report = self._log.warning if failures == 1 else self._log.debug
            report("push connection lost", error=fault, failures=failures, pause=round(pause, 2))
            await asyncio.sleep(pause)

    async def _listen(self) -> str:
        """One connection from opening to its end; returns why it ended."""
        provider = QuietWebSocketProvider(
            self._url.get_secret_value(), timeout=self._settings.request_timeout, max_bytes=MAX_PUSH_BYTES
        )
        try:
            async with AsyncWeb3(provider, middleware=[]) as w3:
                found = await w3.eth.chain_id
                if found != self._chain_id:
                    return f"it serves chain {found}, but chain {self._chain_id} is wanted"
                await w3.subscription_manager.subscribe(self._subscriptions())
                self.connected = True
                self._log.info("push connected")
                self._on_head(await w3.eth.block_number)
                await w3.subscription_manager.handle_subscriptions(run_forever=True)
        except TimeoutError:
            return "no answer in time"
        except (WebSocketException, OSError) as error:
            return connection_fault(error)
        except (Web3Exception, ValueError) as error:
            cause = error.__cause__
            return connection_fault(cause) if isinstance(cause, Exception) else f"{type(error).__name__}"
        return "closed by the endpoint"

    def _subscriptions(self) -> list[EthSubscription[Any]]:
        subscriptions: list[EthSubscription[Any]] = [NewHeadsSubscription(label="heads", handler=self._take_head)]
        if self._addresses:
            subscriptions.append(LogsSubscription(label="logs", address=self._addresses, handler=self._take_log))
        return subscriptions

    async def _take_head(self, context: Any) -> None:  # noqa: ANN401 - web3's context has no type of its own
        self._take_number(context.result.get("number"))

    async def _take_log(self, context: Any) -> None:  # noqa: ANN401 - see above
        self._take_number(context.result.get("blockNumber"))

    def _take_number(self, number: object) -> None:
        self._heard = True
        if isinstance(number, int):
            self._on_head(number)
        else:
            self._log.warning("push without a block number")
