"""One contribution contract's past, as steps that the history puts in their place."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

from sent_graphql.localdev.chain import Contract, Receipt
from sent_graphql.localdev.contribution_scenes import ContributionScene, Part
from sent_graphql.localdev.identities import NodeIdentity
from sent_graphql.localdev.service_nodes import NodeStake, Registration
from sent_graphql.localdev.staking_client import StakingClient
from sent_graphql.models.keys import eth_address

_HOUR: Final = 3600
_ENDING_WAIT: Final = 25 * _HOUR
"""A contribution may be taken back a day after it was made."""

Registered = Callable[[NodeIdentity, Registration], Awaitable[None]]
"""Takes the node that a contract has registered."""


class ScenePlay:
    """Plays `scene` with the keys of `identity` and the wallets `people`, the operator first."""

    def __init__(
        self,
        client: StakingClient,
        scene: ContributionScene,
        identity: NodeIdentity,
        people: Sequence[str],
        on_registered: Registered,
    ) -> None:
        self._client = client
        self._scene = scene
        self._identity = identity
        self._people = people
        self._on_registered = on_registered
        self._contract: Contract | None = None

    def steps(self) -> Iterator[tuple[int, Callable[[], Awaitable[None]]]]:
        """Each step with the seconds by which it comes before the scene's end."""
        after = 0 if self._scene.ending == "none" else _ENDING_WAIT
        count = len(self._scene.contributions)
        yield after + (count + 1) * _HOUR, self._deploy
        for position, part in enumerate(self._scene.contributions):
            yield after + (count - position) * _HOUR, self._contributing(part)
        if self._scene.ending != "none":
            yield 0, self._end

    async def _deploy(self) -> None:
        operator = NodeStake(self._people[0], self._people[0], 0)
        registration = self._identity.register((operator,), self._scene.fee)
        self._contract = await self._client.deploy_contribution(
            self._identity,
            registration,
            reserved=[(self._people[part.wallet], part.amount) for part in self._scene.reserved],
            manual_finalize=self._scene.manual_finalize,
        )

    def _contributing(self, part: Part) -> Callable[[], Awaitable[None]]:
        async def contribute() -> None:
            receipt = await self._client.contribute(self._deployed, self._people[part.wallet], part.amount)
            await self._note_registration(receipt)

        return contribute

    async def _end(self) -> None:
        match self._scene.ending:
            case "reset":
                await self._client.reset(self._deployed, self._people[0])
            case "withdraw":
                await self._client.withdraw(self._deployed, self._people[self._scene.contributions[-1].wallet])
            case "finalize":
                await self._note_registration(await self._client.finalize(self._deployed, self._people[0]))

    async def _note_registration(self, receipt: Receipt) -> None:
        for event in receipt.events:
            if event.name == "NewServiceNodeV2":
                contributors = tuple(
                    NodeStake(eth_address(address), eth_address(beneficiary), amount)
                    for (address, beneficiary), amount in event.arguments["contributors"]
                )
                await self._on_registered(self._identity, self._identity.register(contributors, self._scene.fee))

    @property
    def _deployed(self) -> Contract:
        assert self._contract is not None
        return self._contract
