"""Wallets with their stakes and rewards: what one address has in the nodes and contracts of a snapshot.

Made on demand, and no more of them than is asked for. Attribute names are the GraphQL fields' in snake case, as in
network.py.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Generic, TypeAlias, TypeVar

from msgspec import Struct, structs

from sent_graphql.models.contracts import ContributionStatus
from sent_graphql.models.global_id import global_id
from sent_graphql.models.network import ContributionContract, Contributor, ServiceNode, ServiceNodeState

Holder: TypeAlias = ServiceNode | ContributionContract

_EXITED: Final = ServiceNodeState.EXITED
_FINALIZED: Final = ContributionStatus.FINALIZED
"""Looked up once: to read a member off its enum takes longer than to compare it."""


T = TypeVar("T")


class Once(Generic[T]):
    """A property that is made once. functools' cached one takes a lock, which costs more than what is made here."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__

    def __get__(self, instance: Any, _owner: type) -> T:  # noqa: ANN401
        made: T = self._make(instance)
        instance.__dict__[self._name] = made
        return made


class Stake(Struct, frozen=True, gc=False):
    """What one wallet has, or had, as staker: in a node, or in a contribution contract that is not finalized.

    `contributor` is all that the holder lists of the wallet, taken together.
    """

    contributor: Contributor
    holder: Holder

    @property
    def id(self) -> str:
        """The same when the node has left."""
        return global_id("Stake", f"{self.holder.id}:{self.contributor.address}")

    @property
    def address(self) -> str:
        """Who staked."""
        return self.contributor.address

    @property
    def beneficiary(self) -> str:
        """Who gets the rewards."""
        return self.contributor.beneficiary

    @property
    def amount(self) -> int:
        """In atomic units."""
        return self.contributor.amount

    @property
    def is_operator(self) -> bool:
        """Whether the staker operates the node."""
        return self.contributor.is_operator

    @property
    def exited(self) -> bool:
        """Whether it has ended."""
        return self.state is _EXITED

    @property
    def state(self) -> ServiceNodeState | None:
        """That of the node; null in a contract."""
        holder = self.holder
        return holder.state if isinstance(holder, ServiceNode) else None

    @property
    def service_node(self) -> ServiceNode | None:
        """The node that it is in."""
        holder = self.holder
        return holder if isinstance(holder, ServiceNode) else None

    @property
    def contribution_contract(self) -> ContributionContract | None:
        """The contract that it is in."""
        holder = self.holder
        return holder if isinstance(holder, ContributionContract) else None


class Rewards(Struct, frozen=True, kw_only=True):
    """A wallet's rewards on both sides, lifetime totals in atomic units."""

    accrued: int
    credited: int
    claimed: int

    @property
    def claimable(self) -> int:
        """Credited and not claimed yet."""
        return self.credited - self.claimed

    @property
    def pending(self) -> int:
        """Accrued by oxend and not credited on the contract yet."""
        return max(0, self.accrued - self.credited)


class Wallet(Struct, frozen=True, kw_only=True, dict=True):
    """What one address has in the network. `nodes` and `contracts` are those that list it as a contributor."""

    address: str
    nodes: tuple[ServiceNode, ...]
    contracts: tuple[ContributionContract, ...]
    rewards: Rewards

    @property
    def id(self) -> str:
        """The address's, whatever it has."""
        return global_id("Wallet", self.address)

    @Once
    def total_staked(self) -> int:
        """Sum of the present stakes, none of which is made for it."""
        address = self.address
        return sum([one.amount for holder in self._holders() for one in holder.contributors if one.address == address])

    @Once
    def stakes(self) -> tuple[Stake, ...]:
        """The present stakes: in nodes, then in contracts."""
        return stakes_in(self._holders(), self.address)

    def _holders(self) -> Iterator[Holder]:
        """Nodes that still hold the money, then contracts that gather it."""
        for node in self.nodes:
            if node.state is not _EXITED:
                yield node
        for contract in self.contracts:
            if contract.status is not _FINALIZED:
                yield contract


def contribution(holder: Holder, address: str) -> Contributor | None:
    """What the holder lists of the wallet: who is listed twice has one stake, of both amounts."""
    own = None
    for contributor in holder.contributors:
        if contributor.address == address:
            own = contributor if own is None else structs.replace(own, amount=own.amount + contributor.amount)
    return own


def stakes_in(holders: Iterable[Holder], address: str) -> tuple[Stake, ...]:
    """The stakes that the wallet has, or had, in these."""
    stakes = []
    for holder in holders:
        own = contribution(holder, address)
        if own is not None:
            stakes.append(Stake(own, holder))
    return tuple(stakes)
