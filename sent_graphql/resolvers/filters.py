"""What lists can be narrowed by. A part that is null narrows nothing; all given parts must hold."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from sent_graphql.models.contracts import ContributionStatus
from sent_graphql.models.network import ContributionContract, ServiceNode, ServiceNodeState
from sent_graphql.resolvers.errors import BadUserInputError

T = TypeVar("T")

MAX_LIST_ITEMS: Final = 2_500
"""Most items of one list in a filter: a whole page's worth of keys."""

_KEY_PREFIX = re.compile(r"(?:0[xX])?([0-9a-fA-F]{4,64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceNodeFilter:
    """Which service nodes. Keys and addresses canonical, the prefix as `key_prefix` gives it, fees in 1/100 %."""

    pubkeys: frozenset[str] | None = None
    states: frozenset[ServiceNodeState] | None = None
    leaving: bool | None = None
    operator: str | None = None
    contributor: str | None = None
    liquidatable: bool | None = None
    pubkey_prefix: str | None = None
    min_operator_fee: int | None = None
    max_operator_fee: int | None = None

    @property
    def wants_exited(self) -> bool:
        """Nodes that are gone are listed only when they are named."""
        return self.states is not None and ServiceNodeState.EXITED in self.states

    def matches(self, node: ServiceNode) -> bool:
        """Whether the node is one of those asked for."""
        return (
            (node.state in self.states if self.states is not None else node.state is not ServiceNodeState.EXITED)
            and (self.pubkeys is None or node.pubkey in self.pubkeys)
            and (self.leaving is None or node.leaving is self.leaving)
            and (self.operator is None or node.operator == self.operator)
            and (self.contributor is None or any(c.address == self.contributor for c in node.contributors))
            and (self.liquidatable is None or node.liquidatable is self.liquidatable)
            and (self.pubkey_prefix is None or node.pubkey.startswith(self.pubkey_prefix))
            and self._fee_fits(node.operator_fee)
        )

    def _fee_fits(self, fee: int | None) -> bool:
        if self.min_operator_fee is None and self.max_operator_fee is None:
            return True
        return (
            fee is not None
            and (self.min_operator_fee is None or fee >= self.min_operator_fee)
            and (self.max_operator_fee is None or fee <= self.max_operator_fee)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionContractFilter:
    """Which contribution contracts. Keys and addresses canonical, the fee in 1/100 %."""

    pubkey: str | None = None
    statuses: frozenset[ContributionStatus] | None = None
    operator: str | None = None
    contributor: str | None = None
    viable: bool | None = None
    open_to_public: bool | None = None
    max_fee: int | None = None

    def matches(self, contract: ContributionContract) -> bool:
        """Whether the contract is one of those asked for."""
        return (
            (self.pubkey is None or contract.pubkey == self.pubkey)
            and (self.statuses is None or contract.status in self.statuses)
            and (self.operator is None or contract.operator == self.operator)
            and (self.contributor is None or any(c.address == self.contributor for c in contract.contributors))
            and (self.viable is None or contract.viable is self.viable)
            and (self.open_to_public is None or is_open_to_public(contract) is self.open_to_public)
            and (self.max_fee is None or contract.fee <= self.max_fee)
        )


def is_open_to_public(contract: ContributionContract) -> bool:
    """Whether someone for whom nothing is reserved can still contribute."""
    return (
        contract.status is ContributionStatus.OPEN_FOR_PUBLIC_CONTRIBUTION
        and contract.viable
        and contract.minimum_contribution is not None
    )


def key_prefix(text: str, *, argument: str) -> str:
    """Canonical beginning of an Ed25519 key: lower-case hex digits without 0x."""
    match = _KEY_PREFIX.fullmatch(text)
    if match is None:
        raise BadUserInputError(
            f"`{argument}` is not the beginning of a key: 4 to 64 hex digits are wanted", argument=argument
        )
    return match[1].lower()


def bounded_set(items: Sequence[T] | None, *, argument: str) -> frozenset[T] | None:
    """The items of a list that a user gave, which must not be longer than MAX_LIST_ITEMS."""
    if items is None:
        return None
    if len(items) > MAX_LIST_ITEMS:
        raise BadUserInputError(
            f"`{argument}` has {len(items)} items: at most {MAX_LIST_ITEMS} are allowed", argument=argument
        )
    return frozenset(items)
