"""What the contract holds and no event told: how an endpoint that leaves out logs is noticed.

Ids of nodes are given in a row and never twice. So each one below the next must have been registered by an event, and
each one that is not held any more must have exited by one. Events of other kinds leave no such trace.
"""

from collections.abc import Collection, Mapping
from itertools import islice
from typing import Final

from msgspec import Struct

IDS_NAMED: Final = 5
"""Nodes that a message names; the rest is counted."""

MOST_MISSING: Final = 10_000
"""Missing registrations, and exits, that are looked for: the next id is the endpoint's word, however high it is."""


class Gap(Struct, frozen=True, kw_only=True):
    """Nodes whose registration or exit no event told, and the blocks in which it must have been."""

    registrations: tuple[int, ...]
    exits: tuple[int, ...]
    first: int
    last: int

    def is_of(self, other: "Gap | None") -> bool:
        """Whether the other is about the same nodes."""
        return other is not None and (self.registrations, self.exits) == (other.registrations, other.exits)

    def __str__(self) -> str:
        """For users."""
        parts = [("registration", self.registrations), ("exit", self.exits)]
        missing = " and ".join(f"the {what} of {_named(ids)}" for what, ids in parts if ids)
        return (
            f"no event tells {missing}: the endpoint leaves out events, or contracts.deployment_block is too high; "
            f"blocks {self.first} to {self.last} are read again"
        )


def find_gap(
    next_id: int,
    held: Collection[int],
    registered: Mapping[int, int],
    exited: Collection[int],
    *,
    first: int,
    last: int,
) -> Gap | None:
    """What is missing at block `last` of what events have told since block `first`.

    `next_id`: what the next registration gets; `held`: the nodes of the contract's list; `registered`: block of the
    registration by id, and `exited`: ids, both as events told.
    """
    ids = range(1, next_id)
    untold = (contract_id for contract_id in ids if contract_id not in registered)
    gone = (contract_id for contract_id in ids if contract_id not in held and contract_id not in exited)
    unregistered, unexited = (tuple(islice(missing, MOST_MISSING)) for missing in (untold, gone))
    if not unregistered and not unexited:
        return None
    begin = min((*unregistered, *unexited))
    before = max((block for contract_id, block in registered.items() if contract_id <= begin), default=first)
    after = last
    if not unexited:
        after = min(
            (block for contract_id, block in registered.items() if contract_id > unregistered[-1]), default=last
        )
    return Gap(registrations=unregistered, exits=unexited, first=max(first, before), last=min(last, max(after, first)))


def _named(ids: tuple[int, ...]) -> str:
    named = ", ".join(map(str, ids[:IDS_NAMED]))
    more = f" and {len(ids) - IDS_NAMED} more" if len(ids) > IDS_NAMED else ""
    return f"node {named}{more}" if len(ids) == 1 else f"nodes {named}{more}"
