"""Service nodes behind the indexes that look-ups go by."""

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import TypeVar, cast

from sent_graphql.models.network import ServiceNode, ServiceNodeState

T = TypeVar("T")
K = TypeVar("K", str, int)


class Derived:
    """Something that never changes, and remembers what was made of it: pure functions of it alone."""

    def __init__(self) -> None:
        self._derived: dict[object, object] = {}

    def derived(self, key: object, make: Callable[[], T]) -> T:
        """What `make` gives, made once and remembered under `key`."""
        if key not in self._derived:
            self._derived[key] = make()
        return cast("T", self._derived[key])

    def forget(self) -> None:
        """Remembers nothing any more: it is about to become something else."""
        self._derived = {}


class NodeIndex(Derived):
    """Lives of nodes, with the indexes that make every look-up cost what its answer costs. Never changed."""

    def __init__(self, nodes: Iterable[ServiceNode] = ()) -> None:
        super().__init__()
        self.nodes = tuple(nodes)
        self.by_id = {node.id: node for node in self.nodes}
        self.by_contract_id = {node.contract_id: node for node in self.nodes if node.contract_id is not None}
        self.by_pubkey = _latest_lives(self.nodes, lambda node: node.pubkey)
        self.by_bls = _latest_lives(self.nodes, lambda node: node.pubkey_bls)
        self.by_operator = grouped(self.nodes, _operators)
        self.by_contributor = grouped(self.nodes, _stakers)

    def next(self, nodes: Iterable[ServiceNode]) -> "NodeIndex":
        """An index of `nodes`, which shares with this one what they have in common: all of it, if nothing changed."""
        following = tuple(nodes)
        if len(following) != len(self.nodes):
            return NodeIndex(following)
        changed = [pair for pair in zip(self.nodes, following, strict=True) if pair[0] is not pair[1]]
        if not changed:
            return self
        if any(_place(old) != _place(new) for old, new in changed):
            return NodeIndex(following)
        return self._with(following, {old.id: new for old, new in changed})

    def _with(self, nodes: tuple[ServiceNode, ...], changed: Mapping[str, ServiceNode]) -> "NodeIndex":
        """An index of `nodes`, of which those that `changed`, by their ids, are found where the old ones were."""
        index = copy(self)
        index.forget()
        index.nodes = nodes
        index.by_id = {**self.by_id, **changed}
        index.by_contract_id = _replaced(self.by_contract_id, changed, lambda node: node.contract_id)
        index.by_pubkey = _replaced(self.by_pubkey, changed, lambda node: node.pubkey)
        index.by_bls = _replaced(self.by_bls, changed, lambda node: node.pubkey_bls)
        index.by_operator = _regrouped(self.by_operator, changed, _operators)
        index.by_contributor = _regrouped(self.by_contributor, changed, _stakers)
        return index


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


def _operators(node: ServiceNode) -> Iterable[str]:
    return (node.operator,)


def _stakers(node: ServiceNode) -> Iterable[str]:
    """Each once, however often a node lists them."""
    return {contributor.address for contributor in node.contributors}


def _place(node: ServiceNode) -> tuple[object, ...]:
    """Where a node is found in an index: nodes that differ in nothing of this take each other's place."""
    stakers = [contributor.address for contributor in node.contributors]
    return node.id, node.contract_id, node.pubkey, node.pubkey_bls, node.operator, stakers, _recency(node)


def _replaced(
    index: dict[K, ServiceNode], changed: Mapping[str, ServiceNode], key: Callable[[ServiceNode], K | None]
) -> dict[K, ServiceNode]:
    """The index with the nodes that `changed`, where it has them: of several with one key it has one."""
    new = index.copy()
    for node in changed.values():
        name = key(node)
        if name is not None and index[name].id == node.id:
            new[name] = node
    return new


def _regrouped(
    groups: dict[str, tuple[ServiceNode, ...]],
    changed: Mapping[str, ServiceNode],
    keys: Callable[[ServiceNode], Iterable[str]],
) -> dict[str, tuple[ServiceNode, ...]]:
    """The groups with the nodes that `changed`; those without any are the same objects."""
    new = groups.copy()
    for key in {key for node in changed.values() for key in keys(node)}:
        new[key] = tuple([changed.get(node.id, node) for node in groups[key]])
    return new


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
