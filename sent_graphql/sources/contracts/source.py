"""The contracts source: what the rewards contract, the pool and the contribution contracts say, as one view."""

import asyncio
from collections.abc import Callable, Collection, Mapping

import structlog
from msgspec import structs

from sent_graphql.models.contracts import ContractsView, ScanProgress
from sent_graphql.settings import ContractsSettings, NetworkSettings
from sent_graphql.sources.contracts.addresses import contract_addresses
from sent_graphql.sources.contracts.calls import BlockReader
from sent_graphql.sources.contracts.deployment import code_request, has_code
from sent_graphql.sources.contracts.event_log import EventLog
from sent_graphql.sources.contracts.event_range import RangeReader
from sent_graphql.sources.contracts.indexer import EventIndexer
from sent_graphql.sources.contracts.refresh import Refresh
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.database.events import EventStore
from sent_graphql.sources.errors import SourceMisconfiguredError
from sent_graphql.tallies import Tally


class ContractsSource:
    """Reads the contracts: `fetch` for a view, `scan` in the background for what only past events know.

    Every event goes into `store`: at the head of the chain before `fetch` returns the view that shows it.
    """

    def __init__(
        self,
        settings: ContractsSettings,
        network: NetworkSettings,
        rpc: JsonRpc,
        reader: BlockReader,
        store: EventStore,
    ) -> None:
        """Raises SourceMisconfiguredError without a rewards contract's address. `rpc` is the caller's to close."""
        self._addresses = contract_addresses(settings)
        self._chain_id = network.chain_id
        self._rpc = rpc
        self._events = EventLog(settings.reorg_depth)
        self._refresh = Refresh(
            chain_id=network.chain_id,
            addresses=self._addresses,
            settings=settings,
            rpc=rpc,
            reader=reader,
            events=self._events,
        )
        self._indexer = EventIndexer(
            addresses=self._addresses,
            settings=settings,
            rpc=rpc,
            events=self._events,
            reader=RangeReader(
                addresses=self._addresses, settings=settings, rpc=rpc, reader=reader, events=self._events
            ),
            store=store,
        )
        self._contacted = False
        self._fetching = asyncio.Lock()
        self._log = structlog.get_logger(__name__)

    @property
    def progress(self) -> ScanProgress:
        """How far the scan of past events has come, and why it does not go on if it does not."""
        gap = self._events.gap
        return structs.replace(self._events.progress, error=self._indexer.error or (str(gap) if gap else None))

    @property
    def stages(self) -> Mapping[str, Tally]:
        """What the stages of refreshes took so far, by their names."""
        return self._refresh.stages

    async def start(self) -> None:
        """Take up what the last run knew of past events. The chain is first asked by `fetch`."""
        await self._indexer.restore()

    async def close(self) -> None:
        """Nothing is left to do: all that is known is in the database."""

    async def fetch(self, previous: ContractsView | None, wallets: Collection[str]) -> ContractsView:
        """One refresh: the view at the newest block, sharing with `previous` what has not changed.

        `wallets`: canonical addresses whose rewards are wanted besides those of stakers, beneficiaries and events.
        Raises SourceMisconfiguredError for a definite wrong answer (another chain, no contract at an address), and
        another SourceError where the chain does not tell.
        """
        async with self._fetching:
            await self._contact()
            made = await self._refresh.run(previous, wallets)
            await self._indexer.follow(made.tail)
            self._indexer.wake()
            return made.view

    async def scan(self, on_progress: Callable[[], None]) -> None:
        """Read past events in the background, until cancelled.

        Returns only where waiting would not help (see `progress`). It begins after the first `fetch`. `on_progress`
        is called after each step: the next `fetch` shows what it found.
        """
        await self._indexer.run(on_progress)

    async def _contact(self) -> None:
        """Check once that there is a contract at every configured address."""
        if self._contacted:
            return
        settings = {
            "contracts.service_node_rewards": self._addresses.service_node_rewards,
            "contracts.contribution_factory": self._addresses.contribution_factory,
            "contracts.reward_rate_pool": self._addresses.reward_rate_pool,
            "contracts.token": self._addresses.token,
        }
        given = {name: address for name, address in settings.items() if address is not None}
        replies = await self._rpc.batch([code_request(address, None) for address in given.values()])
        for (name, address), reply in zip(given.items(), replies, strict=True):
            if not has_code(reply):
                raise SourceMisconfiguredError(f"{name}: there is no contract at {address} on chain {self._chain_id}")
        self._contacted = True
        self._log.info(
            "contracts found", chain_id=self._chain_id, **{name.split(".")[1]: a for name, a in given.items()}
        )
