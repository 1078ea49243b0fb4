"""All that events have told so far, by the block that told it, so that a reorganisation can take it back.

Two feed it: the scan of past blocks, which moves up from the deployment block, and the refreshes, which bring the
tail: the blocks since the first refresh. Where both meet, the scan is complete and follows the tail.
"""

from collections.abc import Iterable

import structlog
from msgspec import Struct, field, structs

from sent_graphql.models.contracts import NodeRegistration, ScanProgress
from sent_graphql.sources.contracts.blocks import KnownBlocks
from sent_graphql.sources.contracts.events import (
    ContractCreated,
    Exited,
    Finalized,
    PastEvent,
    Registered,
    WalletCredited,
)


class Facts(Struct):
    """What events told; applying an event twice changes nothing."""

    registered: dict[int, Registered] = field(default_factory=dict)
    """By contract id."""
    exited: dict[int, Exited] = field(default_factory=dict)
    """By contract id."""
    wallets: dict[str, int] = field(default_factory=dict)
    """First block that names the wallet."""
    created: dict[str, ContractCreated] = field(default_factory=dict)
    """By the contribution contract's address."""
    finalized: dict[str, Finalized] = field(default_factory=dict)
    """By transaction."""

    def apply(self, event: PastEvent) -> None:
        """Take in one event."""
        match event:
            case Registered():
                self.registered[event.registration.contract_id] = event
            case Exited():
                self.exited[event.contract_id] = event
            case WalletCredited():
                self.wallets[event.wallet] = min(event.block, self.wallets.get(event.wallet, event.block))
            case ContractCreated():
                self.created[event.address] = event
            case Finalized():
                self.finalized[event.transaction] = event

    def up_to(self, block: int) -> "Facts":
        """The facts told up to `block`."""
        return Facts(
            registered={key: event for key, event in self.registered.items() if event.block <= block},
            exited={key: event for key, event in self.exited.items() if event.block <= block},
            wallets={wallet: first for wallet, first in self.wallets.items() if first <= block},
            created={key: event for key, event in self.created.items() if event.block <= block},
            finalized={key: event for key, event in self.finalized.items() if event.block <= block},
        )


class ScanState(Struct):
    """What a restart goes on from: the scan up to `scanned_to` (below `from_block` while nothing is scanned)."""

    from_block: int
    scanned_to: int
    hashes: dict[int, str]
    facts: Facts


