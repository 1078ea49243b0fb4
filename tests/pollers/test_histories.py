"""Random histories: whatever happens between two polls, each life is there once, with its id and its stakes."""

from collections import Counter
from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from sent_graphql.models.contracts import ContractNode, NodeExit, NodeRegistration, Stake
from sent_graphql.models.network import ExitKind, ServiceNode, ServiceNodeState
from sent_graphql.models.oxend import OxendNode, PendingRegistration, RemovedNode
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.models.wallets import stakes_in

KEYS = (1, 2, 3)

MOST_BEHIND = 3
"""Blocks that a view may be old: no key has another life within so few, since each change has to be confirmed."""


class World:
    """Both chains as they really are. Each step takes a key on in its life, and takes a block."""

    def __init__(self, make: Any) -> None:
        self.make = make
        self.block = 1_000
        self.held: dict[int, ContractNode] = {}
        self.registrations: dict[int, NodeRegistration] = {}
        self.exits: dict[int, NodeExit] = {}
        self.pending: dict[int, PendingRegistration] = {}
        self.running: dict[int, OxendNode] = {}
        self.removed: dict[tuple[int, int], RemovedNode] = {}
        self.lives: dict[tuple[int, int], int] = {}
        """Contract ids by key and registration height."""

    def __deepcopy__(self, memo: Any) -> "World":
        copy = World(self.make)
        for name, value in vars(self).items():
            setattr(copy, name, dict(value) if isinstance(value, dict) else value)
        return copy

    @property
    def now(self) -> int:
        """Unix seconds of the newest block of either chain."""
        made: int = self.make.top_timestamp + self.block * self.make.block_seconds
        return made

    def step(self, key: int, other: bool) -> None:
        """The next thing that can happen to the key; the less usual one if `other`."""
        self.block += 1
        held, removed = self._holding(key), [life for life in self.removed if life[0] == key]
        if key in self.running:
            self._request(key) if other and not self._is_leaving(key) else self._remove(key, other)
        elif key in self.pending:
            self._confirm(key)
        elif held is None and removed and not other:
            self._forget(removed[0])
        elif held is None:
            self._register(key)
        elif held.contract_id in self.lives.values():
            self._exit(held, liquidated=other)
        else:
            self._notice(key, held)

    def views(self) -> tuple[Any, Any]:
        """What oxend and the contracts tell now."""
        oxend = self.make.oxend_view(
            list(self.running.values()),
            block_height=self.block,
            chain_height=self.block + 1,
            block_timestamp=self.now,
            exit_list=tuple(self.removed.values()),
            pending_registrations=tuple(self.pending.values()),
        )
        contracts = self.make.contracts_view(
            list(self.held.values()),
            block_number=self.block,
            block_timestamp=self.now,
            registrations=dict(self.registrations),
            exits=dict(self.exits),
        )
        return oxend, contracts

    def _holding(self, key: int) -> ContractNode | None:
        return next((node for node in self.held.values() if node.pubkey == self.make.pubkey(key)), None)

    def _is_leaving(self, key: int) -> bool:
        return self.running[key].requested_unlock_height is not None

    def _register(self, key: int) -> None:
        contract_id = len(self.registrations) + 1
        staked = (
            Stake(self.make.address(key), self.make.address(key), self.make.requirement - contract_id),
            Stake(self.make.address(0x50 + contract_id), self.make.address(key), contract_id),
        )
        who: Any = {"operator": staked[0].address, "contributors": staked, "added_at": self.now}
        self.registrations[contract_id] = self.make.registration(contract_id, key, block_number=self.block, **who)
        self.held[contract_id] = self.make.contract_node(contract_id, key, **who)

    def _notice(self, key: int, held: ContractNode) -> None:
        seen_at = self.registrations[held.contract_id].block_number
        self.pending[key] = self.make.pending(key, l2_height=seen_at, height=self.block)

    def _confirm(self, key: int) -> None:
        held = self._holding(key)
        assert held is not None
        del self.pending[key]
        self.lives[key, self.block] = held.contract_id
        self.running[key] = self.make.oxend_node(key, registration_height=self.block, state_height=self.block)

    def _request(self, key: int) -> None:
        held = self._holding(key)
        assert held is not None
        self.held[held.contract_id] = structs.replace(held, leave_requested_at=self.now)
        self.running[key] = structs.replace(self.running[key], requested_unlock_height=self.block + 1)

    def _remove(self, key: int, deregistered: bool) -> None:
        born = self.running.pop(key).registration_height
        self.removed[key, born] = self.make.removed_node(
            key,
            kind="deregister" if deregistered else "exit",
            height=self.block,
            liquidation_height=self.block + 5,
            registration_height=born,
        )

    def _exit(self, held: ContractNode, *, liquidated: bool) -> None:
        del self.held[held.contract_id]
        self.exits[held.contract_id] = self.make.exit(
            held.contract_id, block_number=self.block, timestamp=self.now, liquidated=liquidated
        )

    def _forget(self, life: tuple[int, int]) -> None:
        del self.removed[life]


