"""Who lives on the local network when it begins: drawn from its seed, before any chain has heard of it."""

from collections import Counter
from collections.abc import Sequence
from enum import Enum
from itertools import pairwise
from random import Random
from typing import Final

from msgspec import Struct

from sent_graphql.localdev.chance import dice
from sent_graphql.localdev.constants import HISTORY_SECONDS, MAX_CONTRIBUTORS
from sent_graphql.localdev.identities import BLS_ZERO_INDEX, ED25519_ZERO_INDEX, Identities, NodeIdentity
from sent_graphql.localdev.service_nodes import NodeStake, Registration
from sent_graphql.models.keys import eth_address
from sent_graphql.models.units import ATOMIC_PER_TOKEN, min_operator_contribution

OLD_REQUIREMENT: Final = 20_000 * ATOMIC_PER_TOKEN
"""Of the network's first days; a contribution contract of that time is stuck for ever."""

REQUIREMENT: Final = 25_000 * ATOMIC_PER_TOKEN

YOUNGEST_SECONDS: Final = 86_400
"""Age of the youngest node: old enough to leave."""

SCENE_NODES: Final = 2
"""Nodes of the beginning that contribution contracts register."""

_FEES: Final = (0, 0, 100, 250, 500, 500, 1000, 1234, 2000)
_OLD_SHARE: Final = 0.1
_SOLO_SHARE: Final = 0.5
_OTHER_BENEFICIARY_SHARE: Final = 0.15
_UNUSUAL_SHARE: Final = 16
"""One in so many nodes for each unusual fate, where the network is large enough for one of each."""
_FEWEST_WITH_FATES: Final = 8
_MOST_UNUSUAL: Final = 20
"""Of each fate: their transactions are what takes time."""


class Fate(Enum):
    """Where a node stands when the network begins."""

    RUNNING = "running"
    DECOMMISSIONED = "decommissioned"
    LEAVING = "leaving"
    EXITED = "exited"
    """On oxend's exit list, its time served; the contract still holds it."""
    DEREGISTERED = "deregistered"
    """On oxend's exit list, thrown out; the contract still holds it."""
    GONE = "gone"
    """Of both sides' past."""
    LIQUIDATED = "liquidated"
    """Of both sides' past, with a penalty."""


PAST: Final = frozenset({Fate.GONE, Fate.LIQUIDATED})


class PlannedNode(Struct, frozen=True, kw_only=True):
    """A node of the beginning; `added_at` in unix seconds. Its registration's deposit is the requirement of its day."""

    identity: NodeIdentity
    registration: Registration
    added_at: int
    fate: Fate


class Population(Struct, frozen=True, kw_only=True):
    """The nodes in the order in which they registered, past ones included, and the wallets behind them.

    `operators` can act on the L2: their accounts are unlocked. `wallets` are all addresses, those first.
    """

    seed: int
    now: int
    nodes: tuple[PlannedNode, ...]
    operators: tuple[str, ...]
    wallets: tuple[str, ...]
    next_identity: int
    """The first index of keys that no node of the beginning has."""
    scene_nodes: int
    """How many more nodes come from contribution contracts."""

    def with_fate(self, *fates: Fate) -> tuple[PlannedNode, ...]:
        """The nodes that stand there."""
        return tuple(node for node in self.nodes if node.fate in fates)


def plan_population(identities: Identities, *, seed: int, nodes: int, operators: Sequence[str], now: int) -> Population:
    """Plans a network whose contract holds `nodes` nodes at the unix second `now`; the same arguments give the same."""
    scene_nodes = SCENE_NODES if nodes >= _FEWEST_WITH_FATES else 0
    source = dice(seed, "population")
    wallets = (*operators, *(_plain_wallet(seed, index) for index in range(nodes)))
    fates = _fates(nodes - scene_nodes, source)
    span = HISTORY_SECONDS - YOUNGEST_SECONDS
    times = sorted(now - YOUNGEST_SECONDS - source.randrange(span) for _ in fates)
    old = int(len(fates) * _OLD_SHARE)
    planned = tuple(
        PlannedNode(
            identity=identities[index],
            registration=_register(
                identities[index],
                source,
                operators=operators,
                wallets=wallets,
                requirement=OLD_REQUIREMENT if index < old else REQUIREMENT,
                crowd=_crowd(index, source),
            ),
            added_at=added_at,
            fate=fate,
        )
        for index, (fate, added_at) in enumerate(zip(fates, times, strict=True))
    )
    return Population(
        seed=seed,
        now=now,
        nodes=planned,
        operators=tuple(operators),
        wallets=wallets,
        next_identity=len(planned),
        scene_nodes=scene_nodes,
    )


def split_stake(
    requirement: int, stakers: Sequence[str], wallets: Sequence[str], source: Random
) -> tuple[NodeStake, ...]:
    """A node's whole stake among `stakers`, the operator first with a quarter at least; some name a beneficiary."""
    least = min_operator_contribution(requirement)
    rest = requirement - least
    cuts = sorted(source.sample(range(1, rest // ATOMIC_PER_TOKEN), len(stakers) - 1))
    edges = [0, *(cut * ATOMIC_PER_TOKEN for cut in cuts), rest]
    parts = [after - before for before, after in pairwise(edges)]
    parts[0] += least
    return tuple(
        NodeStake(staker, source.choice(wallets) if source.random() < _OTHER_BENEFICIARY_SHARE else staker, amount)
        for staker, amount in zip(stakers, parts, strict=True)
    )


def _register(
    identity: NodeIdentity,
    source: Random,
    *,
    operators: Sequence[str],
    wallets: Sequence[str],
    requirement: int,
    crowd: int,
) -> Registration:
    operator = source.choice(operators)
    others = [wallet for wallet in source.sample(wallets, crowd) if wallet != operator]
    contributors = split_stake(requirement, [operator, *others[: crowd - 1]], wallets, source)
    return identity.register(contributors, source.choice(_FEES))


def _plain_wallet(seed: int, index: int) -> str:
    """An address that nobody here can act for."""
    return eth_address(dice(seed, "wallet", index).randbytes(20).hex())


def _crowd(index: int, source: Random) -> int:
    """How many contribute to a node; the first ones make sure that every number occurs."""
    if index < 2:
        return (1, MAX_CONTRIBUTORS)[index]
    return 1 if source.random() < _SOLO_SHARE else source.randint(2, MAX_CONTRIBUTORS)


def _fates(nodes: int, source: Random) -> list[Fate]:
    """A fate for each node the contract will hold, and for some that it held."""
    share = min(_MOST_UNUSUAL, max(1, nodes // _UNUSUAL_SHARE)) if nodes >= _FEWEST_WITH_FATES else 0
    unusual = Counter({fate: share for fate in Fate if fate is not Fate.RUNNING})
    running = nodes - sum(count for fate, count in unusual.items() if fate not in PAST)
    fates = [*unusual.elements(), *[Fate.RUNNING] * running]
    source.shuffle(fates)
    for index in (BLS_ZERO_INDEX, ED25519_ZERO_INDEX):
        # the keys with a leading zero belong to nodes that stay
        if index < len(fates) and fates[index] is not Fate.RUNNING:
            other = next(place for place in range(len(fates) - 1, -1, -1) if fates[place] is Fate.RUNNING)
            fates[index], fates[other] = fates[other], fates[index]
    return fates
