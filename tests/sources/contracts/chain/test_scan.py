"""The scan of past events: where it begins, what it finds, and what stops it."""

import asyncio
from typing import Any

import pytest

from sent_graphql.sources.contracts.source import ContractsSource


async def test_past_events_become_known_in_the_background(
    chain: Any, source: ContractsSource, scan_through: Any, person: Any
) -> None:
    chain.register(person(1), fee=33)
    chain.register(person(2))
    contract = chain.deploy(1, person(3))
    chain.mine(5)
    chain.exit(2)
    chain.credit(person(8), 4)
    chain.mine(5)
    first = await source.fetch(None, ())
    assert (first.registrations, first.contribution_contracts, first.exits) == ({}, {}, {})
    assert (first.scan.target, first.scan.complete) == (chain.head, False)

    assert await scan_through(source) >= 1

    view = await source.fetch(first, ())
    assert view.registrations[1].fee == 33
    assert list(view.registrations) == [1, 2]
    assert list(view.exits) == [2]
    assert view.contribution_contracts[contract].created_at_block == 6
    assert person(8) in view.recipients
    assert view.scan.complete
    assert view.scan.from_block == chain.deployed_at, "found by bisection"
    assert view.nodes is first.nodes


@pytest.mark.parametrize("old_generation", [True, False])
async def test_a_past_registration_knows_the_contract_that_made_it(
    chain: Any, source: ContractsSource, scan_through: Any, person: Any, old_generation: bool
) -> None:
    chain.old_generation = old_generation
    contract = chain.deploy(1, person(1))
    chain.contribute(contract, person(1), 25_000 * 10**9, at=1)
    chain.mine(2)
    made = chain.finalize(contract)
    solo = chain.register(person(1))
    chain.mine()
    view = await source.fetch(None, ())
    await scan_through(source)
    view = await source.fetch(view, ())
    assert view.registrations[made].contribution_contract == contract
    assert view.registrations[solo].contribution_contract is None


async def test_a_registration_seen_before_its_contract_was_known_is_linked_in_the_end(
    chain: Any, source: ContractsSource, scan_through: Any, person: Any
) -> None:
    chain.old_generation = True
    contract = chain.deploy(1, person(1))
    chain.contribute(contract, person(1), 25_000 * 10**9, at=1)
    chain.mine(2)
    view = await source.fetch(None, ())
    made = chain.finalize(contract)
    chain.mine()
    view = await source.fetch(view, ())
    assert view.registrations[made].contribution_contract is None
    await scan_through(source)
    view = await source.fetch(view, ())
    assert view.registrations[made].contribution_contract == contract


async def test_a_deployment_block_that_is_set_is_not_looked_for(
    chain: Any, make_source: Any, scan_through: Any
) -> None:
    chain.code_kept_from = 10**6
    source = await make_source(deployment_block=4, multicall=None)
    chain.codeless = set()
    chain.code_kept_from = 0
    chain.mine(5)
    await source.fetch(None, ())
    chain.code_kept_from = 10**6
    await scan_through(source)
    assert (source.progress.from_block, source.progress.error) == (4, None)
    assert min(first for first, _ in chain.log_queries) == 4


async def test_pruned_history_asks_for_the_setting_and_the_service_goes_on(
    chain: Any, source: ContractsSource, scan_through: Any, person: Any
) -> None:
    chain.mine(50)
    view = await source.fetch(None, ())
    chain.code_kept_from = 40
    await scan_through(source)
    assert source.progress.error is not None
    assert "contracts.deployment_block" in source.progress.error
    assert not source.progress.complete
    chain.register(person(1))
    chain.mine()
    view = await source.fetch(view, ())
    assert list(view.registrations) == [1]


@pytest.mark.parametrize("limit", ["max_range", "max_logs"])
async def test_the_range_adapts_to_what_the_provider_gives(
    chain: Any, make_source: Any, scan_through: Any, person: Any, limit: str
) -> None:
    for _ in range(30):
        chain.register(person(1))
        chain.mine(2)
    setattr(chain, limit, 7)
    source = await make_source(scan_range=1000, scan_range_max=1000)
    view = await source.fetch(None, ())
    await scan_through(source)
    view = await source.fetch(view, ())
    assert list(view.registrations) == list(range(1, 31))
    assert source.progress.error is None
    asked = {last - first + 1 for first, last in chain.log_queries}
    assert len(asked) > 2, "smaller and larger ranges were tried"


@pytest.mark.parametrize("words", ["ranges over 7 blocks are not supported on freetier", "you ask for too much of me"])
async def test_the_range_adapts_whatever_words_refuse_it(
    chain: Any, make_source: Any, scan_through: Any, person: Any, words: str
) -> None:
    chain.register(person(1))
    chain.mine(30)
    chain.max_range, chain.range_words = 7, words
    source = await make_source(scan_range=1000)
    view = await source.fetch(None, ())
    await scan_through(source)
    assert source.progress.error is None
    assert list((await source.fetch(view, ())).registrations) == [1]


@pytest.mark.parametrize("most", [1, 2])
async def test_a_limit_of_addresses_is_kept_to(
    chain: Any, make_source: Any, scan_through: Any, person: Any, most: int
) -> None:
    chain.max_addresses = most
    contracts = [chain.deploy(number, person(1)) for number in range(5)]
    chain.mine(3)
    chain.contribute(contracts[0], person(1), 25_000, at=1)
    chain.old_generation = True
    chain.finalize(contracts[0])
    chain.mine(3)
    source = await make_source()
    view = await source.fetch(None, ())
    await scan_through(source)
    view = await source.fetch(view, ())
    assert source.progress.error is None
    assert list(view.contribution_contracts) == contracts
    assert view.registrations[1].contribution_contract == contracts[0]


