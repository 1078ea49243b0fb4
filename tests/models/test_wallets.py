"""Wallets of a state: what they have, and what they share with those of the state before."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sent_graphql.models.contracts import ContributionStatus, Recipient
from sent_graphql.models.network import ContributionContract, ServiceNode, ServiceNodeState
from sent_graphql.models.snapshot import NetworkState

WALLETS = 5
STATES = (ServiceNodeState.RUNNING, ServiceNodeState.AWAITING_EXIT, ServiceNodeState.EXITED)
STATUSES = (ContributionStatus.OPEN_FOR_PUBLIC_CONTRIBUTION, ContributionStatus.FINALIZED)


def following(state: NetworkState, **changed: Any) -> NetworkState:
    """The next state: like this one, but for what changed."""
    same = {
        name: getattr(state, name)
        for name in ("network", "nodes", "contribution_contracts", "accrued", "recipients", "past")
    }
    return NetworkState(**(same | changed), previous=state)


@pytest.fixture(scope="module")
def state(make: Any) -> Any:
    """Wallets 1 and 2 share node 1; wallet 2 has node 2 and gathers a contract."""
    shared = (make.contributor(1, 10, is_operator=True), make.contributor(2, 5))
    own = (make.contributor(2, 7, is_operator=True),)
    return lambda: make.state(
        make.node(1, contributors=shared),
        make.node(2, contributors=own),
        contracts=(make.contract(1, contributors=own),),
        accrued={make.address(2): 70},
        recipients={make.address(2): Recipient(credited=60, claimed=50)},
    )


def test_a_wallet_is_the_same_object_in_the_next_state_while_nothing_of_it_changes(make: Any, state: Any) -> None:
    first = state()
    wallets = [first.wallet(make.address(number)) for number in (1, 2)]
    nodes = (first.nodes[0], structs.replace(first.nodes[1], last_reward_block_height=1))
    second = following(first, nodes=nodes)
    assert second.wallet(make.address(1)) is wallets[0]
    assert second.wallet(make.address(2)) is not wallets[1]
    assert second.wallet(make.address(2)).stakes[1].holder is nodes[1]


@pytest.mark.parametrize("change", ["amount", "exit", "contract", "accrued", "recipients", "left"])
def test_a_wallet_follows_what_changes_of_it(make: Any, state: Any, change: str) -> None:
    first = state()
    address = make.address(2)
    wallet = first.wallet(address)
    assert (wallet.total_staked, [stake.amount for stake in wallet.stakes]) == (19, [5, 7, 7])
    assert (wallet.rewards.pending, wallet.rewards.claimable) == (10, 10)
    node, contract = first.nodes[1], first.contribution_contracts[0]
    more = structs.replace(node, contributors=(structs.replace(node.contributors[0], amount=8),))
    gone = structs.replace(node, state=ServiceNodeState.EXITED)
    finalized = structs.replace(contract, status=ContributionStatus.FINALIZED)
    cases: dict[str, Any] = {
        "amount": ({"nodes": (first.nodes[0], more)}, 20, 3, 10, 10),
        "exit": ({"nodes": (first.nodes[0], gone)}, 12, 2, 10, 10),
        "contract": ({"contribution_contracts": (finalized,)}, 12, 2, 10, 10),
        "accrued": ({"accrued": {address: 71}}, 19, 3, 11, 10),
        "recipients": ({"recipients": {address: Recipient(credited=70, claimed=50)}}, 19, 3, 0, 20),
        "left": ({"nodes": (), "contribution_contracts": ()}, 0, 0, 10, 10),
    }
    changed, total, stakes, pending, claimable = cases[change]
    second = following(first, **changed).wallet(address)
    assert (second.total_staked, len(second.stakes)) == (total, stakes)
    assert (second.rewards.pending, second.rewards.claimable) == (pending, claimable)
    assert wallet.total_staked == 19


def test_wallets_are_handed_on_over_a_state_that_nobody_asks(make: Any, state: Any) -> None:
    first = state()
    wallet = first.wallet(make.address(1))
    assert following(following(first)).wallet(make.address(1)) is wallet


def test_wallets_that_nobody_asks_for_any_more_are_forgotten(make: Any, state: Any) -> None:
    first = state()
    wallet = first.wallet(make.address(1))
    second = following(first)
    assert second.wallet(make.address(2)) is not None
    assert following(second).wallet(make.address(1)) is not wallet


def test_addresses_without_a_stake_are_not_remembered(make: Any, state: Any) -> None:
    first = state()
    assert first.wallet(make.address(99)) is not first.wallet(make.address(99))
    assert not first.wallets_asked_for()


class History:
    """States of a small network, one after the other, in which anything may change."""

    def __init__(self, make: Any, chance: random.Random) -> None:
        self._make = make
        self._chance = chance
        self._nodes = {number: self._node(number) for number in range(4)}
        self._contracts = {number: self._contract(number) for number in range(2)}
        self._accrued: dict[str, int] = {}
        self._recipients: dict[str, Recipient] = {}
        self.states = [self._state(None)]

    def step(self) -> None:
        """Some of it changes; the rest is the same."""
        chance = self._chance
        for number in self._nodes:
            if chance.random() < 0.3:
                self._nodes[number] = self._node(number)
        for number in self._contracts:
            if chance.random() < 0.3:
                self._contracts[number] = self._contract(number)
        wallet = self._make.address(chance.randrange(WALLETS))
        if chance.random() < 0.5:
            self._accrued = self._accrued | {wallet: chance.randrange(3)}
        if chance.random() < 0.5:
            self._recipients = self._recipients | {wallet: Recipient(credited=chance.randrange(3), claimed=0)}
        self.states.append(self._state(self.states[-1]))

    def fresh(self) -> NetworkState:
        """The last state, made from nothing."""
        return self._state(None)

    def _state(self, previous: NetworkState | None) -> NetworkState:
        return NetworkState(
            network=self._make.network(),
            nodes=self._nodes.values() if previous is None else previous.present.next(self._nodes.values()),
            contribution_contracts=self._contracts.values(),
            accrued=self._accrued,
            recipients=self._recipients,
            previous=previous,
        )

    def _contributors(self) -> Any:
        chance = self._chance
        return tuple(
            self._make.contributor(chance.randrange(WALLETS), chance.randrange(3), is_operator=place == 0)
            for place in range(chance.choice((1, 2, 4)))
        )

    def _node(self, number: int) -> ServiceNode:
        node: ServiceNode = self._make.node(
            number, contributors=self._contributors(), state=self._chance.choice(STATES)
        )
        return node

    def _contract(self, number: int) -> ContributionContract:
        contract: ContributionContract = self._make.contract(
            number, contributors=self._contributors(), status=self._chance.choice(STATUSES)
        )
        return contract


@given(seed=st.integers(min_value=0))
def test_wallets_of_following_states_are_those_of_states_made_from_nothing(make: Any, seed: int) -> None:
    chance = random.Random(seed)
    history = History(make, chance)
    addresses = [make.address(number) for number in range(WALLETS)]
    for _ in range(6):
        asked = chance.sample(addresses, chance.randrange(WALLETS + 1))
        former = history.states[-1].wallets_asked_for()
        wanted = {address: history.fresh().wallet(address) for address in asked}
        got = {address: history.states[-1].wallet(address) for address in asked}
        assert got == wanted
        for address, wallet in got.items():
            assert wallet.stakes == wanted[address].stakes
            assert wallet.total_staked == sum(stake.amount for stake in wallet.stakes)
            before = former.get(address)
            assert (wallet is before) is (before == wallet)
        history.step()