class EventLog:
    """The facts, the ranges they come from and the hashes of the blocks they rest on."""

    def __init__(self, reorg_depth: int) -> None:
        self.blocks = KnownBlocks(reorg_depth)
        self.rollbacks = 0
        """Grows with each rollback: what was asked before one is not applied after it."""
        self.changes = 0
        """Grows with each change of facts or of the scanned range."""
        self._facts = Facts()
        self._from_block: int | None = None
        self._scanned_to: int | None = None
        self._tail_from: int | None = None
        self._tail_to: int | None = None
        self._registrations: dict[int, NodeRegistration] = {}
        self._exited_ids: frozenset[int] = frozenset()
        self._contracts: dict[str, int] = {}
        self._derived_at = 0
        self._log = structlog.get_logger(__name__)

    @property
    def from_block(self) -> int | None:
        """The deployment block, once known."""
        return self._from_block

    @property
    def scanned_to(self) -> int | None:
        """Last block of the scanned range; one below `from_block` before the first step."""
        return self._scanned_to

    @property
    def tail_to(self) -> int | None:
        """Last block that refreshes have brought in without a gap."""
        return self._tail_to

    @property
    def target(self) -> int | None:
        """The block up to which past events are to be scanned; None before the first refresh."""
        return None if self._tail_from is None else self._tail_from - 1

    @property
    def complete(self) -> bool:
        """Whether every block from the deployment to the last refresh has been scanned."""
        return self._scanned_to is not None and self.target is not None and self._scanned_to >= self.target

    @property
    def progress(self) -> ScanProgress:
        """How far the scan has come."""
        return ScanProgress(
            from_block=self._from_block, scanned_to=self._scanned_to, target=self.target, complete=self.complete
        )

    @property
    def registrations(self) -> dict[int, NodeRegistration]:
        """Registrations by contract id, ascending; the same object as long as nothing changed."""
        self._derive()
        return self._registrations

    @property
    def exited_ids(self) -> frozenset[int]:
        """Contract ids that have left."""
        self._derive()
        return self._exited_ids

    @property
    def contracts(self) -> dict[str, int]:
        """Block of creation by contribution contract, in the order of creation."""
        self._derive()
        return self._contracts

    @property
    def wallets(self) -> Iterable[str]:
        """Wallets that have been credited or have claimed."""
        return self._facts.wallets.keys()

    def unlinked(self, first: int, last: int) -> list[int]:
        """Blocks in that range with a registration that no contribution contract is known to have made."""
        return sorted(
            registration.block_number
            for registration in self.registrations.values()
            if registration.contribution_contract is None and first <= registration.block_number <= last
        )

    def begin(self, from_block: int, block_hash: str) -> None:
        """Set the deployment block; its hash tells this chain from another for good."""
        self._from_block = from_block
        self._scanned_to = from_block - 1
        self.blocks.add(from_block, block_hash)
        self.changes += 1

    def apply_scanned(self, last: int, block_hash: str, events: Iterable[PastEvent]) -> None:
        """Take in the scan's next range, which ends with block `last`."""
        self._apply(events)
        self._scanned_to = last
        self.blocks.add(last, block_hash)
        self._meet()

    def apply_tail(self, first: int, last: int, block_hash: str, events: Iterable[PastEvent]) -> None:
        """Take in what a refresh at block `last` brought of the blocks from `first` on (none if first > last)."""
        self._apply(events)
        if self._tail_to is None or first > self._tail_to + 1:
            self._tail_from = first
        self._tail_to = last
        self.blocks.add(last, block_hash)
        self._meet()

    def apply_found(self, events: Iterable[PastEvent]) -> None:
        """Take in events of blocks already covered."""
        self._apply(events)

    def rollback(self, fork: int) -> None:
        """Forget everything above block `fork`."""
        self.rollbacks += 1
        self.changes += 1
        self.blocks.rollback(fork)
        self._facts = self._facts.up_to(fork)
        if self._from_block is not None and fork < self._from_block:
            self._from_block = self._scanned_to = None
        if self._scanned_to is not None:
            self._scanned_to = min(self._scanned_to, fork)
        if self._tail_to is not None and self._tail_from is not None:
            self._tail_to = min(self._tail_to, fork)
            self._tail_from = min(self._tail_from, fork + 1)

    def clear(self) -> None:
        """Forget everything: the chain is another one."""
        self.rollback(-1)
        self._tail_from = self._tail_to = None

    def state(self) -> ScanState | None:
        """What to keep for a restart; None before the deployment block is known."""
        if self._from_block is None or self._scanned_to is None:
            return None
        return ScanState(
            from_block=self._from_block,
            scanned_to=self._scanned_to,
            hashes={
                number: text
                for number, text in self.blocks.items()
                if number <= max(self._scanned_to, self._from_block)
            },
            facts=self._facts.up_to(self._scanned_to),
        )

    def restore(self, state: ScanState) -> None:
        """Go on from a kept state; only before anything else has been taken in."""
        self._from_block, self._scanned_to, self._facts = state.from_block, state.scanned_to, state.facts
        for number, block_hash in state.hashes.items():
            self.blocks.add(number, block_hash)
        self.changes += 1

    def _apply(self, events: Iterable[PastEvent]) -> None:
        for event in events:
            self._facts.apply(event)
            self.changes += 1

    def _meet(self) -> None:
        """Where the scan has reached the tail it follows it; old hashes are let go."""
        if self.complete and self._tail_to is not None:
            assert self._scanned_to is not None
            self._scanned_to = max(self._scanned_to, self._tail_to)
            self._tail_from = self._scanned_to + 1
        self.blocks.prune((self._from_block, self._scanned_to))

    def _derive(self) -> None:
        if self._derived_at == self.changes:
            return
        self._derived_at = self.changes
        facts = self._facts
        created = sorted(facts.created.values(), key=lambda event: (event.block, event.index))
        contracts = {event.address: event.block for event in created}
        if list(contracts.items()) != list(self._contracts.items()):
            self._contracts = contracts
        registrations = {
            contract_id: self._linked(facts.registered[contract_id]) for contract_id in sorted(facts.registered)
        }
        if registrations != self._registrations:
            self._registrations = registrations
        exited_ids = frozenset(facts.exited)
        if exited_ids != self._exited_ids:
            self._exited_ids = exited_ids

    def _linked(self, event: Registered) -> NodeRegistration:
        """The registration with the contribution contract that made it.

        The caller, where that is a contribution contract; the older generation names the operator instead, and a
        contribution contract's Finalized in the same transaction tells.
        """
        registration = event.registration
        contract = event.initiator if event.initiator in self._contracts else None
        finalized = self._facts.finalized.get(event.transaction)
        if contract is None and finalized is not None and finalized.address in self._contracts:
            contract = finalized.address
        linked = structs.replace(registration, contribution_contract=contract)
        known = self._registrations.get(registration.contract_id)
        return known if known == linked else linked
