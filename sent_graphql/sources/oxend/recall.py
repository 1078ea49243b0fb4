"""What oxend's texts were read as, so that what is spelled as in the last round is the same object again.

Between two blocks oxend repeats nearly everything that it says: what is not read anew costs nothing, takes no memory
twice, and shows by its identity that it has not changed.
"""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from sent_graphql.models.oxend import OxendContribution, OxendNode

T = TypeVar("T", str, bytes)
V = TypeVar("V")


class Recall(Generic[T, V]):
    """Texts of one kind: those of this round, and until it is over those of the last. As large as a reply."""

    def __init__(self, last: Mapping[T, V]) -> None:
        self.texts: dict[T, V] = {}
        """This round's."""
        self._last: Mapping[T, V] = last

    def read(self, text: T, make: Callable[[T], V]) -> V:
        """What the text stands for; `make` reads it where the last round had another."""
        known = self.texts.get(text)
        if known is None:
            known = self._last.get(text)
            self.texts[text] = known = make(text) if known is None else known
        return known

    def forget(self) -> None:
        """The round is over."""
        self._last = {}


class RoundRecall:
    """What one round recalls of the one before. A round that fails leaves the last one's untouched."""

    def __init__(self, last: "RoundRecall | None" = None) -> None:
        self.nodes: Recall[bytes, OxendNode] = Recall(last.nodes.texts if last else {})
        """By the text of their entries."""
        self.contributors: Recall[bytes, tuple[OxendContribution, ...]] = Recall(
            last.contributors.texts if last else {}
        )
        """By the text of a node's list."""
        self.addresses: Recall[str, str] = Recall(last.addresses.texts if last else {})
        """Those with rewards, by oxend's spelling."""

    def forget(self) -> None:
        """The round is over: what it did not repeat is let go."""
        for recall in (self.nodes, self.contributors, self.addresses):
            recall.forget()