async def test_the_range_grows_while_the_provider_gives(chain: Any, make_source: Any, scan_through: Any) -> None:
    chain.mine(100)
    source = await make_source(scan_range=2, scan_range_max=16)
    await source.fetch(None, ())
    await scan_through(source)
    widths = [last - first + 1 for first, last in chain.log_queries]
    assert widths[:5] == [2, 4, 8, 16, 16]
    assert max(widths) == 16


async def test_a_single_block_that_is_refused_stops_the_scan_clearly(
    chain: Any, source: ContractsSource, scan_through: Any, person: Any
) -> None:
    for _ in range(3):
        chain.register(person(1))
    chain.mine()
    chain.max_logs = 2
    view = await source.fetch(None, ())
    await scan_through(source)
    assert source.progress.error is not None
    assert "single block" in source.progress.error
    assert (await source.fetch(view, ())).nodes == view.nodes


async def test_an_outage_pauses_the_scan_and_it_goes_on(chain: Any, source: ContractsSource, person: Any) -> None:
    chain.register(person(1))
    chain.mine()
    await source.fetch(None, ())
    errors: list[str | None] = []
    done = asyncio.Event()

    def fail_twice(method: str, params: list[Any]) -> None:
        if method == "eth_getLogs" and len([error for error in errors if error is not None]) < 2:
            raise chain.refusal(-32603, "internal error")

    def on_progress() -> None:
        errors.append(source.progress.error)
        if source.progress.complete:
            done.set()

    chain.before_answer = fail_twice
    scan = asyncio.create_task(source.scan(on_progress))
    async with asyncio.timeout(20):
        await done.wait()
    assert [error for error in errors if error is not None] == ["eth_getLogs: internal error (code -32603)"] * 2
    assert source.progress.error is None
    scan.cancel()
    await asyncio.gather(scan, return_exceptions=True)


async def test_a_restart_goes_on_where_the_last_run_stopped(
    chain: Any, make_source: Any, scan_through: Any, person: Any
) -> None:
    chain.register(person(1))
    contract = chain.deploy(1, person(1))
    chain.mine(10)
    first = await make_source()
    view = await first.fetch(None, ())
    await scan_through(first)
    chain.register(person(2))
    chain.mine(2)
    await first.fetch(view, ())
    await first.close()
    scanned_to = chain.head
    chain.register(person(3))
    chain.mine(10)
    chain.log_queries.clear()

    second = await make_source()
    assert second.progress.scanned_to == scanned_to
    view = await second.fetch(None, ())
    assert list(view.registrations) == [1, 2], "known before the scan goes on"
    assert list(view.contribution_contracts) == [contract]
    await scan_through(second)
    view = await second.fetch(view, ())
    assert list(view.registrations) == [1, 2, 3]
    assert min(begin for begin, _ in chain.log_queries) == scanned_to + 1


async def test_a_killed_service_keeps_what_it_has_scanned(chain: Any, make_source: Any) -> None:
    chain.mine(100)
    first = await make_source(scan_range=2, scan_range_max=2)
    await first.fetch(None, ())
    begun = asyncio.Event()
    task = asyncio.create_task(first.scan(begun.set))
    async with asyncio.timeout(20):
        await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    second = await make_source()
    assert second.progress.from_block == chain.deployed_at, "found already, and not looked for again"


async def test_a_reorganisation_while_the_service_was_down_rolls_back(
    chain: Any, make_source: Any, scan_through: Any, person: Any
) -> None:
    chain.register(person(1))
    chain.mine(10)
    chain.register(person(2), fee=2)
    chain.mine()
    first = await make_source()
    await first.fetch(None, ())
    await scan_through(first)
    await first.close()
    chain.reorganise(1, length=0)
    chain.register(person(3), fee=3)
    chain.mine(5)
    second = await make_source()
    view = await second.fetch(None, ())
    await scan_through(second)
    view = await second.fetch(view, ())
    assert {key: entry.fee for key, entry in view.registrations.items()} == {1: 1000, 2: 3}


async def test_a_reorganisation_between_two_steps_rolls_back_to_the_fork(
    chain: Any, make_source: Any, person: Any
) -> None:
    source = await make_source(scan_range=4, scan_range_max=4)
    chain.mine(10)
    chain.register(person(1), fee=1)
    chain.mine(10)
    view = await source.fetch(None, ())
    done = asyncio.Event()
    changed = False

    def on_progress() -> None:
        nonlocal changed
        if not changed and (source.progress.scanned_to or 0) >= 18:
            changed = True
            chain.reorganise(10, length=0)
            chain.register(person(2), fee=2)
            chain.mine(12)
        if source.progress.complete:
            done.set()

    scan = asyncio.create_task(source.scan(on_progress))
    async with asyncio.timeout(20):
        await done.wait()
        view = await source.fetch(view, ())
        while not source.progress.complete:
            done.clear()
            await done.wait()
    view = await source.fetch(view, ())
    assert changed
    assert {key: entry.fee for key, entry in view.registrations.items()} == {1: 2}
    scan.cancel()
    await asyncio.gather(scan, return_exceptions=True)


async def test_a_later_deployment_block_than_before_keeps_the_events_an_earlier_one_does_not(
    chain: Any, make_source: Any, scan_through: Any
) -> None:
    chain.mine(20)
    first = await make_source(deployment_block=8)
    await first.fetch(None, ())
    await scan_through(first)
    await first.close()
    assert (await make_source(deployment_block=9)).progress.from_block == 8
    assert (await make_source(deployment_block=7)).progress.from_block is None
