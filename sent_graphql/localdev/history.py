"""The network's past, played on the chain in the order of its days: registrations, contributions, exits, rewards."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from sent_graphql.bls import PublicKey, SecretKey
from sent_graphql.bls.points import GROUP_ORDER, Signature
from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.chance import dice
from sent_graphql.localdev.constants import HISTORY_SECONDS
from sent_graphql.localdev.contribution_scenes import SCENES, ContributionScene
from sent_graphql.localdev.genesis import PastNode
from sent_graphql.localdev.identities import Identities, NodeIdentity
from sent_graphql.localdev.ledger_state import LedgerState
from sent_graphql.localdev.population import (
    OLD_REQUIREMENT,
    PAST,
    REQUIREMENT,
    Fate,
    PlannedNode,
    Population,
)
from sent_graphql.localdev.scene_play import ScenePlay
from sent_graphql.localdev.service_nodes import Registration
from sent_graphql.localdev.staking_client import StakingClient

CREDITED_WALLETS: Final = 8

_DAY: Final = 86_400
_FILL_BATCH: Final = 100
_FEWEST_BATCHES: Final = 8
_LEAVE_AGE: Final = 60
_EXIT_REQUEST_AGE: Final = 1800
_PAST_EXIT_AGE: Final = _DAY // 2
"""After the youngest node has come, so that every node of the past had its time."""
_PAYOUT_AGES: Final = (20 * _DAY, 3 * _DAY)

Progress = Callable[[str], None]


class Step(Struct, frozen=True):
    """Something that happens on the chain at a unix second."""

    at: int
    action: Callable[[], Awaitable[None]]


class History:
    """Plays a population's past. `identities` give the keys of the contribution contracts' nodes."""

    def __init__(
        self, chain: Chain, client: StakingClient, population: Population, identities: Identities, progress: Progress
    ) -> None:
        self._chain = chain
        self._client = client
        self._population = population
        self._identities = identities
        self._progress = progress
        self._held: dict[str, int] = {}
        self._past: dict[str, PastNode] = {}
        self._filled = 0
        self._source = dice(population.seed, "history")
        self.next_identity = population.next_identity

    async def play(self) -> tuple[PastNode, ...]:
        """Does it all up to some minutes before the present; gives every node that ever registered."""
        old, new = self._by_requirement()
        change = self._change_at(old, new)
        await self._client.set_requirement(OLD_REQUIREMENT)
        steps = [
            *self._fill_steps(old),
            Step(change, self._raise_requirement),
            *self._fill_steps(new),
            *self._scene_steps(change),
            *self._exit_steps(),
            *(Step(self._population.now - age, self._release_pool) for age in _PAYOUT_AGES),
        ]
        for step in sorted(steps, key=lambda step: step.at):
            await self._travel(step.at)
            await step.action()
        return tuple(self._past.values())

    async def credit(self, state: LedgerState) -> None:
        """Some wallets had their rewards told to the contract, and claimed all, some or none of them."""
        wallets = sorted(self._population.operators, key=state.balance, reverse=True)[:CREDITED_WALLETS]
        for position, wallet in enumerate(wallets):
            amount = state.balance(wallet) * self._source.randint(40, 95) // 100
            if not amount:
                continue
            signature = self._sign(self._client.domain.reward(wallet, amount))
            await self._client.update_rewards(wallet, amount, signature, (), sender=wallet)
            claimed = (amount, amount // 3, 0)[position % 3]
            if claimed:
                await self._client.claim(wallet, claimed)

    def _by_requirement(self) -> tuple[list[PlannedNode], list[PlannedNode]]:
        nodes = self._population.nodes
        old = [node for node in nodes if node.registration.deposit == OLD_REQUIREMENT]
        return old, [node for node in nodes if node.registration.deposit != OLD_REQUIREMENT]

    def _change_at(self, old: Sequence[PlannedNode], new: Sequence[PlannedNode]) -> int:
        """When the requirement rose: after the last node of the old one and before the first of the new one."""
        if old:
            return old[-1].added_at
        return new[0].added_at - 1 if new else self._population.now - HISTORY_SECONDS

    # Registrations

    def _fill_steps(self, nodes: Sequence[PlannedNode]) -> list[Step]:
        size = min(_FILL_BATCH, max(1, len(nodes) // _FEWEST_BATCHES))
        batches = [nodes[start : start + size] for start in range(0, len(nodes), size)]
        return [Step(batch[-1].added_at, self._filling(batch)) for batch in batches]

    def _filling(self, batch: Sequence[PlannedNode]) -> Callable[[], Awaitable[None]]:
        async def fill() -> None:
            await self._client.fill([(node.registration, node.added_at) for node in batch])
            for node in batch:
                self._hold(node.identity, node.registration, node.added_at, node.fate)
            self._filled += len(batch)
            self._progress(f"registering nodes: {self._filled} of {len(self._population.nodes)}")

        return fill

    def _hold(self, identity: NodeIdentity, registration: Registration, added_at: int, fate: Fate) -> None:
        self._held[identity.pubkey_bls] = identity.bls_secret.scalar
        self._past[identity.pubkey_bls] = PastNode(registration=registration, added_at=added_at, fate=fate)

    async def _raise_requirement(self) -> None:
        await self._client.set_requirement(REQUIREMENT)

    async def _release_pool(self) -> None:
        await self._client.release_pool()

    # Contribution contracts

    def _scene_steps(self, change: int) -> list[Step]:
        steps = []
        for scene in self._scenes():
            end = change if scene.before_requirement_change else self._population.now - scene.days_ago * _DAY
            play = ScenePlay(self._client, scene, self._next_identity(), self._people(scene), self._register_scene)
            steps += [Step(end - before, action) for before, action in play.steps()]
        return steps

    def _scenes(self) -> Iterator[ContributionScene]:
        """Those that register no node, and the others while the network is not fuller than planned."""
        room = self._population.scene_nodes
        for scene in SCENES:
            if scene.registers:
                room -= 1
            if not scene.registers or room >= 0:
                yield scene

    def _next_identity(self) -> NodeIdentity:
        self.next_identity += 1
        return self._identities[self.next_identity - 1]

    def _people(self, scene: ContributionScene) -> list[str]:
        wallets = {part.wallet for part in (*scene.reserved, *scene.contributions)}
        return self._source.sample(self._population.operators, max(wallets, default=0) + 1)

    async def _register_scene(self, identity: NodeIdentity, registration: Registration) -> None:
        self._hold(identity, registration, await self._chain.timestamp(), Fate.RUNNING)

    # Leaving

    def _exit_steps(self) -> list[Step]:
        ages = {
            Fate.GONE: _PAST_EXIT_AGE + _DAY // 4,
            Fate.EXITED: _EXIT_REQUEST_AGE,
            Fate.LEAVING: _LEAVE_AGE,
        }
        now = self._population.now
        steps = [
            Step(now - ages[node.fate], self._asking_to_leave(node))
            for node in self._population.nodes
            if node.fate in ages
        ]
        leavers = self._population.with_fate(*PAST)
        for position, node in enumerate(leavers):
            at = now - _PAST_EXIT_AGE + position
            steps.append(Step(at, self._removing(node, at, f"nodes leaving: {position + 1} of {len(leavers)}")))
        return steps

    def _asking_to_leave(self, node: PlannedNode) -> Callable[[], Awaitable[None]]:
        async def ask() -> None:
            number = await self._client.contract_id(node.registration.pubkey_bls)
            await self._client.request_exit(number, node.registration.contributors[0].address)

        return ask

    def _removing(self, node: PlannedNode, at: int, progress: str) -> Callable[[], Awaitable[None]]:
        async def remove() -> None:
            self._progress(progress)
            key = PublicKey.from_hex(node.registration.pubkey_bls)
            liquidate = node.fate is Fate.LIQUIDATED
            make = self._client.domain.liquidation if liquidate else self._client.domain.exit
            receipt = await self._client.remove(
                key.hex,
                at,
                self._sign(make(key, at)),
                (),
                sender=self._source.choice(self._population.operators),
                liquidate=liquidate,
            )
            returned = next(event for event in receipt.events if event.name == "ServiceNodeExit")
            del self._held[key.hex]
            self._past[key.hex] = replace(self._past[key.hex], returned_amount=returned.arguments["returnedAmount"])

        return remove

    def _sign(self, message: bytes) -> Signature:
        """The aggregate of all nodes that the contract holds at that time."""
        scalar = sum(self._held.values()) % GROUP_ORDER
        return SecretKey(scalar).sign(message, self._client.domain.hash_tag)

    async def _travel(self, at: int) -> None:
        """The next block bears that second, unless the chain is past it already."""
        if at > await self._chain.timestamp():
            await self._chain.request("evm_setNextBlockTimestamp", at)
