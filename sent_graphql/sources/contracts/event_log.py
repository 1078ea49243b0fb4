"""All that events have told so far, and how far that goes: in memory for the views, in the database for the history.

Two feed it: the indexer, which reads past blocks from the deployment block on, and the refreshes, which bring the tail:
the blocks since the last view. A range that has been reached follows the tail from then on.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct, structs

from sent_graphql.models.contracts import NodeExit, NodeRegistration, ScanProgress
from sent_graphql.models.history import StakingEvent
from sent_graphql.sources.contracts.blocks import KnownBlocks
from sent_graphql.sources.contracts.facts import Facts
from sent_graphql.sources.contracts.gaps import Gap, find_gap


class EventRange(Struct, frozen=True, kw_only=True):
    """The events of the blocks `first` to `last` (of none if first > last)."""

    first: int
    last: int
    hashes: Mapping[int, str]
    """Of the last block, and of others that are worth remembering."""
    events: Sequence[StakingEvent]
    """In the order of the chain."""
    seeds: Sequence[NodeRegistration]
    """What the contract held of the seeded nodes among them."""
    whole: bool = True
    """False where contribution contracts may have been left out: not all that exist were known."""


class EventLog:
    """The facts, the ranges they come from and the hashes of the blocks they rest on."""

    def __init__(self, reorg_depth: int) -> None:
        self.blocks = KnownBlocks(reorg_depth)
        self.rollbacks = 0
        """Grows with each rollback: what was asked before one is not applied after it."""
        self.stored_to: int | None = None
        """Last block whose events are in the database as well, without a gap; None while that is not known."""
        self.gap: Gap | None = None
        """What the contract held at the last check and no event had told."""
        self._sound_to = -1
        self._sound_by: tuple[int, int] | None = None
        self._sound_nodes: Collection[int] = ()
        """By what, and with which nodes, nothing was missing last: the same tell the same again."""
        self._changes = 0
        self._facts = Facts()
        self._from_block: int | None = None
        self._scanned_to: int | None = None
        self._target: int | None = None
        self._registrations: dict[int, NodeRegistration] = {}
        self._exits: dict[int, NodeExit] = {}
        self._contracts: dict[str, int] = {}
        self._derived_at = 0

    @property
    def from_block(self) -> int | None:
        """The deployment block, once known."""
        return self._from_block

    @property
    def scanned_to(self) -> int | None:
        """Last block up to which the facts are whole; one below `from_block` before the first step."""
        return self._scanned_to

    @property
    def target(self) -> int | None:
        """The newest block that a refresh has read; None before the first one."""
        return self._target

    @property
    def complete(self) -> bool:
        """Whether every block from the deployment to the last refresh has been read, and nothing is known to miss."""
        return self.gap is None and self._target is not None and self.knows_up_to(self._target)

    @property
    def progress(self) -> ScanProgress:
        """How far the facts go."""
        return ScanProgress(
            from_block=self._from_block, scanned_to=self._scanned_to, target=self._target, complete=self.complete
        )

    @property
    def registrations(self) -> dict[int, NodeRegistration]:
        """Registrations by contract id, ascending; the same object as long as nothing changed."""
        self._derive()
        return self._registrations

    @property
    def exits(self) -> dict[int, NodeExit]:
        """How nodes ended, by contract id, ascending; the same object as long as nothing changed."""
        self._derive()
        return self._exits

    @property
    def contracts(self) -> dict[str, int]:
        """Block of creation by contribution contract, in the order of creation."""
        self._derive()
        return self._contracts

    @property
    def wallets(self) -> Iterable[str]:
        """Wallets that have been credited or have claimed."""
        return self._facts.wallets.keys()

    def begin(self, from_block: int, block_hash: str) -> None:
        """Set the deployment block; its hash tells this chain from another for good."""
        self._from_block = from_block
        self._scanned_to = from_block - 1
        self.blocks.add(from_block, block_hash)

    def apply(self, told: EventRange) -> EventRange:
        """Take in a range; returned with what only other events tell of its own (see Facts.placed)."""
        self.restore(told.events, told.seeds)
        for number, block_hash in told.hashes.items():
            self.blocks.add(number, block_hash)
        if told.whole and self.knows_up_to(told.first - 1) and self._scanned_to is not None:
            self._scanned_to = max(self._scanned_to, told.last)
        self.prune()
        return structs.replace(told, events=[self._facts.placed(event) for event in told.events])

    def knows_up_to(self, block: int) -> bool:
        """Whether all events up to that block are known, and so all contribution contracts that exist by then."""
        return self._scanned_to is not None and self._scanned_to >= block

    def apply_tail(self, told: EventRange) -> EventRange:
        """Take in what a refresh at block `told.last` brought, as `apply` does."""
        self._target = told.last
        return self.apply(told)

    def check(self, next_id: int, held: Collection[int]) -> None:
        """Compare what events told with the contract's nodes and next id at the last refresh's block: see `gap`."""
        if self._target is None or self._from_block is None or not self.knows_up_to(self._target):
            return
        told = (next_id, self._changes)
        if self.gap is None and self._sound_nodes is held and self._sound_by == told:
            self._sound_to = self._target
            return
        gap = find_gap(
            next_id,
            held,
            self._facts.registered_at(),
            self._facts.exited,
            first=max(self._from_block, self._sound_to + 1),
            last=self._target,
        )
        if gap is None:
            self._sound_to = self._target
            self._sound_by, self._sound_nodes = told, held
        if gap is None or not gap.is_of(self.gap):
            self.gap = gap

    def restore(self, events: Iterable[StakingEvent], seeds: Iterable[NodeRegistration] = ()) -> None:
        """Take in facts of blocks already covered."""
        for event in events:
            self._facts.apply(event)
            self._changes += 1
        for seed in seeds:
            self._facts.seeds[seed.contract_id] = seed
            self._changes += 1

    def restore_wallets(self, wallets: Iterable[tuple[str, int]]) -> None:
        """Take in wallets, each with the first block that names it."""
        for wallet, block in wallets:
            self._facts.name_wallet(wallet, block)

    def restore_range(self, from_block: int, scanned_to: int) -> None:
        """Go on from what the last run knew; only before anything else has been taken in."""
        self._from_block, self._scanned_to, self.stored_to = from_block, scanned_to, scanned_to

    def prune(self) -> None:
        """Let go the hashes of old blocks, except those that a range ends with."""
        self.blocks.prune((self._from_block, self._scanned_to, self.stored_to))

    def rollback(self, fork: int) -> None:
        """Forget everything above block `fork`. The database is rolled back by what is written next."""
        self.rollbacks += 1
        self._changes += 1
        self.blocks.rollback(fork)
        self.gap = None
        self._sound_to = min(self._sound_to, fork)
        self._facts = self._facts.up_to(fork)
        if self._from_block is not None and fork < self._from_block:
            self._from_block = self._scanned_to = self.stored_to = None
        if self._scanned_to is not None:
            self._scanned_to = min(self._scanned_to, fork)
        if self.stored_to is not None:
            self.stored_to = min(self.stored_to, fork)
        if self._target is not None:
            self._target = min(self._target, fork)

    def clear(self) -> None:
        """Forget everything: the chain is another one."""
        self.rollback(-1)
        self._target = None

    def _derive(self) -> None:
        if self._derived_at == self._changes:
            return
        self._derived_at = self._changes
        contracts = self._facts.contracts()
        if list(contracts.items()) != list(self._contracts.items()):
            self._contracts = contracts
        known = self._registrations
        registrations = {
            contract_id: entry if known.get(contract_id) != entry else known[contract_id]
            for contract_id, entry in self._facts.registrations().items()
        }
        if registrations != known:
            self._registrations = registrations
        exits = self._facts.exits()
        if exits != self._exits:
            self._exits = exits
