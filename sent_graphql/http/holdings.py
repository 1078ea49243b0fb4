"""What is held for clients until they do their part: what it takes in all, and who is cut when that is too much."""

import asyncio
from collections import Counter
from typing import NamedTuple, Protocol


class Holder(Protocol):
    """Something that holds bytes for a client."""

    def cut(self) -> None:
        """Ends the client's connection at once, and forgets what was held."""


class _Holding(NamedTuple):
    party: str
    what: object


class Holdings:
    """What is held of one kind, `most` bytes at most.

    Beyond, connections are cut: of the party that holds most, the one that has held for longest. What several hold in
    common counts once, for it is in memory once: the answer to a question that many ask is no reason to cut any.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[Holder, _Holding] = {}
        self._sizes: dict[int, int] = {}
        self._holders: Counter[int] = Counter()
        self.bytes = 0
        """What is held."""
        self.cut = 0
        """How often a connection was cut for it."""

    def hold(self, holder: Holder, party: str, what: object, size: int) -> None:
        """`holder`, who is of that party, holds `what` from now on, and nothing else.

        `what` is the very object in memory, of `size` bytes, or the holder itself where there is none to name.
        """
        held = self._held.get(holder)
        if held is None or held.what is not what:
            self.release(holder)
            self._held[holder] = _Holding(party, what)
            self._holders[id(what)] += 1
        self.bytes += size - self._sizes.get(id(what), 0)
        self._sizes[id(what)] = size
        while self.bytes > self._most:
            self._cut_one()

    def release(self, holder: Holder) -> None:
        """`holder` holds nothing any more."""
        held = self._held.pop(holder, None)
        if held is None:
            return
        key = id(held.what)
        self._holders[key] -= 1
        if not self._holders[key]:
            del self._holders[key]
            self.bytes -= self._sizes.pop(key)

    def _cut_one(self) -> None:
        shares: Counter[str] = Counter()
        for party, what in self._held.values():
            shares[party] += self._sizes[id(what)] // self._holders[id(what)]
        (greediest, _), *_ = shares.most_common(1)
        oldest = next(holder for holder, held in self._held.items() if held.party == greediest)
        self.release(oldest)
        self.cut += 1
        # Not at once: it may be the very one that is writing.
        asyncio.get_running_loop().call_soon(oldest.cut)
