"""People of the local network: they register, contribute, leave, liquidate and claim, one act every few seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

import aiohttp
import structlog

from sent_graphql.bls import Signature
from sent_graphql.localdev.aggregates import Aggregator, NoSignerError
from sent_graphql.localdev.chain import ChainError
from sent_graphql.localdev.chance import dice
from sent_graphql.localdev.founding import Founding
from sent_graphql.localdev.identities import NodeIdentity
from sent_graphql.localdev.ledger import Ledger
from sent_graphql.localdev.population import REQUIREMENT, split_stake
from sent_graphql.localdev.service_nodes import NodeStake, RemovedNode, ServiceNode
from sent_graphql.localdev.staking_client import ContributionState
from sent_graphql.localdev.weather import is_strained
from sent_graphql.models.contracts import ContributionStatus
from sent_graphql.models.units import min_operator_contribution

PAUSE_SECONDS: Final = (4.0, 12.0)
"""Shortest and longest pause between two acts."""

LONGEST_LIST: Final = 40
"""Contribution contracts that are looked at: the newest ones."""

_GROWTH: Final = 1.05
"""Beyond this share of its first size the network gets no new nodes."""

_LEAST_AGE_SECONDS: Final = 2 * 3600
"""The contract lets no node go that is younger; those of the beginning are older, however few blocks they lived."""

_PATIENCE_BLOCKS: Final = 12
"""For so long nobody touches a node that has come on the exit list."""

_FEES: Final = (0, 100, 300, 500, 1000, 1500)

Act = Callable[[], Awaitable[str | None]]
"""Does something and says what; None: there was nothing to do."""


class Actors:
    """Acts with the wallets of `founding`, all of them at a human pace."""

    def __init__(self, founding: Founding, ledger: Ledger, aggregator: Aggregator, *, seed: int) -> None:
        self._founding = founding
        self._client = founding.client
        self._ledger = ledger
        self._aggregator = aggregator
        self._source: Random = dice(seed, "actors")
        self._next_identity = founding.next_identity
        self._first_size = len(founding.follower.contract_ids)
        self._log = structlog.get_logger()
        self._acts: tuple[tuple[Act, int], ...] = (
            (self.register_solo, 3),
            (self.open_contribution, 2),
            (self.contribute, 6),
            (self.withdraw, 1),
            (self.finalize, 1),
            (self.reset, 1),
            (self.request_exit, 2),
            (self.remove, 4),
            (self.update_rewards, 3),
            (self.claim, 2),
            (self.release_pool, 1),
        )

    async def run(self) -> None:
        """Acts until it is cancelled."""
        while True:
            await asyncio.sleep(self._source.uniform(*PAUSE_SECONDS))
            await self.act()

    async def act(self) -> None:
        """One act; what a contract or the network refuses is no more than a lost chance."""
        (act,) = self._source.choices([act for act, _ in self._acts], [weight for _, weight in self._acts])
        try:
            done = await act()
        except (ChainError, NoSignerError, aiohttp.ClientError, TimeoutError) as error:
            self._log.debug("act refused", act=act.__name__, reason=str(error))
        else:
            self._log.debug("act", act=act.__name__, what=done)

    # Registering

    async def register_solo(self) -> str | None:
        """An operator registers a node with a real proof of possession; some bring others' money along."""
        if self._grown():
            return None
        operator = self._operator()
        crowd = self._source.sample(self._founding.operators, self._source.choice((0, 0, 1, 3)))
        stakers = [operator, *(wallet for wallet in crowd if wallet != operator)]
        identity = self._new_identity()
        stakes = split_stake(REQUIREMENT, stakers, self._founding.operators, self._source)
        await self._client.register(identity, identity.register(stakes, self._source.choice(_FEES)))
        return identity.pubkey

    async def open_contribution(self) -> str | None:
        """An operator opens a contribution contract and mostly brings the first stake at once."""
        if self._grown():
            return None
        operator, friend = self._source.sample(self._founding.operators, 2)
        least = min_operator_contribution(REQUIREMENT)
        reserved = [(operator, 2 * least), (friend, least)] if self._source.random() < 0.4 else []
        identity = self._new_identity()
        contract = await self._client.deploy_contribution(
            identity,
            identity.register((NodeStake(operator, operator, 0),), self._source.choice(_FEES)),
            reserved=reserved,
            manual_finalize=self._source.random() < 0.4,
        )
        if self._source.random() < 0.8:
            await self._client.contribute(contract, operator, 2 * least if reserved else least)
        return contract.address

    async def contribute(self) -> str | None:
        """A wallet takes a reserved or a free place."""
        state = await self._contract_with(ContributionStatus.OPEN_FOR_PUBLIC_CONTRIBUTION)
        if state is None:
            return None
        if state.awaited and (state.minimum is None or self._source.random() < 0.5):
            wallet, amount = self._source.choice(state.awaited)
        elif state.minimum is not None:
            wallet = self._operator()
            whole = state.minimum > state.open_amount // 2 or self._source.random() < 0.4
            amount = state.open_amount if whole else max(state.minimum, state.open_amount // 2)
        else:
            return None
        if wallet in state.contributors:
            return None
        await self._client.contribute(state.contract, wallet, amount)
        return state.contract.address

    async def withdraw(self) -> str | None:
        """A contributor takes its stake back; refused for a day after it was given."""
        state = await self._contract_with(ContributionStatus.OPEN_FOR_PUBLIC_CONTRIBUTION)
        if state is None or len(state.contributors) < 2:
            return None
        await self._client.withdraw(state.contract, self._source.choice(state.contributors[1:]))
        return state.contract.address

    async def finalize(self) -> str | None:
        """An operator registers the node of a filled contract."""
        state = await self._contract_with(ContributionStatus.WAIT_FOR_FINALIZED)
        if state is None:
            return None
        await self._client.finalize(state.contract, state.operator)
        return state.contract.address

    async def reset(self) -> str | None:
        """An operator gives up and gives everybody their stake back."""
        if self._source.random() < 0.7:
            return None
        state = await self._contract_with(ContributionStatus.OPEN_FOR_PUBLIC_CONTRIBUTION)
        if state is None:
            return None
        await self._client.reset(state.contract, state.operator)
        return state.contract.address

    # Leaving

    async def request_exit(self) -> str | None:
        """An operator asks to leave, while enough others stay."""
        nodes = self._ledger.top.nodes.values()
        leavers = sorted((node for node in nodes if self._may_leave(node)), key=lambda node: node.pubkey)
        if is_strained(self._ledger.top) or not leavers:
            return None
        node = self._source.choice(leavers)
        number = await self._client.contract_id(node.pubkey_bls)
        await self._client.request_exit(number, node.registration.contributors[0].address)
        return node.pubkey

    def _may_leave(self, node: ServiceNode) -> bool:
        """Not so young that the contract would not let it go, and its operator can act."""
        grown_up = self._ledger.top.height - _LEAST_AGE_SECONDS // self._ledger.timing.block_seconds
        old = node.registration_height <= max(self._founding.genesis.height, grown_up)
        able = node.registration.contributors[0].address in self._founding.operators
        return old and able and not node.requested_unlock_height

    async def remove(self) -> str | None:
        """Somebody takes a node off the contract: one that left goes free, one that was thrown out pays."""
        top = self._ledger.top
        ripe = [entry for entry in top.removed.values() if self._is_ripe(entry, top.height)]
        if not ripe:
            return None
        entry = self._source.choice(ripe)
        liquidate = entry.kind == "deregister" and top.height + 1 >= entry.liquidation_height
        timed = self._aggregator.removal(top, entry.node.pubkey_bls, liquidate=liquidate)
        await self._client.remove(
            entry.node.pubkey_bls,
            timed.timestamp,
            Signature.from_hex(timed.aggregate.signature),
            timed.aggregate.non_signers,
            sender=self._operator(),
            liquidate=liquidate,
        )
        return entry.node.pubkey

    def _is_ripe(self, entry: RemovedNode, height: int) -> bool:
        if not self._aggregator.holds(entry.node.pubkey_bls):
            return False
        if entry.kind == "deregister":
            return height >= entry.liquidation_height + _PATIENCE_BLOCKS
        return height >= entry.height + _PATIENCE_BLOCKS

    # Rewards

    async def update_rewards(self) -> str | None:
        """A wallet has the network's word on its rewards written on the chain."""
        wallet = self._operator()
        top = self._ledger.top
        amount = top.balance(wallet)
        if amount <= await self._client.credited(wallet):
            return None
        aggregate = self._aggregator.reward(top, wallet, amount)
        signature = Signature.from_hex(aggregate.signature)
        await self._client.update_rewards(wallet, amount, signature, aggregate.non_signers, sender=wallet)
        return wallet

    async def claim(self) -> str | None:
        """A wallet takes out all or half of what is credited to it."""
        wallet = self._operator()
        claimable = await self._client.claimable(wallet)
        amount = self._source.choice((claimable, claimable // 2))
        if not amount:
            return None
        await self._client.claim(wallet, amount)
        return wallet

    async def release_pool(self) -> str | None:
        """Somebody has the pool pay what it owes."""
        await self._client.release_pool()
        return "pool"

    # Helpers

    def _operator(self) -> str:
        return self._source.choice(self._founding.operators)

    def _grown(self) -> bool:
        return len(self._founding.follower.contract_ids) >= max(self._first_size + 2, self._first_size * _GROWTH)

    def _new_identity(self) -> NodeIdentity:
        identity = self._founding.identities[self._next_identity]
        self._next_identity += 1
        self._founding.secrets[identity.pubkey_bls] = identity.bls_secret.scalar
        return identity

    async def _contract_with(self, status: ContributionStatus) -> ContributionState | None:
        """One of the newer contracts that has that status and is not stuck, looked for in a random order.

        The last one of its kind is left alone, so that there is always a contract of every status to be seen.
        """
        addresses = (await self._client.contribution_contracts())[-LONGEST_LIST:]
        found: ContributionState | None = None
        for address in self._source.sample(addresses, len(addresses)):
            state = await self._client.contribution_state(address)
            if state.status is not status or state.requirement != REQUIREMENT:
                continue
            if found is not None:
                return state
            found = state
        return None