class Watcher:
    """The service: what it shows after each poll is held against the truth."""

    def __init__(self, join: Any) -> None:
        self._join = join
        self._ids: dict[tuple[str, int], str] = {}
        self.state: NetworkState | None = None

    def poll(self, world: World) -> None:
        """Reads both sides, and sees to everything that must be true of the answer."""
        state = self.read(*world.views())
        assert state.past.by_contract_id.keys() | state.present.by_contract_id.keys() == world.registrations.keys()
        for contract_id, registration in world.registrations.items():
            node = state.node_by_contract_id[contract_id]
            assert self._ids.setdefault((registration.pubkey, contract_id), node.id) == node.id, "ids are stable"
            self._check(node, registration, world)
        for key in KEYS:
            self._check_key(world.make.pubkey(key), world)

    def read(self, oxend: Any, contracts: Any) -> NetworkState:
        """Joins these views: nothing may be there twice."""
        self.state = self._join(oxend, contracts).state
        shown = (*self.state.nodes, *self.state.past.nodes)
        ids = Counter(node.id for node in shown)
        numbers = Counter(node.contract_id for node in shown if node.contract_id is not None)
        assert {*ids.values(), *numbers.values()} <= {1}, "each life once"
        return self.state

    def forget_all(self) -> None:
        """A start from nothing: neither snapshot nor archive. The ids may be new then."""
        self._join = self._join.anew()
        self._ids.clear()

    def restart(self) -> None:
        """A start with all that is kept."""
        self._join = self._join.restarted()

    def restart_from_database(self) -> None:
        """A start with the archive alone: what is there now may get a new id."""
        records = self._join.archive.records.values()
        kept = {node.id for node in self.state.past.nodes} if self.state is not None else set()
        self._ids = {life: node_id for life, node_id in self._ids.items() if node_id in kept}
        self._join = self._join.anew()
        self._join.remember(list(records))

    def _check(self, node: ServiceNode, registration: NodeRegistration, world: World) -> None:
        contract_id = registration.contract_id
        assert node.pubkey == registration.pubkey
        told = [(stake.address, stake.amount) for stake in registration.contributors]
        is_present = contract_id in world.held or contract_id in {world.lives[life] for life in world.removed}
        if contract_id in world.held or not is_present:
            assert [(c.address, c.amount) for c in node.contributors] == told, "no contributor is lost"
        assert (node.state is ServiceNodeState.EXITED) is (contract_id in world.exits)
        assert (node.exit is not None) is (contract_id in world.exits)
        assert self.state is not None
        assert (node in self.state.past.nodes) is not is_present, "present wins"
        if node.exit is None:
            return
        event = world.exits[contract_id]
        assert (node.exit.kind is ExitKind.LIQUIDATED) is event.liquidated
        assert (node.exit.block_number, node.exit.returned_amount) == (event.block_number, event.returned_amount)
        for staker in {contributor.address for contributor in node.contributors}:
            (stake,) = stakes_in((node,), staker)
            assert stake.exited

    def _check_key(self, pubkey: str, world: World) -> None:
        """A key finds the living node, else the one that left last."""
        assert self.state is not None
        ids = [contract_id for contract_id, event in world.registrations.items() if event.pubkey == pubkey]
        found = self.state.node_by_pubkey.get(pubkey)
        assert (found is None) is (not ids)
        if found is not None:
            assert found.contract_id == max(ids)


steps = st.tuples(st.sampled_from(KEYS), st.booleans())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(history=st.lists(st.one_of(steps, st.sampled_from(["poll", "restart", "database", "anew"])), max_size=60))
def test_every_life_is_there_once_under_one_id_with_all_its_stakes(make: Any, join: Any, history: list[Any]) -> None:
    world, watcher = World(make), Watcher(join.anew())
    for happening in [*history, "poll"]:
        if happening == "poll":
            watcher.poll(world)
        elif happening == "restart":
            watcher.restart()
        elif happening == "database":
            watcher.restart_from_database()
        elif happening == "anew":
            watcher.forget_all()
        else:
            world.step(*happening)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(before=st.lists(steps, max_size=30), lost=st.lists(steps, max_size=12), after=st.lists(steps, max_size=12))
def test_after_a_reorganisation_of_both_sides_only_the_final_branch_is_shown(
    make: Any, join: Any, before: list[Any], lost: list[Any], after: list[Any]
) -> None:
    world, watcher = World(make), Watcher(join.anew())
    for happening in before:
        world.step(*happening)
    fork = deepcopy(world)
    watcher.poll(world)
    for happening in lost:
        world.step(*happening)
        watcher.poll(world)
    world = fork
    for happening in after:
        world.step(*happening)
    watcher.poll(world)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(history=st.lists(st.one_of(steps, st.sampled_from(["oxend", "contracts"])), max_size=60))
def test_views_of_different_ages_make_no_life_twice_and_come_right(make: Any, join: Any, history: list[Any]) -> None:
    world, watcher = World(make), Watcher(join.anew())
    oxend, contracts = world.views()
    for happening in history:
        if isinstance(happening, tuple):
            world.step(*happening)
        now = world.views()
        oxend = now[0] if happening == "oxend" or world.block - oxend.block_height > MOST_BEHIND else oxend
        contracts = (
            now[1] if happening == "contracts" or world.block - contracts.block_number > MOST_BEHIND else contracts
        )
        watcher.read(oxend, contracts)
    watcher.poll(world)
