"""Service nodes behind the indexes that look-ups go by."""

from collections.abc import Callable, Iterable
from typing import TypeVar, cast

from sent_graphql.models.network import ServiceNode, ServiceNodeState

T = TypeVar("T")


class Derived:
    """Something that never changes, and remembers what was made of it: pure functions of it alone."""

    def __init__(self) -> None:
        self._derived: dict[object, object] = {}

    def derived(self, key: object, make: Callable[[], T]) -> T:
        """What `make` gives, made once and remembered under `key`."""
        if key not in self._derived:
            self._derived[key] = make()
        return cast("T", self._derived[key])


class NodeIndex(Derived):
    """Lives of nodes, with the indexes that make every look-up cost what its answer costs. Never changed."""

    def __init__(self, nodes: Iterable[ServiceNode] = ()) -> None:
        super().__init__()
        self.nodes = tuple(nodes)
        self.by_id = {node.id: node for node in self.nodes}
        self.by_contract_id = {node.contract_id: node for node in self.nodes if node.contract_id is not None}
        self.by_pubkey = _latest_lives(self.nodes, lambda node: node.pubkey)
        self.by_bls = _latest_lives(self.nodes, lambda node: node.pubkey_bls)
        self.by_operator = grouped(self.nodes, lambda node: {node.operator})
        self.by_contributor = grouped(self.nodes, lambda node: {c.address for c in node.contributors})


def left_later(one: ServiceNode, other: ServiceNode) -> bool:
    """Whether `one`, of two lives of the same keys, is known to be the later one: a key has one life at a time."""
    if one.contract_id is not None and other.contract_id is not None:
        return one.contract_id > other.contract_id
    if one.registration_height is not None and other.registration_height is not None:
        return one.registration_height > other.registration_height
    return False


def grouped(items: Iterable[T], keys: Callable[[T], Iterable[str]]) -> dict[str, tuple[T, ...]]:
    """The items under each of their keys, in their order."""
    groups: dict[str, list[T]] = {}
    for item in items:
        for key in keys(item):
            groups.setdefault(key, []).append(item)
    return {key: tuple(group) for key, group in groups.items()}


def _latest_lives(nodes: Iterable[ServiceNode], key: Callable[[ServiceNode], str | None]) -> dict[str, ServiceNode]:
    """The living node of each key, else the one that left last."""
    latest: dict[str, ServiceNode] = {}
    for node in nodes:
        name = key(node)
        if name is None:
            continue
        rival = latest.get(name)
        if rival is None or _recency(node) > _recency(rival):
            latest[name] = node
    return latest


def _recency(node: ServiceNode) -> tuple[bool, int, int, int]:
    """Greater for what lives, and of what has left for what came later: nodes without a contract are the oldest."""
    if node.state is ServiceNodeState.EXITED:
        contract_id = -1 if node.contract_id is None else node.contract_id
        return False, contract_id, node.registration_height or 0, node.state_height or 0
    return True, node.state_height or 0, node.contract_id or 0, node.registration_height or 0


NO_NODES = NodeIndex()


NO_NODES = NodeIndex()
