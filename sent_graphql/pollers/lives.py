"""Identity: one registration is one life, with one id that outlives what each side learns of it later.

A life is first seen by either side, under that side's name for it (an alias). Its id is made from that and kept under
every alias that it gets afterwards, so it does not change when the other side learns of it.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

SHIFTED_BLOCKS = 60
"""How far a reorganisation may shift the block in which oxend confirms a registration; beyond is another life."""


class Life(Struct, frozen=True, gc=False):
    """What is remembered of one life: the local part of its global id, and each side's own mark of it."""

    id: str
    contract_id: int | None
    registration_height: int | None = None
    """Block in which oxend confirmed it."""


def held_id(pubkey: str, contract_id: int) -> str:
    """The id of a life that was first seen in the rewards contract or its events."""
    return f"{pubkey}.{contract_id}"


def held_alias(pubkey: str, contract_id: int) -> str:
    """The rewards contract's name for a life. A reorganisation of the L2 may give the number to another key."""
    return f"{pubkey}:contract:{contract_id}"


def registered_alias(pubkey: str, registration_height: int) -> str:
    """oxend's name for a life from its confirmation on, exit list included."""
    return f"{pubkey}:{registration_height}"


def pending_alias(pubkey: str) -> str:
    """oxend's name for a life that it has not confirmed yet; kept only while it is pending."""
    return f"{pubkey}:pending"


class Lives(Struct, frozen=True):
    """The lives of the present snapshot by each of their aliases, and those that have left."""

    by_alias: Mapping[str, Life]
    departed: Mapping[str, Life] = {}

    def find(self, aliases: Iterable[str]) -> Life | None:
        """The life known under the first of `aliases` that is known at all; one that has left comes back."""
        names = tuple(aliases)
        for known in (self.by_alias, self.departed):
            for alias in names:
                life = known.get(alias)
                if life is not None:
                    return life
        return None


NO_LIVES = Lives(by_alias={})
