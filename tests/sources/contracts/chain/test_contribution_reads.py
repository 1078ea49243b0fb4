"""Contribution contracts: found by the factory's events, read then, and again when their events say so."""

from typing import Any

import pytest

from sent_graphql.models.contracts import ContributionStatus, ReservedPlace
from sent_graphql.sources.contracts.abi import Event, View
from sent_graphql.sources.contracts.source import ContractsSource


@pytest.mark.parametrize("old_generation", [True, False])
async def test_contracts_of_both_generations_are_discovered(
    chain: Any, source: ContractsSource, person: Any, old_generation: bool
) -> None:
    chain.old_generation = old_generation
    first = await source.fetch(None, ())
    address = chain.deploy(1, person(1))
    chain.mine()
    view = await source.fetch(first, ())
    contract = view.contribution_contracts[address]
    assert contract.status is ContributionStatus.WAIT_FOR_OPERATOR_CONTRIBUTION
    assert (contract.operator, contract.fee, contract.created_at_block) == (person(1), 250, chain.head)
    assert contract.minimum_contribution == 25_000 * 10**9 // 4


async def test_a_contract_is_read_again_only_when_it_tells_of_a_change(
    chain: Any, source: ContractsSource, person: Any
) -> None:
    view = await source.fetch(None, ())
    one, two = chain.deploy(1, person(1)), chain.deploy(2, person(1))
    chain.mine()
    first = await source.fetch(view, ())
    chain.calls.clear()
    chain.contribute(one, person(1), 7 * 10**9, at=1_700_000_001)
    chain.contribute(one, person(2), 3 * 10**9, at=1_700_000_002)
    chain.mine()
    before = chain.round_trips
    second = await source.fetch(first, ())
    assert chain.round_trips - before <= 4
    contract = second.contribution_contracts[one]
    assert [(c.address, c.amount, c.contributed_at) for c in contract.contributions] == [
        (person(1), 7 * 10**9, 1_700_000_001),
        (person(2), 3 * 10**9, 1_700_000_002),
    ]
    assert contract.status is ContributionStatus.OPEN_FOR_PUBLIC_CONTRIBUTION
    assert second.contribution_contracts[two] is first.contribution_contracts[two]
    assert chain.count(View.STATUS) == 1
    assert chain.count(View.OPERATOR) == 0, "what never changes is not read again"
    assert {person(1), person(2)} <= second.recipients.keys()


async def test_a_minimum_contribution_that_reverts_is_null(chain: Any, source: ContractsSource, person: Any) -> None:
    first = await source.fetch(None, ())
    address = chain.deploy(1, person(1))
    places = (ReservedPlace(person(1), 10, True), ReservedPlace(person(2), 20, False))
    chain.change(address, Event.FILLED, minimum_contribution=None, reservations=places, total_reserved=20)
    chain.mine()
    view = await source.fetch(first, ())
    contract = view.contribution_contracts[address]
    assert contract.minimum_contribution is None
    assert (contract.reservations, contract.total_reserved) == (places, 20)


async def test_views_that_a_contract_lacks_are_done_without(chain: Any, source: ContractsSource, person: Any) -> None:
    first = await source.fetch(None, ())
    chain.lacking_views = {View.MANUAL_FINALIZE, View.CONTRIBUTION_TIMESTAMP}
    address = chain.deploy(1, person(1))
    chain.contribute(address, person(1), 5, at=1)
    chain.mine()
    view = await source.fetch(first, ())
    contract = view.contribution_contracts[address]
    assert (contract.manual_finalize, contract.contributions[0].contributed_at) == (False, None)


@pytest.mark.parametrize("old_generation", [True, False])
async def test_a_registration_knows_the_contract_that_made_it(
    chain: Any, source: ContractsSource, person: Any, old_generation: bool
) -> None:
    chain.old_generation = old_generation
    view = await source.fetch(None, ())
    address = chain.deploy(1, person(1))
    chain.contribute(address, person(1), 25_000 * 10**9, at=1)
    chain.mine()
    view = await source.fetch(view, ())
    node = chain.finalize(address)
    solo = chain.register(person(1))
    chain.mine()
    view = await source.fetch(view, ())
    assert view.registrations[node].contribution_contract == address
    assert view.registrations[solo].contribution_contract is None
    assert view.contribution_contracts[address].status is ContributionStatus.FINALIZED
    assert view.contribution_contracts[address].contributions[0].contributed_at is None, "no use once finalized"


@pytest.mark.parametrize("old_generation", [True, False])
async def test_a_contract_made_and_finalized_between_two_refreshes_is_linked(
    chain: Any, source: ContractsSource, person: Any, old_generation: bool
) -> None:
    chain.old_generation = old_generation
    view = await source.fetch(None, ())
    address = chain.deploy(1, person(1))
    chain.contribute(address, person(1), 25_000 * 10**9, at=1)
    chain.mine()
    node = chain.finalize(address)
    chain.mine()
    view = await source.fetch(view, ())
    assert view.registrations[node].contribution_contract == address


async def test_a_contract_that_was_reset_can_register_again(chain: Any, source: ContractsSource, person: Any) -> None:
    view = await source.fetch(None, ())
    address = chain.deploy(1, person(1))
    chain.contribute(address, person(1), 25_000 * 10**9, at=1)
    chain.finalize(address)
    chain.mine()
    view = await source.fetch(view, ())
    empty: dict[str, Any] = {"contributions": (), "total_contributed": 0}
    again = ContributionStatus.WAIT_FOR_OPERATOR_CONTRIBUTION
    chain.change(address, Event.RESET, status=again, minimum_contribution=5, **empty)
    chain.change(address, Event.UPDATE_PUBKEYS, pubkey=f"{9:064x}", pubkey_bls=f"{8:0128x}")
    chain.mine()
    view = await source.fetch(view, ())
    contract = view.contribution_contracts[address]
    assert (contract.status, contract.contributions, contract.pubkey) == (again, (), f"{9:064x}")
    assert list(view.nodes) == [1], "the node stays"
    chain.contribute(address, person(2), 25_000 * 10**9, at=2)
    chain.finalize(address)
    chain.mine()
    view = await source.fetch(view, ())
    assert {node: entry.contribution_contract for node, entry in view.registrations.items()} == {
        1: address,
        2: address,
    }


async def test_contracts_come_in_the_order_of_their_creation(chain: Any, source: ContractsSource, person: Any) -> None:
    view = await source.fetch(None, ())
    made = [chain.deploy(number, person(1)) for number in (9, 3, 7)]
    chain.mine()
    made.append(chain.deploy(1, person(1)))
    chain.mine()
    view = await source.fetch(view, ())
    assert list(view.contribution_contracts) == made


async def test_a_contract_that_cannot_be_read_is_left_out_until_it_has_events(
    chain: Any, source: ContractsSource, person: Any
) -> None:
    view = await source.fetch(None, ())
    good, bad = chain.deploy(1, person(1)), chain.deploy(2, person(1))
    lost = chain.state.contracts.pop(bad)
    chain.mine()
    view = await source.fetch(view, ())
    assert list(view.contribution_contracts) == [good]
    chain.mine()
    chain.calls.clear()
    view = await source.fetch(view, ())
    assert chain.count(View.STATUS) == 0
    chain.state.contracts[bad] = lost
    chain.change(bad, Event.UPDATE_FEE, fee=1)
    chain.mine()
    view = await source.fetch(view, ())
    assert view.contribution_contracts[bad].fee == 1
